"""Values in their order, counted: exactly while they are few, else in steps of equal width."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from mlsys.domain.strategies.base import Numbers
from mlsys.domain.strategies.texts import texts

MAX_STEPS = 2**20
SIGN = np.int64(2**63 - 1)


@dataclass(frozen=True)
class Steps:
    """Counted steps from the lowest value to the highest.

    Attributes:
        lasts: (m,) the highest key that is in each step, increasing.
        counts: (m,) rows of each step.
        shift: keys of one step have the same bits above the lowest `shift`; 0: one key each.
    """

    lasts: Numbers
    counts: Numbers
    shift: int


class OrderedCounts:
    """Counts keys as they come, in memory that does not grow with them.

    The width of a step is the least power of two with which at most `limit` steps, 2 or more, are
    not empty; so the outcome is the same in whatever order and blocks the keys come.
    """

    def __init__(self, *, limit: int = MAX_STEPS) -> None:
        self._limit = limit
        self._steps = Steps(np.empty(0, np.int64), np.empty(0, np.int64), 0)
        self._waiting: list[tuple[Numbers, Numbers]] = []
        self._waiting_keys = 0

    def add(self, keys: Numbers) -> None:
        """Count the keys of a block."""
        distinct, counts = np.unique(keys, return_counts=True)
        self._waiting.append((distinct, counts))
        self._waiting_keys += len(distinct)
        if self._waiting_keys > self._limit:
            self._merge()

    def steps(self) -> Steps:
        """Return what was counted so far."""
        self._merge()
        return self._steps

    def _merge(self) -> None:
        kept = [(self._steps.lasts, self._steps.counts), *self._waiting]
        self._waiting, self._waiting_keys = [], 0
        lasts = np.concatenate([one for one, _ in kept])
        counts = np.concatenate([one for _, one in kept])
        order = np.argsort(lasts)
        lasts, counts = lasts[order], counts[order]
        shift = self._steps.shift
        while np.count_nonzero(ends := run_ends(lasts >> shift)) > self._limit:
            shift += 1
        places = np.flatnonzero(ends)
        self._steps = Steps(lasts[places], np.diff(np.cumsum(counts)[places], prepend=0), shift)


class OrderedColumn:
    """A column of which the values that are there are counted in their order.

    Attributes:
        dtype: of the column; Null as long as nothing was there.
        ordered: whether it is one of numbers, dates or times.
    """

    def __init__(self) -> None:
        self.dtype: pl.DataType = pl.Null()
        self.ordered = True
        self._counts = OrderedCounts()

    def add(self, series: pl.Series) -> None:
        """Count the values of a block."""
        there = series.drop_nulls()
        if there.is_empty():
            return
        self.dtype = there.dtype
        if is_ordered(there.dtype):
            self._counts.add(ordered_keys(there))
        else:
            self.ordered = False

    def steps(self) -> Steps:
        """Return what was counted so far."""
        return self._counts.steps()


def is_ordered(dtype: pl.DataType) -> bool:
    """Whether a column of this type goes from earlier to later, or from less to more."""
    return dtype.is_numeric() or isinstance(dtype, pl.Date | pl.Datetime)


def ordered_keys(series: pl.Series) -> Numbers:
    """Return integers in the order of the values of an ordered column, and equal where they are.

    Dates count days, times microseconds, integers are themselves; decimals are taken as floats.
    What is missing is 0.
    """
    if series.dtype.is_float() or series.dtype.is_decimal():
        # + 0.0 makes -0.0 the zero that it is equal to.
        values = series.cast(pl.Float64).fill_null(0.0).to_numpy() + 0.0
        return _folded(values.view(np.int64))
    return series.to_physical().cast(pl.Int64).fill_null(0).to_numpy()


def value_of(key: int, dtype: pl.DataType) -> str | int | float:
    """Return what stands behind a key of `ordered_keys`, as JSON has it.

    >>> value_of(20_000, pl.Date())
    '2024-10-04'

    """
    if dtype.is_integer():
        return key
    if dtype.is_temporal():
        return str(texts(pl.Series([key], dtype=pl.Int64).cast(dtype))[0])
    return float(_folded(np.array([key])).view(np.float64)[0])


def run_ends(values: Numbers) -> npt.NDArray[np.bool_]:
    """Mark the last of each run of equal numbers."""
    ends = np.ones(len(values), dtype=np.bool_)
    ends[:-1] = values[1:] != values[:-1]
    return ends


def _folded(bits: Numbers) -> Numbers:
    """Turn the bits of floats into integers of their order, and back."""
    return np.where(bits < 0, bits ^ SIGN, bits)
