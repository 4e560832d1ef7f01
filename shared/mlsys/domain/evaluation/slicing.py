"""Rows apart by the values of a column, so that one can see where a model is weak."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from mlsys.domain.evaluation.curves import spread

MAX_VALUES = 20
BINS = 10
MAX_SHOWN = 80

Rows = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Slicing:
    """How a column is cut, as train tells it.

    Attributes:
        column: its name.
        values: the most frequent values, by which rows are told apart; or
        edges: between which numbers or times they are; the first bin begins at the first.
    """

    column: str
    values: pl.Series
    edges: pl.Series | None = None

    def rows_of(self, column: pl.Series) -> Iterator[tuple[str, Rows]]:
        """Name each slice that has rows, and mark them: (n,); every row is in one of them."""
        for name, marked in self._slices(column):
            rows = marked.to_numpy()
            if rows.any():
                yield name, rows

    def _slices(self, column: pl.Series) -> Iterator[tuple[str, pl.Series]]:
        plain = _plain(column)
        if self.edges is None:
            for value in self.values:
                yield _shown(value), (plain == value).fill_null(value=False)
            yield "others", (~plain.is_in(self.values.to_list())).fill_null(value=False)
        else:
            edges = self.edges.to_list()
            last = len(edges) - 2
            for place, (low, high) in enumerate(pairwise(edges)):
                above = plain >= low if place else plain.is_not_null()
                below = plain < high if place < last else above
                yield f"{_shown(low)} to {_shown(high)}", (above & below).fill_null(value=False)
        yield "missing", plain.is_null()


def slicing_of(train: pl.Series) -> Slicing:
    """Decide how to cut a column: by its 20 most frequent values, or in bins of as many rows.

    Bins are for numbers and times of more than 20 values.
    """
    present = _plain(train).drop_nulls()
    if present.n_unique() > MAX_VALUES and (
        present.dtype.is_numeric() or present.dtype.is_temporal()
    ):
        ends = spread(len(present), BINS + 1)
        return Slicing(train.name, present.clear(), present.sort().gather(ends).unique().sort())
    counted = present.alias("value").to_frame().group_by("value").len()
    frequent = counted.sort(["len", "value"], descending=[True, False])["value"]
    return Slicing(train.name, frequent.head(MAX_VALUES))


def _plain(column: pl.Series) -> pl.Series:
    if column.dtype.base_type() in {pl.Categorical, pl.Enum}:
        return column.cast(pl.String)
    return column.fill_nan(None) if column.dtype.is_float() else column


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value)[:MAX_SHOWN]
