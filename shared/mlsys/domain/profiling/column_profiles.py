"""One column of `profile.json`: what was counted, and what the sample shows."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np
import polars as pl

from mlsys.domain.profiling.distributions import (
    Numbers,
    edges_of,
    histogram,
    quantiles,
    sorted_numbers,
    top,
    written,
)
from mlsys.domain.profiling.reference import ColumnPart, Lengths, ProfiledColumn
from mlsys.domain.profiling.seen_parts import Seen
from mlsys.domain.records import Part
from mlsys.domain.split_records import Column, ColumnType

FEW = 50
"""Different integers in train up to which they are categories, too."""
CATEGORIES = (ColumnType.TEXT, ColumnType.BOOLEAN)
MEANT = (ColumnType.INTEGER, ColumnType.FLOAT, ColumnType.DECIMAL)
"""Types of which there is a mean."""


def describe(column: Column, seen: Mapping[Part, Seen]) -> ProfiledColumn:
    """Describe a column in all parts that have rows; of a sensitive one only how many cells.

    The bins of all parts are those of train, so that they can be compared.
    """
    name, hidden = column.name, column.sensitive
    ordered = {} if hidden else {part: sorted_numbers(one.rows[name]) for part, one in seen.items()}
    edges = edges_of(ordered.get("train", np.empty(0)))
    categories = not hidden and _has_categories(column, seen.get("train"))
    parts = {}
    for part, one in seen.items():
        fields = _counted(one, name)
        if not hidden:
            fields |= _exact(one, column) | _spread(ordered[part], edges, one.rows[name].dtype)
        if categories:
            fields["top"] = top(one.rows[name])
        parts[part] = ColumnPart(**fields)
    dtypes = [one.rows[name].dtype for one in seen.values()]
    return ProfiledColumn(
        name=name,
        type=column.type,
        nullable=any(part.missing for part in parts.values()),
        role=column.role,
        sensitive=column.sensitive,
        edges=[written(edge, dtypes[0]) for edge in edges],
        parts=parts,
    )


def _has_categories(column: Column, train: Seen | None) -> bool:
    if column.type is ColumnType.INTEGER and train is not None:
        return train.distinct(column.name)[0] <= FEW
    return column.type in CATEGORIES


def _counted(seen: Seen, name: str) -> dict[str, Any]:
    tally = seen.tallies[name]
    distinct, exact = seen.distinct(name)
    return {
        "count": tally.present,
        "missing": tally.missing,
        "not_finite": tally.not_finite,
        "distinct": distinct,
        "distinct_is_exact": exact,
    }


def _exact(seen: Seen, column: Column) -> dict[str, Any]:
    tally = seen.tallies[column.name]
    fields: dict[str, Any] = {}
    if tally.moments:
        fields["min"] = written(tally.moments.low, tally.dtype)
        fields["max"] = written(tally.moments.high, tally.dtype)
    if tally.moments and column.type in MEANT:
        fields["mean"] = tally.moments.mean if isfinite(tally.moments.mean) else None
        fields["std"] = tally.moments.std
    if tally.spans:
        mean = tally.spans.total / tally.present
        fields["lengths"] = Lengths(min=tally.spans.shortest, max=tally.spans.longest, mean=mean)
    return fields


def _spread(ordered: Numbers, edges: Numbers, dtype: pl.DataType) -> dict[str, Any]:
    if not len(ordered):
        return {}
    return {"quantiles": quantiles(ordered, dtype), "histogram": histogram(ordered, edges)}
