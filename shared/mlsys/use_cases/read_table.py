"""Reading a local file as a table: whole or not at all, and naming the row that is wrong.

Polars gets the path of a private copy, never a user's. Text is looked through line by line before:
Polars fills short rows up in silence, and does not say where it stopped.
"""

import csv
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from mlsys.domain.errors import InvalidInput, TooLarge, Violation
from mlsys.domain.formats import HEAD_BYTES, Format, Limits, check_text, told_format
from mlsys.domain.tables import RawTable, check_names
from mlsys.use_cases.read_jsonl import frame_of

CHUNK_BYTES = 2**20
MAX_RAGGED = 100
BOM = b"\xef\xbb\xbf"
OTHER_DELIMITERS = (";", "\t", "|")


def read_table(path: Path, file: str, *, limits: Limits) -> RawTable:
    """Read a CSV, JSON Lines or Parquet file; text may be gzipped.

    Args:
        path: a private copy; what gzip held is written beside it.
        file: the name that the user gave, which tells the format.
        limits: what is refused instead of being read.

    Raises:
        InvalidInput: it is no table, damaged, not UTF-8, or has no rows; rows have other fields
            than the header; column names are empty or there twice.
        TooLarge: it is over a limit.
    """
    format, gzipped = told_format(file, _head(path))
    if gzipped:
        path = _unpacked(path, file, limits)
        check_text(file, _head(path))
    if format is Format.PARQUET:
        raw = _parquet(path, file, limits)
    elif format is Format.JSONL:
        frame, untyped = frame_of(_lines(path, file, limits), file, limits)
        raw = RawTable(frame, 1, untyped)
    else:
        raw = _csv(path, file, limits)
    if raw.frame.is_empty():
        raise InvalidInput(f"{file}: there is a header and not one row")
    return raw


def _head(path: Path) -> bytes:
    with path.open("rb") as opened:
        return opened.read(HEAD_BYTES)


def _unpacked(path: Path, file: str, limits: Limits) -> Path:
    plain = path.with_suffix(".plain")
    size = 0
    try:
        with gzip.open(path) as packed, plain.open("wb") as unpacked:
            while chunk := packed.read(CHUNK_BYTES):
                size += len(chunk)
                if size > limits.unpacked_bytes:
                    raise TooLarge(f"{file}: more than {limits.unpacked_bytes} bytes inside gzip")
                unpacked.write(chunk)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidInput(f"{file}: the gzip is damaged or cut off: {error}") from error
    return plain


def _lines(path: Path, file: str, limits: Limits) -> Iterator[str]:
    """Yield the lines of a text, refusing what is not UTF-8 text, with the place."""
    offset = 0
    with path.open("rb") as opened:
        for number, line in enumerate(iter(lambda: opened.readline(limits.line_bytes + 1), b""), 1):
            if len(line) > limits.line_bytes:
                raise TooLarge(f"{file}: line {number} is longer than {limits.line_bytes} bytes")
            text = line.removeprefix(BOM) if number == 1 else line
            if 0 in line:
                at = offset + line.index(0)
                raise InvalidInput(f"{file}: line {number} has a NUL at byte {at}: not a text")
            try:
                yield text.decode()
            except UnicodeDecodeError as error:
                at = offset + len(line) - len(text) + error.start
                raise InvalidInput(
                    f"{file}: line {number} is not UTF-8 at byte {at} "
                    f"(0x{text[error.start]:02x}): save it as UTF-8"
                ) from error
            offset += len(line)


def _csv(path: Path, file: str, limits: Limits) -> RawTable:
    names, rows, blank = _looked_through(path, file, limits)
    frame = _parsed(path)
    if frame is None or frame.shape != (rows + blank, len(names)):
        raise InvalidInput(
            f'{file}: the quotes do not add up: a cell that holds " is quoted, and has it twice'
        )
    frame.columns = names
    return RawTable(frame.head(rows), 2, frozenset(names))


def _parsed(path: Path) -> pl.DataFrame | None:
    try:
        return pl.read_csv(path, infer_schema=False, glob=False)
    except PolarsError:
        return None


def _looked_through(path: Path, file: str, limits: Limits) -> tuple[list[str], int, int]:
    """Return the column names, the number of rows, and of blank lines after them."""
    reader = csv.reader(_ended(_lines(path, file, limits)), strict=True)
    ragged: list[Violation] = []
    n_ragged = 0
    last = row = 1
    try:
        names = next(reader, [])
        _check_header(file, names)
        for row, fields in enumerate(reader, 2):
            if not fields and len(names) > 1:
                continue
            wrong = [(row, len(fields))] if len(fields) not in {len(names), 0} else []
            if row > last + 1:
                wrong.insert(0, (last + 1, 0))
                n_ragged += row - last - 2
            n_ragged += len(wrong)
            if len(ragged) < MAX_RAGGED:
                ragged += [_ragged(at, found, len(names)) for at, found in wrong]
            last = row
    except csv.Error as error:
        raise InvalidInput(f"{file}: line {reader.line_num}: {error}") from error
    if n_ragged:
        first = "; ".join(f"{one.field} {one.description}" for one in ragged[:3])
        raise InvalidInput(
            f"{file}: {n_ragged} row(s) have another number of fields than the header: {first}",
            tuple(ragged),
        )
    limits.check_cells(file, last - 1, len(names))
    return names, last - 1, row - last


def _ended(lines: Iterator[str]) -> Iterator[str]:
    """Refuse a carriage return too many, which one parser drops and another keeps."""
    for line in lines:
        if line.endswith(("\r", "\r\r\n")):
            raise csv.Error("a carriage return stands alone at its end")
        yield line


def _check_header(file: str, names: list[str]) -> None:
    check_names(names)
    for delimiter in OTHER_DELIMITERS:
        if len(names) == 1 and delimiter in names[0]:
            raise InvalidInput(f"{file}: the columns are separated by {delimiter!r}: want commas")


def _ragged(row: int, found: int, wanted: int) -> Violation:
    return Violation(f"row {row}", f"has {found} field(s), want {wanted}")


def _parquet(path: Path, file: str, limits: Limits) -> RawTable:
    """Read the footer, then the rows if they are not too many."""
    try:
        check_names(list(pl.read_parquet_schema(path)))
        rows = pl.scan_parquet(path, glob=False, hive_partitioning=False).select(pl.len())
        limits.check_cells(file, rows.collect().item(), len(pl.read_parquet_schema(path)))
        frame = pl.read_parquet(path, glob=False, hive_partitioning=False)
    except (PolarsError, OSError) as error:
        raise InvalidInput(f"{file}: the Parquet is damaged or cut off") from error
    return RawTable(frame)
