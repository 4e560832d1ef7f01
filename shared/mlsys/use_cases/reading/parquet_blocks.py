"""Reading Parquet block by block: footers first, then slices of so many rows as memory holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import polars as pl
from polars.exceptions import PolarsError

from mlsys.domain.errors import InvalidInput, TooLarge
from mlsys.domain.formats import HEAD_BYTES, Format, Limits, told_format
from mlsys.domain.tables import check_names
from mlsys.use_cases.reading.sources import (
    Rows,
    Settling,
    Source,
    nothing_settled,
    rows_as_they_are,
)

FIRST_ROWS = 128
GROWTH = 4
BLOCK_CELLS = 2**21
BLOCK_VALUES_BYTES = 2**25
NUMBER_BYTES = 8


def open_parquet(source: Source, limits: Limits) -> "ParquetTable":
    """Read the footer of the first file.

    Raises:
        InvalidInput: it is no Parquet, damaged, or has a name twice or empty.
        TooLarge: it is over a limit, or there are too many columns.
    """
    with _footer(source, 0, limits) as footer:
        names = footer.names
    check_names(names)
    return ParquetTable(source, limits, names)


class ParquetTable:
    """A `Table` with the types of its files, whose columns may stand in any order."""

    first_row = 1
    untyped: frozenset[str] = frozenset()
    decimal: Literal[".", ","] = "."

    def __init__(self, source: Source, limits: Limits, names: list[str]) -> None:
        self.names = names
        self.read_as: dict[str, str | None] = {"format": Format.PARQUET.value}
        self.warnings: list[str] = []
        self._source = source
        self._limits = limits
        self._rows: int | None = None

    def count(self) -> int:
        """Add up what the footers say."""
        if self._rows is None:
            rows = 0
            for index in range(len(self._source.names)):
                with self._checked(index) as footer:
                    rows += footer.rows
            self._rows = self._some(rows)
        return self._rows

    def blocks(self, settled: Settling = nothing_settled) -> Iterator[Rows]:
        """Yield typed columns; a block is smaller where its values are long."""
        del settled
        rows = 0
        for index in range(len(self._source.names)):
            with self._checked(index) as footer:
                for block in slices(footer, self.names, self._limits):
                    rows += block.height
                    yield rows_as_they_are(block)
        self._rows = self._some(rows)

    def _some(self, rows: int) -> int:
        if not rows:
            raise InvalidInput(f"{self._source.names[0]}: there are columns and not one row")
        return rows

    @contextmanager
    def _checked(self, index: int) -> Iterator["Footer"]:
        with _footer(self._source, index, self._limits) as footer:
            differing = sorted(set(self.names) ^ set(footer.names))
            if differing:
                raise InvalidInput(
                    f"{footer.file}: its columns are not those of {self._source.names[0]}: "
                    f"{', '.join(differing[:5])[:500]} only in one of them"
                )
            yield footer


@dataclass(frozen=True)
class Footer:
    """What a file says about itself, and where its rows are."""

    file: str
    scan: pl.LazyFrame
    names: list[str]
    rows: int


def slices(footer: Footer, names: list[str], limits: Limits) -> Iterator[pl.DataFrame]:
    """Take few rows, then more, as long as they are not too large.

    Raises:
        InvalidInput: the file is damaged, or has fewer rows than its footer says.
        TooLarge: all values together are larger than may be unpacked.
    """
    most = max(1, BLOCK_CELLS // len(names))
    rows = min(FIRST_ROWS, most)
    start = unpacked_bytes = 0
    while start < footer.rows:
        wanted = min(rows, footer.rows - start)
        with _damage(footer.file):
            block = footer.scan.select(names).slice(start, wanted).collect()
        if block.height != wanted:
            raise InvalidInput(f"{footer.file}: the Parquet is damaged: rows are missing")
        size_bytes = _size(block)
        unpacked_bytes += size_bytes
        if unpacked_bytes > limits.unpacked_bytes:
            raise TooLarge(f"{footer.file}: more than {limits.unpacked_bytes} bytes of values")
        yield block
        start += wanted
        fitting = wanted * BLOCK_VALUES_BYTES // size_bytes
        rows = max(1, min(most, fitting, wanted * GROWTH))


@contextmanager
def _footer(source: Source, index: int, limits: Limits) -> Iterator[Footer]:
    """Have one file at hand, and what its footer says."""
    file = source.names[index]
    with source.spool(index) as path:
        limits.check_file(file, path.stat().st_size)
        with path.open("rb") as opened:
            told_format(file, opened.read(HEAD_BYTES))
        with _damage(file):
            scan = pl.scan_parquet(path, glob=False, hive_partitioning=False)
            names = scan.collect_schema().names()
            rows = scan.select(pl.len()).collect().item()
            footer = Footer(file, scan, names, rows)
        yield footer


@contextmanager
def _damage(file: str) -> Iterator[None]:
    try:
        yield
    except (PolarsError, OSError) as error:
        raise InvalidInput(f"{file}: the Parquet is damaged or cut off") from error


def _size(block: pl.DataFrame) -> int:
    """Measure the values, whatever the layout in memory; at least 1."""
    texts = [column for column in block if column.dtype in {pl.String(), pl.Binary()}]
    long = sum(int(column.cast(pl.Binary).bin.size().sum()) for column in texts)
    return max(1, long + NUMBER_BYTES * block.height * block.width)
