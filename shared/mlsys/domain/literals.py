"""Values as a contract writes them, and what they are in a column of a type. Needs no Polars."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

from mlsys.domain.split_records import ColumnType

Limit = int | float | date | datetime
Literal = str | int | float | bool

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
NUMERIC = frozenset({ColumnType.INTEGER, ColumnType.FLOAT, ColumnType.DECIMAL})


def parse_limit(value: object) -> Limit:
    """Read a bound: a finite number, a date, or a time in RFC 3339 (UTC if it has no offset).

    Raises:
        ValueError: it is none of these.

    >>> parse_limit(3), parse_limit("2026-11-01")
    (3, datetime.date(2026, 11, 1))

    """
    wanted = f'want a finite number, a date, or a time as "2026-11-01T12:00:00Z", got {value!r}'
    try:
        if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
            return value
        if isinstance(value, str) and DAY.fullmatch(value):
            return date.fromisoformat(value)
        if isinstance(value, str) and value[10:11] in {"T", " "}:
            return _in_utc(datetime.fromisoformat(value))
        if isinstance(value, datetime):
            return _in_utc(value)
    except (OverflowError, ValueError) as error:
        raise ValueError(wanted) from error
    if isinstance(value, date):
        return value
    raise ValueError(wanted)


def limit_as(type: ColumnType, limit: Limit, *, upper: bool) -> Any:
    """Say what a bound is among the values of a type; a date as an upper bound lasts to its end.

    Raises:
        ValueError: a column of this type cannot have such a bound.

    >>> limit_as(ColumnType.DATETIME, date(2026, 11, 1), upper=True).isoformat()
    '2026-11-01T23:59:59.999999+00:00'

    """
    if isinstance(limit, int | float):
        if type is ColumnType.DECIMAL:
            return Decimal(str(limit))
        if type in NUMERIC:
            return limit
    elif isinstance(limit, datetime):
        if type is ColumnType.DATETIME:
            return limit
    elif type is ColumnType.DATE:
        return limit
    elif type is ColumnType.DATETIME:
        return datetime.combine(limit, time.max if upper else time.min, tzinfo=UTC)
    raise ValueError(f"{written(limit)} is no bound of a column of type {type}")


def allowed_as(type: ColumnType, values: Sequence[Literal]) -> list[Any]:
    """Turn allowed values into those of a type.

    Raises:
        ValueError: one of them can be no value of this type.

    >>> allowed_as(ColumnType.INTEGER, [1, 2.0])
    [1, 2]

    """
    return [_value_as(type, value) for value in values]


def check_order(low: Limit, high: Limit) -> None:
    """Refuse bounds that nothing can lie between. Raises ValueError."""
    numbers = [isinstance(one, int | float) for one in (low, high)]
    if any(numbers) != all(numbers):
        raise ValueError(f"min {written(low)} and max {written(high)} are no bounds of one type")
    kind = ColumnType.FLOAT if all(numbers) else ColumnType.DATETIME
    if limit_as(kind, low, upper=False) > limit_as(kind, high, upper=True):
        raise ValueError(f"min {written(low)} is above max {written(high)}")


def written(limit: Limit) -> str:
    """Write a bound as a contract does.

    >>> written(datetime(2026, 11, 1, 12, tzinfo=UTC)), written(date(2026, 11, 1)), written(0.5)
    ('2026-11-01T12:00:00Z', '2026-11-01', '0.5')

    """
    if isinstance(limit, date):
        return limit.isoformat().replace("+00:00", "Z")
    return str(limit)


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def _value_as(type: ColumnType, value: Literal) -> Any:
    problem = f"the allowed value {value!r} is none of a column of type {type}"
    kinds, read = _READERS[type]
    if not isinstance(value, kinds) or isinstance(value, bool) is not (type is ColumnType.BOOLEAN):
        raise ValueError(problem)
    try:
        return read(value)
    except (InvalidOperation, OverflowError, ValueError) as error:
        raise ValueError(problem) from error


def _whole(value: float) -> int:
    if value != int(value):
        raise ValueError
    return int(value)


def _number(value: float) -> float:
    """An integer that no float holds stays one: nothing is equal to it."""
    float(value)
    return value


def _decimal(value: str | float) -> Decimal:
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError
    return number


def _day(value: str) -> Any:
    return limit_as(ColumnType.DATE, parse_limit(value), upper=False)


def _moment(value: str) -> Any:
    return limit_as(ColumnType.DATETIME, parse_limit(value), upper=False)


_READERS: dict[ColumnType, tuple[tuple[type, ...], Callable[[Any], Any]]] = {
    ColumnType.BOOLEAN: ((bool,), bool),
    ColumnType.TEXT: ((str,), str),
    ColumnType.INTEGER: ((int, float), _whole),
    ColumnType.FLOAT: ((int, float), _number),
    ColumnType.DECIMAL: ((int, float, str), _decimal),
    ColumnType.DATE: ((str,), _day),
    ColumnType.DATETIME: ((str,), _moment),
}
