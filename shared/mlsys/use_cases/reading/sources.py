"""What a reader of tables is given, and what it gives."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

import polars as pl

from mlsys.domain.types.told_columns import Settled


class Source(Protocol):
    """One or more files that form one table, in the order of their names."""

    @property
    def names(self) -> Sequence[str]:
        """The names of the files, which tell the format."""
        ...

    def open(self, index: int) -> AbstractContextManager[BinaryIO]:
        """Stream one file from its start; it need not be seekable, and is opened once a pass."""
        ...

    def spool(self, index: int) -> AbstractContextManager[Path]:
        """Have one file whole on a disk, for as long as the block lasts."""
        ...


@dataclass(frozen=True)
class Rows:
    """Some rows in their order.

    Attributes:
        frame: (n, k) as the file has them, but for columns of text that are numbers already.
        raw: reads all of them as the file has them.
    """

    frame: pl.DataFrame
    raw: Callable[[], pl.DataFrame]


def rows_as_they_are(frame: pl.DataFrame) -> Rows:
    """Take all columns for what the file has."""
    return Rows(frame, lambda: frame)


def nothing_settled() -> Mapping[str, Settled]:
    """Have all text left as it is."""
    return {}


Settling = Callable[[], Mapping[str, Settled]]
"""Says which columns of text the next rows may have as numbers."""


class Table(Protocol):
    """A table that is read block by block: a block is some 16 MiB of the file.

    Where the blocks end depends on the content only, not on how it arrives.

    Attributes:
        names: of the columns.
        untyped: names of the text columns whose type is still to be told from the values.
        first_row: what a person calls the first row: 2 below the header of a CSV, else 1.
        decimal: the mark in front of a number's decimals.
        read_as: how the files were read: format, compression, delimiter, quote, encoding, decimal.
        warnings: what was taken for granted in telling so.
    """

    names: list[str]
    untyped: frozenset[str]
    first_row: int
    decimal: Literal[".", ","]
    read_as: dict[str, str | None]
    warnings: list[str]

    def count(self) -> int:
        """Return the number of rows, by another pass if none told it yet.

        Raises InvalidInput (there is not one; a file is damaged) and TooLarge.
        """
        ...

    def blocks(self, settled: Settling = nothing_settled) -> Iterator[Rows]:
        """Yield all rows in order; every call is another pass. `settled` is asked before each.

        Raises InvalidInput (with the places that are wrong) and TooLarge, in the middle too.
        """
        ...
