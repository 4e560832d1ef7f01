"""Rules that each cell of a column keeps or breaks by itself: range, allowed values, pattern."""

from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from math import ceil, floor, inf, nextafter
from typing import Any, Protocol

import polars as pl
from polars.exceptions import ComputeError

from mlsys.domain.contract import ColumnRule
from mlsys.domain.errors import InvalidInput
from mlsys.domain.literals import Limit, allowed_as, limit_as, written
from mlsys.domain.report import RowRule
from mlsys.domain.tables import type_of

FEW = 16
NAMED = 5
EXACT = Context(prec=100)


class CellRule(Protocol):
    """One rule of one column. `rule` names it in reports, `wanted` says what it asks for."""

    rule: RowRule
    wanted: str

    def broken(self, cells: pl.Series) -> pl.Series | None:
        """Say which cells break it: (n,) booleans, or None if none does. Missing ones never do."""
        ...


def cell_rules(column: str, rule: ColumnRule) -> Iterator[CellRule]:
    """Make what a column is held against.

    Raises:
        InvalidInput: the pattern is none that Rust's regex crate understands.

    >>> [ages] = cell_rules("age", ColumnRule(min=0, max=120))
    >>> ages.wanted, ages.broken(pl.Series([7, None, 130])).to_list()
    ('0 to 120', [False, False, True])

    """
    if rule.min is not None or rule.max is not None:
        yield _Range(rule.min, rule.max)
    if rule.allowed_values is not None:
        yield _Allowed(rule)
    if rule.pattern is not None:
        yield _Pattern(column, rule.pattern)


class _Range:
    """Looks at the least and the greatest value; at each only if one of these is out of bounds."""

    rule: RowRule = "range"

    def __init__(self, low: Limit | None, high: Limit | None) -> None:
        self._low, self._high = low, high
        least = "" if low is None else f"at least {written(low)}"
        most = "" if high is None else f"at most {written(high)}"
        self.wanted = least or most
        if low is not None and high is not None:
            self.wanted = f"{written(low)} to {written(high)}"

    def broken(self, cells: pl.Series) -> pl.Series | None:
        type = type_of(cells)
        below = above = None
        if self._low is not None:
            below = _below(cells, limit_as(type, self._low, upper=False))
        if self._high is not None:
            above = _above(cells, limit_as(type, self._high, upper=True))
        if below is not None and above is not None:
            return below | above
        return above if below is None else below


class _Allowed:
    rule: RowRule = "allowed_values"

    def __init__(self, rule: ColumnRule) -> None:
        self._values = rule.allowed_values or []
        named = ", ".join(repr(one) for one in self._values[:NAMED])
        more = len(self._values) - NAMED
        self.wanted = f"one of {named}" + (f" and {more} more" if more > 0 else "")

    def broken(self, cells: pl.Series) -> pl.Series | None:
        allowed = _as_series(allowed_as(type_of(cells), self._values), cells.dtype)
        if allowed.len() <= FEW and cells.dtype == pl.String():
            fits = pl.repeat(value=False, n=cells.len(), eager=True)
            for value in allowed:
                fits |= cells == value
        else:
            fits = cells.is_in(allowed.implode())
        return None if fits.all() else ~fits.fill_null(value=True)


class _Pattern:
    rule: RowRule = "pattern"

    def __init__(self, column: str, pattern: str) -> None:
        self.wanted = f"text that matches {pattern}"
        self._whole = f"^(?:{pattern})$"
        for one in (pattern, self._whole):
            try:
                pl.Series([""]).str.contains(one)
            except ComputeError as error:
                why = str(error).partition("\n\n")[0].rpartition("error: ")[2][:200]
                raise InvalidInput(
                    f"column {column!r}: the pattern {pattern[:80]!r} is none in the syntax of "
                    f"Rust's regex: {why}"
                ) from error

    def broken(self, cells: pl.Series) -> pl.Series | None:
        fits = cells.str.contains(self._whole)
        return None if fits.all() else ~fits.fill_null(value=True)


def _below(cells: pl.Series, low: Any) -> pl.Series | None:
    least: Any = cells.min()
    greatest: Any = cells.max()
    if least >= low:
        return None
    if greatest < low:
        return cells.is_not_null()
    edge: Any = _edge(cells.dtype, low, upper=False)
    below: pl.Series = cells < edge
    return below.fill_null(value=False)


def _above(cells: pl.Series, high: Any) -> pl.Series | None:
    least: Any = cells.min()
    greatest: Any = cells.max()
    if greatest <= high:
        return None
    if least > high:
        return cells.is_not_null()
    edge: Any = _edge(cells.dtype, high, upper=True)
    above: pl.Series = cells > edge
    return above.fill_null(value=False)


def _edge(dtype: pl.DataType, limit: Any, *, upper: bool) -> Any:
    """Return the last value within the bound that the column could hold."""
    if dtype == pl.Int64():
        return floor(limit) if upper else ceil(limit)
    if dtype == pl.Float64():
        near = float(limit)
        if upper:
            return nextafter(near, -inf) if near > limit else near
        return nextafter(near, inf) if near < limit else near
    if isinstance(dtype, pl.Decimal):
        return _rounded(limit, dtype, ROUND_FLOOR if upper else ROUND_CEILING)
    return limit


def _as_series(values: list[Any], dtype: pl.DataType) -> pl.Series:
    """Hold allowed values as the column holds its own, without those that it cannot hold."""
    if dtype == pl.Int64():
        values = [one for one in values if -(2**63) <= one < 2**63]
    if dtype == pl.Float64():
        values = [float(one) for one in values if float(one) == one]
    if isinstance(dtype, pl.Decimal):
        values = [
            one
            for one in values
            if one.adjusted() < dtype.precision - dtype.scale
            and one == _rounded(one, dtype, ROUND_FLOOR)
        ]
    return pl.Series(values, dtype=dtype)


def _rounded(value: Decimal, dtype: pl.Decimal, rounding: str) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-dtype.scale), rounding, EXACT)
