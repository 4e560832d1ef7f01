"""Reading JSON Lines without losing a digit: numbers are kept as they were written."""

import json
from collections.abc import Iterable
from typing import Any

import polars as pl

from mlsys.domain.errors import InvalidInput
from mlsys.domain.formats import Limits
from mlsys.domain.tables import check_names

CHUNK_ROWS = 20_000


def frame_of(
    lines: Iterable[str], file: str, limits: Limits
) -> tuple[pl.DataFrame, frozenset[str]]:
    """Put one JSON object a line into columns of text; a key that a row lacks is missing there.

    Returns:
        (n, k) text, and the names of the columns that held only numbers or only true and false,
        so that their type is still to be told.

    Raises:
        InvalidInput: a line is no JSON object, has a key twice or a nested value.
        TooLarge: there are too many cells.
    """
    kinds: dict[str, set[str]] = {}
    frames: list[pl.DataFrame] = []
    rows: list[dict[str, str | None]] = []
    first_blank = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            first_blank = first_blank or number
            continue
        if first_blank:
            raise InvalidInput(f"{file}: line {first_blank} is blank: want one object a line")
        rows.append(_row(line, f"{file}: line {number}", kinds))
        if len(rows) == CHUNK_ROWS:
            limits.check_cells(file, number, len(kinds))
            check_names(list(kinds))
            frames.append(_frame(rows, kinds))
            rows.clear()
    check_names(list(kinds))
    frames.append(_frame(rows, kinds))
    frame = pl.concat(frames, how="diagonal")
    limits.check_cells(file, frame.height, frame.width)
    return frame, frozenset(name for name, kind in kinds.items() if kind in ({"number"}, {"truth"}))


class _Number(str):
    """A number as it was written."""

    __slots__ = ()


def _row(line: str, place: str, kinds: dict[str, set[str]]) -> dict[str, str | None]:
    try:
        row = json.loads(
            line,
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_no_constant,
            object_pairs_hook=_unique,
        )
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{place} is not JSON: {error}") from error
    if not isinstance(row, dict):
        raise InvalidInput(f"{place}: want an object with one value per column")
    return {name: _cell(value, name, place, kinds) for name, value in row.items()}


def _cell(value: Any, name: str, place: str, kinds: dict[str, set[str]]) -> str | None:
    seen = kinds.setdefault(name, set())
    if value is None:
        return None
    if isinstance(value, bool):
        seen.add("truth")
        return "true" if value else "false"
    if isinstance(value, _Number):
        seen.add("number")
        return str(value)
    if isinstance(value, str) and _is_text(value) and _is_text(name):
        seen.add("text")
        return value
    raise InvalidInput(f"{place}: {name[:80]!r} is not a number, text, true, false or null")


def _frame(rows: list[dict[str, str | None]], names: Iterable[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {name: pl.Series([row.get(name) for row in rows], dtype=pl.String) for name in names}
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise ValueError("a key is there twice")
    return row


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON; write null")


def _is_text(value: str) -> bool:
    """Whether no half of a surrogate pair is in it."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
