"""What a target is stratified by: its values, or bins of equally many rows if it is a number."""

from typing import Protocol

import numpy as np
import polars as pl

from mlsys.domain.errors import InvalidInput
from mlsys.domain.records import Json
from mlsys.domain.strategies.base import MAX_VALUE, Numbers
from mlsys.domain.strategies.ordered import OrderedColumn, ordered_keys, value_of
from mlsys.domain.strategies.texts import texts

MAX_CLASSES = 10_000
MAX_CLASSES_DESCRIBED = 1_000
DEFAULT_BINS = 10


class Classes(Protocol):
    """The classes of a target, counted as they come."""

    def add(self, target: pl.Series) -> None:
        """Count the classes of a block."""
        ...

    def rows(self) -> dict[str, int]:
        """Return the rows of each class. Raises InvalidInput: it cannot be a target of classes."""
        ...

    def numbers(self, target: pl.Series) -> Numbers:
        """Say which class each row has: (n,) places in `rows`, which was asked before."""
        ...

    def describe(self) -> Json:
        """Say what the classes are."""
        ...


def classes_of(target: pl.Series, bins: int | None) -> Classes:
    """Return what counts the classes of a target of this type, in `bins` if it is a number."""
    inexact = target.dtype.is_float() or isinstance(target.dtype, pl.Decimal)
    if bins is not None or inexact:
        return Bins(target.name, bins or DEFAULT_BINS)
    return Values(target.name)


class Values:
    """Each value is a class."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._rows: dict[str, int] = {}

    def add(self, target: pl.Series) -> None:
        """Count the values; once there are too many, no more are looked at."""
        if len(self._rows) > MAX_CLASSES:
            return
        counted = target.rename("value").value_counts(name="rows")
        values = texts(counted["value"]).to_list()
        for value, rows in zip(values, counted["rows"].to_list(), strict=True):
            self._rows[value] = self._rows.get(value, 0) + rows

    def rows(self) -> dict[str, int]:
        """Return them by the order of their texts."""
        if len(self._rows) > MAX_CLASSES:
            raise InvalidInput(
                f"stratified wants at most {MAX_CLASSES:,} classes, and {self._name!r} has more "
                "values: give `bins` if it is a number, or take random"
            )
        return dict(sorted(self._rows.items()))

    def numbers(self, target: pl.Series) -> Numbers:
        """Look the values up."""
        known = sorted(self._rows)
        return (
            texts(target)
            .replace_strict(known, list(range(len(known))), return_dtype=pl.UInt16)
            .to_numpy()
        )

    def describe(self) -> Json:
        """Return the rows of the first 1,000."""
        shown = list(self.rows().items())[:MAX_CLASSES_DESCRIBED]
        return {"classes": {value[:MAX_VALUE]: rows for value, rows in shown}}


class Bins:
    """Each bin is a class; fewer than wanted where many rows have the same value."""

    def __init__(self, name: str, bins: int) -> None:
        self._name, self._bins = name, bins
        self._column = OrderedColumn()
        self._edges: Numbers = np.empty(0, np.int64)

    def add(self, target: pl.Series) -> None:
        """Count the values in their order."""
        self._column.add(target)

    def rows(self) -> dict[str, int]:
        """Find the bins, the lowest first."""
        if not self._column.ordered:
            raise InvalidInput(f"bins are for a numeric target, and {self._name!r} is none")
        steps = self._column.steps()
        up_to = np.cumsum(steps.counts)
        wanted = up_to[-1] * np.arange(1, self._bins)
        places = np.unique([*np.searchsorted(up_to * self._bins, wanted), len(up_to) - 1])
        self._edges = steps.lasts[places[:-1]]
        counts = np.diff(up_to[places], prepend=0).tolist()
        return {f"bin {n}": rows for n, rows in enumerate(counts)}

    def numbers(self, target: pl.Series) -> Numbers:
        """Look for the bin of each value; an edge belongs to the bin below it."""
        keys = ordered_keys(target)
        return np.searchsorted(self._edges, keys).astype(np.uint16)

    def describe(self) -> Json:
        """Return the rows of each bin, and the highest value of each but the last."""
        return {
            "classes": self.rows(),
            "bin_edges": [value_of(edge, self._column.dtype) for edge in self._edges.tolist()],
        }
