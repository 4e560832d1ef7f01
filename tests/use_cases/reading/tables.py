"""Files in memory, opened as a table."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, BinaryIO

import polars as pl

from mlsys.domain.dataset import ReadOptions
from mlsys.domain.formats import Limits
from mlsys.use_cases.reading.tables_in import Table, open_table
from mlsys.use_cases.reading.text_blocks import BLOCK_BYTES


class Trickle(io.BytesIO):
    """Gives a few bytes at a time, as a pipe may, and cannot be wound back."""

    def __init__(self, content: bytes, most: int) -> None:
        super().__init__(content)
        self._most = most

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self._most if size is None or size < 0 else min(size, self._most))

    def seekable(self) -> bool:
        return False


@dataclass
class Files:
    """A `Source`; counts how often a file was opened."""

    contents: dict[str, bytes]
    most: int = 2**16
    passes: int = 0

    @property
    def names(self) -> list[str]:
        return list(self.contents)

    @contextmanager
    def open(self, index: int) -> Iterator[BinaryIO]:
        self.passes += 1
        with Trickle(self.contents[self.names[index]], self.most) as opened:
            yield opened

    @contextmanager
    def spool(self, index: int) -> Iterator[Path]:
        self.passes += 1
        with NamedTemporaryFile() as file:
            file.write(self.contents[self.names[index]])
            file.flush()
            yield Path(file.name)


def opened(
    contents: dict[str, bytes], block_bytes: int = BLOCK_BYTES, most: int = 2**16, **options: Any
) -> Table:
    """Open files, with the limits and options among the keywords."""
    limits = {name: options.pop(name) for name in tuple(options) if name in Limits.model_fields}
    return open_table(
        Files(contents, most),
        ReadOptions(**options),
        Limits(**limits),
        block_bytes=block_bytes,
    )


def rows_of(table: Table) -> pl.DataFrame:
    """Put all blocks together."""
    return pl.concat(rows.frame for rows in table.blocks())


def columns(contents: dict[str, bytes], **options: Any) -> dict[str, list[Any]]:
    """Read files whole, column by column."""
    return rows_of(opened(contents, **options)).to_dict(as_series=False)


def parquet_of(frame: pl.DataFrame, **options: Any) -> bytes:
    """Write a Parquet file."""
    file = io.BytesIO()
    frame.write_parquet(file, **options)
    return file.getvalue()
