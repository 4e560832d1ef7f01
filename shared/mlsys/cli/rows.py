"""Rows from a file or standard input, as an API wants them: CSV, JSON or JSON lines."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlsys.domain.errors import InvalidInput, TooLarge
from mlsys.domain.split_records import Column
from mlsys.domain.written import JSON_NUMBER, Written
from mlsys.edge.csv_cells import read_cells
from mlsys.edge.parsing import parse_json

STANDARD_INPUT = Path("-")
CELLS_PER_CALL = 200_000
MAX_ROWS_PER_CALL = 10_000

TRUTHS = {"true": True, "false": False}

Row = dict[str, Any]


def read_object(file: Path) -> Row:
    """Read one JSON object. Raises InvalidInput, OSError."""
    value = _json(_bytes(file), file)
    if not isinstance(value, dict):
        raise InvalidInput(f"{_name(file)}: want a JSON object, got a {type(value).__name__}")
    return value


def read_rows(file: Path, columns: Callable[[], Sequence[Column]]) -> list[Row]:
    """Read a table: CSV with a header, a JSON array of objects, `{"instances": […]}`, or JSONL.

    Args:
        file: its name, or `-` for standard input; the first character tells the format.
        columns: asked for the types of a CSV's columns, which its text does not tell: "001" is
            a number in one table and a code in another.

    Raises:
        InvalidInput: it is no such table, with the line.
        OSError: it cannot be read.
    """
    content = _bytes(file)
    start = content.lstrip()[:1]
    if start == b"[":
        return _checked(_json(content, file), file)
    if start == b"{":
        return _checked(_objects(content, file), file)
    header, lines = _cells(content, file)
    types = {one.name: one.type for one in columns()}
    rows = [
        {name: typed(one, types.get(name)) for name, one in zip(header, cells, strict=True)}
        for cells in lines
    ]
    return _checked(rows, file)


def read_table(file: Path) -> list[Row]:
    """Read a table that is to be split: as `read_rows`, but numbers keep their digits.

    A column of a CSV holds numbers if each of its cells is one as JSON writes it, so "001" makes a
    column of text; what is only true and false holds those.

    Raises:
        InvalidInput: it is no such table, or has more than 10,000 rows.
        OSError: it cannot be read.
    """
    content = _bytes(file)
    start = content.lstrip()[:1]
    if start in {b"[", b"{"}:
        read = _objects if start == b"{" else _json
        return _few(_checked(read(content, file, as_written=True), file), file)
    header, lines = _cells(content, file)
    columns = [_told(column) for column in zip(*lines, strict=True)]
    rows = [dict(zip(header, line, strict=True)) for line in zip(*columns, strict=True)]
    return _few(_checked(rows, file), file)


def batches(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Divide the rows so that one call's body stays small enough."""
    per_call = max(1, min(MAX_ROWS_PER_CALL, CELLS_PER_CALL // max(1, len(rows[0]))))
    for start in range(0, len(rows), per_call):
        yield rows[start : start + per_call]


def typed(text: str, type: str | None) -> str | int | float | bool | None:
    """Read a CSV cell as its column's type; what does not fit stays text, for the API to refuse.

    >>> typed("3", "integer"), typed("3", "text"), typed("", "float"), typed("true", "boolean")
    (3, '3', None, True)

    """
    if text == "":
        return None
    reads: Mapping[str | None, Callable[[str], int | float]] = {"integer": int, "float": float}
    if type == "boolean":
        return {"true": True, "false": False}.get(text.lower(), text)
    if type not in reads:
        return text
    try:
        return reads[type](text)
    except ValueError:
        return text


def _bytes(file: Path) -> bytes:
    return sys.stdin.buffer.read() if file == STANDARD_INPUT else file.read_bytes()


def _name(file: Path) -> str:
    return "standard input" if file == STANDARD_INPUT else str(file)


def _checked(found: Any, file: Path) -> list[Row]:
    if not isinstance(found, list) or not found:
        raise InvalidInput(f"{_name(file)} has no rows")
    for number, row in enumerate(found, start=1):
        if not isinstance(row, dict):
            raise InvalidInput(f"{_name(file)}: row {number} is no JSON object")
    return found


def _few(rows: list[Row], file: Path) -> list[Row]:
    if len(rows) > MAX_ROWS_PER_CALL:
        raise TooLarge(
            f"{_name(file)}: {len(rows)} rows are too many for one request, which takes "
            f"{MAX_ROWS_PER_CALL}: use mlsys upload, or put it into a bucket and say --uri"
        )
    return rows


def _json(content: bytes, file: Path, line: int | None = None, *, as_written: bool = False) -> Any:
    try:
        return parse_json(content, as_written=as_written)
    except InvalidInput as error:
        place = _name(file) if line is None else f"{_name(file)}, line {line}"
        raise InvalidInput(f"{place}: {error}") from error


def _objects(content: bytes, file: Path, *, as_written: bool = False) -> list[Any]:
    """One object: a request's body, or a single row; several lines: a row each."""
    lines = [(n, line) for n, line in enumerate(content.splitlines(), start=1) if line.strip()]
    try:
        whole = parse_json(content, as_written=as_written)
    except InvalidInput:
        return [_json(line, file, number, as_written=as_written) for number, line in lines]
    if isinstance(whole.get("instances"), list):
        return list(whole["instances"])
    return [whole]


def _cells(content: bytes, file: Path) -> tuple[list[str], list[list[str]]]:
    """Read a CSV: its header, and the cells of each line."""
    try:
        return read_cells(content)
    except InvalidInput as error:
        raise InvalidInput(f"{_name(file)}: {error}") from error


def _told(column: Sequence[str]) -> Sequence[str | float | bool | None]:
    """Tell what the cells of a column are; text, unless all are something else."""
    there = {cell for cell in column if cell}
    if there and there <= TRUTHS.keys():
        return [TRUTHS.get(cell) for cell in column]
    if there and all(map(JSON_NUMBER.fullmatch, there)):
        return [Written(cell) if cell else None for cell in column]
    return [cell or None for cell in column]
