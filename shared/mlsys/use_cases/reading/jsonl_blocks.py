"""Reading JSON Lines block by block, without losing a digit: numbers stay as they were written.

The decoder hands numbers over as bytes, so that they can be told from text.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

import polars as pl

from mlsys.domain.dataset import ReadOptions
from mlsys.domain.errors import InvalidInput
from mlsys.domain.formats import HEAD_BYTES, Limits, promised_format
from mlsys.domain.messages import MAX_COLUMNS
from mlsys.domain.tables import check_names
from mlsys.use_cases.reading.csv_dialects import UTF_16_MARKS
from mlsys.use_cases.reading.sources import (
    Rows,
    Settling,
    Source,
    nothing_settled,
    rows_as_they_are,
)
from mlsys.use_cases.reading.text_blocks import TextBlock, TextForm, text_blocks
from mlsys.use_cases.reading.unpacking import UTF_8, head_of, recoded, unpacked

BLOCK_CELLS = 2**21
SHRINKING = 4
CELLS = frozenset({bytes, bool, str, type(None)})
HALVES = (b"\\ud", b"\\uD")

Row = dict[str, Any]


def open_jsonl(
    source: Source, options: ReadOptions, limits: Limits, *, block_bytes: int
) -> "JsonlTable":
    """Read all files once: only then the columns are known, and which hold only numbers.

    Raises:
        InvalidInput: a line is no JSON object, has a key twice or a nested value.
        TooLarge: it is over a limit, or there are too many columns.
    """
    with unpacked(source, 0, limits) as pieces:
        head, _ = head_of(pieces, HEAD_BYTES)
    form = TextForm(
        source.names[0],
        row_bytes=limits.line_bytes,
        encoding=options.encoding or ("utf-16" if head.startswith(UTF_16_MARKS) else UTF_8),
        block_bytes=max(1, block_bytes // SHRINKING),
    )
    return JsonlTable(source, limits, form)


class JsonlTable:
    """A `Table` of text; a key that a row lacks is missing there."""

    first_row = 1
    decimal: Literal[".", ","] = "."

    def __init__(self, source: Source, limits: Limits, form: TextForm) -> None:
        self._source = source
        self._limits = limits
        self._form = form
        self._rows = 0
        kinds: dict[str, set[type]] = {}
        for rows in self._objects():
            self._rows += len(rows)
            _note(kinds, rows)
        check_names(list(kinds))
        alone = ({bytes}, {bytes, type(None)}, {bool}, {bool, type(None)})
        format, compression = promised_format(form.file)
        self.names = list(kinds)
        self.untyped = frozenset(name for name, found in kinds.items() if found in alone)
        self.warnings: list[str] = []
        self.read_as = {
            "format": format.value,
            "compression": compression and compression.value,
            "encoding": form.encoding,
        }

    def count(self) -> int:
        """Return what was counted when the table was opened."""
        return self._rows

    def blocks(self, settled: Settling = nothing_settled) -> Iterator[Rows]:
        """Yield text; `untyped` names the columns that hold only numbers, or only truth."""
        del settled
        most = max(1, BLOCK_CELLS // len(self.names))
        for rows in self._objects():
            for start in range(0, len(rows), most):
                yield rows_as_they_are(_frame(rows[start : start + most], self.names))

    def _objects(self) -> Iterator[list[Row]]:
        for index, file in enumerate(self._source.names):
            form = replace(self._form, file=file)
            blank = 0
            with unpacked(self._source, index, self._limits) as pieces:
                for block in text_blocks(recoded(pieces, file, encoding=form.encoding), form):
                    lines = block.content.decode().split("\n")[:-1]
                    while lines and not lines[-1].strip():
                        lines.pop()
                    if lines and blank:
                        raise _blank_line(file, blank)
                    if lines:
                        yield _decoded(lines, block, file)
                    if len(lines) < block.lines:
                        blank = blank or block.line + len(lines)


def _decoded(lines: list[str], block: TextBlock, file: str) -> list[Row]:
    """Decode one object a line, and refuse what is no cell."""
    decoder = json.JSONDecoder(
        parse_int=str.encode,
        parse_float=str.encode,
        parse_constant=_no_constant,
        object_pairs_hook=_unique,
    )
    halves = any(half in block.content for half in HALVES)
    rows: list[Row] = []
    for number, line in enumerate(lines, block.line):
        try:
            row = decoder.decode(line)
        except (ValueError, RecursionError) as error:
            if not line.strip():
                raise _blank_line(file, number) from None
            raise InvalidInput(f"{file}: line {number} is not JSON: {error}") from error
        if not isinstance(row, dict):
            raise InvalidInput(f"{file}: line {number}: want an object with one value per column")
        if halves or not CELLS.issuperset(map(type, row.values())):
            _check_cells(row, file, number)
        rows.append(row)
    return rows


def _check_cells(row: Row, file: str, number: int) -> None:
    for name, value in row.items():
        text = value if isinstance(value, str) else ""
        if type(value) not in CELLS or not _is_text(name + text):
            raise InvalidInput(
                f"{file}: line {number}: {name[:80]!r} is not a number, text, true, false or null"
            )


def _note(kinds: dict[str, set[type]], rows: list[Row]) -> None:
    """Note new columns in the order in which they came, and what all columns hold."""
    layouts = dict.fromkeys(map(tuple, rows))
    for layout in layouts:
        for name in layout:
            kinds.setdefault(name, set())
    if len(kinds) > MAX_COLUMNS:
        check_names(list(kinds))
    for name, values in zip(kinds, _columns(rows, list(kinds), layouts), strict=True):
        kinds[name].update(map(type, values))


def _frame(rows: list[Row], names: Sequence[str]) -> pl.DataFrame:
    columns = _columns(rows, names, dict.fromkeys(map(tuple, rows)))
    return pl.DataFrame(
        {name: _series(values) for name, values in zip(names, columns, strict=True)}
    )


def _columns(
    rows: list[Row], names: Sequence[str], layouts: Collection[tuple[str, ...]]
) -> Iterable[Sequence[Any]]:
    """Turn rows into columns, faster where all rows have all names in this order."""
    if list(layouts) == [tuple(names)]:
        return zip(*(row.values() for row in rows), strict=True)
    return ([row.get(name) for row in rows] for name in names)


def _series(values: Sequence[Any]) -> pl.Series:
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= {str}:
        return pl.Series(values, dtype=pl.String)
    if kinds == {bytes}:
        return pl.Series(values, dtype=pl.Binary).cast(pl.String)
    return pl.Series([_written(value) for value in values], dtype=pl.String)


def _written(value: Any) -> str | None:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _blank_line(file: str, number: int) -> InvalidInput:
    return InvalidInput(f"{file}: line {number} is blank: want one object a line")


def _unique(pairs: list[tuple[str, Any]]) -> Row:
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
