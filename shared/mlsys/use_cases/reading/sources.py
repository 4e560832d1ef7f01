"""What a reader of tables is given, and what it gives."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

import polars as pl


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

    def blocks(self) -> Iterator[pl.DataFrame]:
        """Yield all rows in order, (n, k); every call is another pass.

        Raises InvalidInput (with the places that are wrong) and TooLarge, in the middle too.
        """
        ...
