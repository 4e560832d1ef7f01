"""What is known exactly about the cells of a column, though they pass by in blocks."""

from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Any

import polars as pl


@dataclass(frozen=True)
class Moments:
    """Of numbers: how many, the least, the greatest, the mean, the squared distances from it."""

    count: int
    low: float
    high: float
    mean: float
    squares: float

    def joined(self, other: "Moments") -> "Moments":
        """Return the moments of both together (Chan, Golub and LeVeque)."""
        count = self.count + other.count
        apart = other.mean - self.mean
        return Moments(
            count,
            min(self.low, other.low),
            max(self.high, other.high),
            self.mean + apart * (other.count / count),
            self.squares + other.squares + apart * apart * (self.count * (other.count / count)),
        )

    @property
    def std(self) -> float | None:
        """The standard deviation, divided by n - 1; None of one number, or beyond any float."""
        if self.count == 1 or not isfinite(self.squares):
            return None
        return sqrt(self.squares / (self.count - 1))


@dataclass(frozen=True)
class Spans:
    """Of texts: how many characters the shortest, the longest and all together have."""

    shortest: int
    longest: int
    total: int

    def joined(self, other: "Spans") -> "Spans":
        """Return the lengths of both together."""
        return Spans(
            min(self.shortest, other.shortest),
            max(self.longest, other.longest),
            self.total + other.total,
        )


class Tally:
    """The cells of one column in one part.

    Attributes:
        cap: how many different values are counted.
        present, missing, not_finite: how many cells.
        dtype: of the cells; Null as long as all are missing.
        moments: of numbers, and of dates and times as Polars counts them.
        spans: of texts.
    """

    def __init__(self, cap: int) -> None:
        self.present = self.missing = self.not_finite = 0
        self.dtype: pl.DataType = pl.Null()
        self.moments: Moments | None = None
        self.spans: Spans | None = None
        self.cap = cap
        self._values: set[float] | None = set()

    @property
    def distinct(self) -> int | None:
        """How many different values there are, as long as they are no more than the cap."""
        return None if self._values is None else len(self._values)

    def look(self, cells: pl.Series) -> None:
        """See the next cells."""
        missing = cells.null_count()
        self.missing += missing
        if missing == cells.len():
            return
        self.present += cells.len() - missing
        self.dtype = cells.dtype
        counted = numbers(cells)
        if cells.dtype == pl.String():
            self._measure(cells.str.len_chars())
        elif cells.dtype != pl.Boolean():
            self._sum_up(counted)
        if self._values is not None and not self._has_all(counted):
            self._values = _united(self._values, counted, self.cap)

    def _measure(self, lengths: pl.Series) -> None:
        shortest: Any = lengths.min()
        longest: Any = lengths.max()
        spans = Spans(shortest, longest, int(lengths.sum()))
        self.spans = self.spans.joined(spans) if self.spans else spans

    def _sum_up(self, cells: pl.Series) -> None:
        moments = _moments(cells)
        if not isfinite(moments.mean):
            finite = cells.filter(cells.is_finite())
            self.not_finite += cells.drop_nulls().len() - finite.len()
            if finite.is_empty():
                return
            moments = _moments(finite)
        self.moments = self.moments.joined(moments) if self.moments else moments

    def _has_all(self, cells: pl.Series) -> bool:
        """Whether every value that is possible here was seen; looking at each would take longer."""
        if cells.dtype == pl.Boolean():
            return len(self._values or ()) == len((False, True))
        if cells.dtype != pl.Int64() or self.moments is None:
            return False
        return len(self._values or ()) == self.moments.high - self.moments.low + 1


def numbers(cells: pl.Series) -> pl.Series:
    """Return numbers as Int64 or Float64; dates and times as Polars counts them; others as is.

    >>> numbers(pl.Series([2, 0]).cast(pl.Date)).to_list()
    [2, 0]

    """
    if cells.dtype.is_temporal():
        return cells.to_physical().cast(pl.Int64)
    return cells.cast(pl.Float64) if cells.dtype.is_decimal() else cells


def _moments(cells: pl.Series) -> Moments:
    """Sum up cells of which one at least is there."""
    count = cells.len() - cells.null_count()
    low: Any = cells.min()
    high: Any = cells.max()
    mean: Any = cells.mean()
    variance: Any = cells.var(ddof=0)
    return Moments(count, low, high, mean, variance * count)


def _united(values: set[float], cells: pl.Series, cap: int) -> set[float] | None:
    """Add the cells' values, texts by their hashes; None if there are more than the cap."""
    new = cells.unique()
    if new.null_count():
        new = new.drop_nulls()
    if new.len() > cap:
        return None
    values.update((new.hash() if new.dtype == pl.String() else new).to_list())
    return values if len(values) <= cap else None
