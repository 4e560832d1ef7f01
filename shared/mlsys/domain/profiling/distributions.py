"""How sampled cells are spread: quantiles, histograms, most frequent values."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from mlsys.domain.profiling.column_tallies import numbers
from mlsys.domain.profiling.reference import LEVELS, Category, Value
from mlsys.domain.profiling.row_samples import CUT
from mlsys.domain.records import rfc3339

Numbers = npt.NDArray[np.int64 | np.float64]

BINS = 20
TOP = 50
FIRST_DAY = date(1, 1, 1) - date(1970, 1, 1)
LAST_DAY = date(9999, 12, 31) - date(1970, 1, 1)
DAY_US = 86_400_000_000


def sorted_numbers(cells: pl.Series) -> Numbers:
    """Return what `numbers` makes of the finite cells, in order; (0,) of text and booleans."""
    if cells.dtype in {pl.String(), pl.Boolean(), pl.Null()}:
        return np.empty(0, np.float64)
    counted = numbers(cells).drop_nulls()
    if counted.dtype.is_float():
        counted = counted.filter(counted.is_finite())
    ordered: Numbers = counted.sort().to_numpy()
    return ordered


def edges_of(ordered: Numbers) -> Numbers:
    """Choose up to 20 bins that hold about the same number of cells each; return their edges.

    Equal masses, because what compares two histograms (PSI, Kolmogorov-Smirnov) is disturbed by
    bins that are nearly empty, and by widths that one far value has stretched. Both outer bins are
    open, so that later values have a place. No bin is empty. Of up to 20 different values each
    has a bin of its own.

    >>> edges_of(np.array([1.0, 2.0, 2.0, 7.0])).tolist()
    [1.0, 2.0]

    """
    different = np.unique(ordered)
    if len(different) <= BINS:
        return different[:-1]
    edges = np.unique(np.array([_quantile(ordered, Fraction(i, BINS)) for i in range(1, BINS)]))
    inside: Numbers = edges[edges < ordered[-1]]
    return inside


def histogram(ordered: Numbers, edges: Numbers) -> list[int]:
    """Count the cells of each bin: one more than there are edges."""
    ends = np.searchsorted(ordered, edges, side="right").tolist()
    return [after - before for before, after in pairwise([0, *ends, len(ordered)])]


def quantiles(ordered: Numbers, dtype: pl.DataType) -> dict[str, Value]:
    """Return the least values that 1 %, 5 %, … of the cells (one at least) do not exceed."""
    return {level: written(_quantile(ordered, Fraction(level)), dtype) for level in LEVELS}


def top(cells: pl.Series) -> list[Category]:
    """Return the most frequent values; long texts that begin the same are one."""
    known = cells.drop_nulls()
    if known.dtype == pl.String():
        known = _shown(known)
    counts = known.alias("value").value_counts(name="count")
    first = counts.sort(["count", "value"], descending=[True, False]).head(TOP)
    return [Category(value=value, count=count) for value, count in first.iter_rows()]


def written(number: Any, dtype: pl.DataType) -> Value:
    """Write what `numbers` returned as JSON has it.

    Times outside the years 1 to 9999 become the nearest inside.

    >>> written(2, pl.Date())
    '1970-01-03'

    """
    if isinstance(dtype, pl.Date):
        day = min(max(int(number), FIRST_DAY.days), LAST_DAY.days)
        return (date(1970, 1, 1) + timedelta(days=day)).isoformat()
    if isinstance(dtype, pl.Datetime):
        first, end = FIRST_DAY.days * DAY_US, (LAST_DAY.days + 1) * DAY_US
        moment = min(max(int(number), first), end - 1)
        return rfc3339(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment))
    return float(number) if dtype.is_float() or dtype.is_decimal() else int(number)


def _quantile(ordered: Numbers, level: Fraction) -> Any:
    return ordered[ceil(level * len(ordered)) - 1]


def _shown(texts: pl.Series) -> pl.Series:
    """Put an ellipsis where a long text was cut."""
    return texts.str.replace(rf"(?s){CUT}.*$", "…")
