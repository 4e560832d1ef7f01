"""Telling from its beginning how a CSV is written; what is told is recorded, never silent."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal, Self

from mlsys.domain.dataset import ReadOptions
from mlsys.domain.errors import InvalidInput
from mlsys.domain.tables import check_names
from mlsys.use_cases.reading.csv_structure import Dialect, well_quoted
from mlsys.use_cases.reading.ragged_rows import rows_of
from mlsys.use_cases.reading.unpacking import UTF_8

SINGLE, DOUBLE = "'", '"'
DELIMITERS = ",;\t|"
SAMPLE_ROWS = 1_000
WESTERN = "cp1252"
WESTERN_RUN = 3
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")

DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
DECIMAL_POINT = re.compile(r"[+-]?\d+\.\d+")
HIGH_BYTES = re.compile(rb"[\x80-\xff]+")


@dataclass(frozen=True)
class Told:
    """How a CSV is written, its column names, and what was taken for granted in telling so."""

    dialect: Dialect
    decimal: Literal[".", ","]
    names: list[str]
    warnings: list[str]


def told_encoding(head: bytes) -> str:
    """Say in which encoding a text is; what is none of these is called UTF-8, and fails as such.

    A text is UTF-16 if it says so. It is cp1252 if every byte beyond ASCII has a meaning there,
    stands as sparsely as an accented letter does, and is nowhere UTF-8 by itself.

    >>> told_encoding("Zoë".encode("cp1252")), told_encoding("Ζωή".encode("cp1253"))
    ('cp1252', 'utf-8')

    """
    if head.startswith(UTF_16_MARKS):
        return "utf-16"
    runs = set(HIGH_BYTES.findall(head))
    western = all(
        len(run) < WESTERN_RUN and _is(run, WESTERN) and not _is(run, UTF_8) for run in runs
    )
    return WESTERN if runs and western else UTF_8


def told_dialect(sample: str, file: str, options: ReadOptions, *, complete: bool) -> Told:
    """Say how cells are separated and quoted, and what stands in front of decimals.

    A delimiter is likely if it divides the header, and all rows into as many cells.

    Args:
        sample: how the file begins.
        file: its name; `.tsv` is believed.
        options: what the user says, and is not told from the sample.
        complete: whether the sample is all there is.

    Raises:
        InvalidInput: the user's marks cannot be used, or the header cannot.
    """
    _check_marks(options)
    if "\r" in sample.partition("\n")[0][:-1]:
        raise InvalidInput(
            f"{file}: line 1: a carriage return stands alone: end rows with LF or CR LF"
        )
    rows = sample if complete else sample[: sample.rfind("\n") + 1] or sample
    readings = [_Reading.of(rows, dialect) for dialect in _dialects(rows, file, options)]
    likely = [reading for reading in readings if reading.fits]
    best = likely[0] if likely else max(readings, key=lambda one: len(one.names))
    if best.problem and not best.names:
        raise InvalidInput(f"{file}: the header cannot be read: {best.problem}")
    check_names(best.names)

    warnings = []
    others = {one.dialect.delimiter for one in likely} - {best.dialect.delimiter}
    if others:
        warnings.append(
            f"{file}: read as separated by {best.dialect.delimiter!r}, could be by "
            f"{' or '.join(map(repr, sorted(others)))} as well; read.delimiter says which"
        )
    if options.quote is None and any(one.dialect.quote == SINGLE for one in likely):
        how = "without" if best.dialect.quote == SINGLE else "with"
        warnings.append(f"{file}: cells in single quotes are read {how} them; see read.quote")
    decimal, doubts = best.decimal()
    if options.decimal is None and doubts:
        warnings.append(f"{file}: {doubts}; read.decimal says which mark it is")
    return Told(best.dialect, options.decimal or decimal, best.names, warnings)


@dataclass(frozen=True)
class _Reading:
    """What the first rows are in one dialect, up to the first problem."""

    dialect: Dialect
    rows: list[list[str]]
    problem: str

    @classmethod
    def of(cls, text: str, dialect: Dialect) -> Self:
        rows: list[list[str]] = []
        try:
            rows.extend(islice(rows_of(text, dialect), SAMPLE_ROWS))
        except csv.Error as error:
            return cls(dialect, rows, str(error))
        return cls(dialect, rows, "")

    @property
    def names(self) -> list[str]:
        return self.rows[0] if self.rows else []

    @property
    def fits(self) -> bool:
        return len(self.names) > 1 and {len(row) for row in self.rows if row} == {len(self.names)}

    def decimal(self) -> tuple[Literal[".", ","], str]:
        """Say which mark stands in front of decimals, and what is doubtful about it."""
        cells = {cell.strip() for row in self.rows[1:] for cell in row}
        commas = {cell for cell in cells if DECIMAL_COMMA.fullmatch(cell)}
        if not commas or self.dialect.delimiter == ",":
            return ".", ""
        if any(DECIMAL_POINT.fullmatch(cell) for cell in cells):
            return ".", "there are numbers with a comma and numbers with a point"
        if all(THOUSANDS.fullmatch(cell) for cell in commas):
            return ".", f"numbers like {min(commas)} could be thousands"
        return ",", ""


def _check_marks(options: ReadOptions) -> None:
    for name, mark in (("delimiter", options.delimiter), ("quote", options.quote)):
        if mark is not None and (not mark.isascii() or mark in "\r\n\0"):
            raise InvalidInput(f"read.{name}: want one ASCII character, got {mark!r}")
    if options.delimiter is not None and options.delimiter == (options.quote or DOUBLE):
        raise InvalidInput(f"read.delimiter and read.quote are both {options.delimiter!r}")


def _dialects(text: str, file: str, options: ReadOptions) -> Iterator[Dialect]:
    """Yield what is possible; single quotes last, and only if they all stand as quotes."""
    delimiters = options.delimiter or ("\t" if ".tsv" in file.lower() else DELIMITERS)
    yield from (Dialect(delimiter, options.quote or DOUBLE) for delimiter in delimiters)
    if options.quote is None and DOUBLE not in text and SINGLE in text:
        single = (Dialect(delimiter, SINGLE) for delimiter in delimiters)
        yield from (dialect for dialect in single if well_quoted(text.encode(), dialect))


def _is(run: bytes, encoding: str) -> bool:
    try:
        run.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
