"""Dates and times that are all written alike, read as columns of digits."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Digits = npt.NDArray[np.uint8]
Days = npt.NDArray[np.int32]
Micros = npt.NDArray[np.int64]
Numbers = TypeVar("Numbers", Days, Micros)

DAY = r"[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}"
ZONE = r"Z|[+-][0-9]{2}:[0-9]{2}"
LIKE = re.compile(
    rf"(?P<day>{DAY})(?:[T ](?P<time>[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}})"
    rf"(?:\.(?P<fraction>[0-9]{{1,6}}))?(?P<zone>{ZONE})?)?",
    re.ASCII,
)
ZERO, NINE = np.uint8(ord("0")), np.uint8(9)
FIRST_YEAR = 1000
MONTHS_A_YEAR, HOURS, SIXTY = 12, 24, 60
MONTHS = np.arange("1000-01", "10000-02", dtype="datetime64[M]")
FIRST_DAYS = MONTHS.astype("datetime64[D]").astype(np.int32)
"""Of each month from the year 1000 to 10000-01: days since 1970-01-01."""
IN_CACHE = 2**13
"""So many texts are read at once: a pass over more waits for the memory."""


def read_days(texts: bytes, width: int) -> Days | None:
    """Read dates like 2024-02-29.

    Args:
        texts: n texts of the same width, one right behind the other.
        width: of each, in bytes.

    Returns:
        (n,) days since 1970-01-01, or None if even one is not such a date.

    """
    like = _like(texts, width)
    if like is None or like["time"] is not None:
        return None
    return _joined(_days(digits) for digits in _digits(texts, width, alike_from=width))


def read_moments(texts: bytes, width: int) -> Micros | None:
    """Read times like 2024-02-29T23:59:59.123+02:00; fraction and offset may be left out.

    Args:
        texts: n texts of the same width, one right behind the other.
        width: of each, in bytes.

    Returns:
        (n,) microseconds since 1970 in UTC, or None if one is no such time, is written otherwise
        than the first, or has another offset.

    """
    like = _like(texts, width)
    offset = _offset_seconds(like["zone"]) if like and like["time"] else None
    if like is None or offset is None:
        return None
    zone = like.start("zone") if like["zone"] else width
    decimals = like.span("fraction")
    return _joined(
        _micros(digits, decimals, offset) for digits in _digits(texts, width, alike_from=zone)
    )


def is_naive(texts: bytes, width: int) -> bool:
    """Whether the times that `read_moments` can read are written without an offset."""
    like = _like(texts, width)
    return like is not None and like["zone"] is None


def _like(texts: bytes, width: int) -> re.Match[str] | None:
    return LIKE.fullmatch(texts[:width].decode(errors="replace"))


def _offset_seconds(zone: str | None) -> int | None:
    if zone is None:
        return 0
    try:
        offset = datetime.strptime(zone, "%z").utcoffset()
    except ValueError:
        return None
    return None if offset is None else int(offset.total_seconds())


def _digits(texts: bytes, width: int, *, alike_from: int) -> Iterator[Digits | None]:
    """Yield (width, m) what digit stands at each place of the next m texts.

    None if one is not written like the first, or is another one behind `alike_from`.
    """
    cells = np.frombuffer(texts, np.uint8).reshape(-1, width)
    is_digit = (cells[0] - ZERO <= NINE) & (np.arange(width) < alike_from)
    for start in range(0, len(cells), IN_CACHE):
        columns = np.ascontiguousarray(cells[start : start + IN_CACHE].T)
        alike = (columns[~is_digit] == cells[0, ~is_digit, None]).all()
        digits = columns - ZERO
        yield digits if alike and (digits[is_digit] <= NINE).all() else None


def _joined(parts: Iterable[Numbers | None]) -> Numbers | None:
    read = []
    for part in parts:
        if part is None:
            return None
        read.append(part)
    return np.concatenate(read)


def _days(digits: Digits | None) -> Days | None:
    if digits is None:
        return None
    year, month, day = (_number(digits[at]) for at in (slice(4), slice(5, 7), slice(8, 10)))
    if year.min() < FIRST_YEAR or month.min() < 1 or month.max() > MONTHS_A_YEAR or day.min() < 1:
        return None
    at = (year - FIRST_YEAR) * MONTHS_A_YEAR + month - 1
    days = FIRST_DAYS[at] + day - 1
    return None if (days >= FIRST_DAYS[at + 1]).any() else days


def _micros(digits: Digits | None, decimals: tuple[int, int], offset_seconds: int) -> Micros | None:
    days = _days(digits)
    if digits is None or days is None:
        return None
    hours, minutes, seconds = (_number(digits[at : at + 2]) for at in (11, 14, 17))
    if hours.max() >= HOURS or max(minutes.max(), seconds.max()) >= SIXTY:
        return None
    in_day = (hours * SIXTY + minutes) * SIXTY + seconds - offset_seconds
    micros = (days.astype(np.int64) * (HOURS * SIXTY * SIXTY) + in_day) * 1_000_000
    start, end = decimals
    if start < 0:
        return micros
    return np.asarray(micros + _number(digits[start:end]) * 10 ** (6 - (end - start)), np.int64)


def _number(digits: Digits) -> Days:
    """Read (places, m) digits as m numbers of at most nine places."""
    number: Days = digits[0].astype(np.int32)
    for digit in digits[1:]:
        number = number * 10 + digit
    return number
