"""Passing over a table block by block, in types that hold from its first row to its last."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import polars as pl

from mlsys.domain.errors import InvalidInput
from mlsys.domain.types.told_types import ToldTypes, Typed
from mlsys.use_cases.reading.row_groups import row_group_rows
from mlsys.use_cases.reading.tables_in import Table

T = TypeVar("T")

MAX_PASSES = 5
"""Two are enough but for decimals that turn up late."""


@dataclass(frozen=True)
class Block:
    """Some rows in their order: as the file has them, for who asks for that, and in our types.

    `start` is the number of the first row, from 0; `unfit` masks what is not of a wanted type. Row
    groups of `row_group_rows` such rows fit into memory; in one pass that is always the same.
    """

    raw: Callable[[], pl.DataFrame]
    typed: pl.DataFrame
    unfit: Mapping[str, pl.Series]
    start: int
    row_group_rows: int


@dataclass
class Reading:
    """A table, and what is known of its types and of how wide its rows are so far."""

    table: Table
    types: ToldTypes
    row_group_rows: int | None = None

    def blocks(self, columns: Sequence[str] | None = None) -> Iterator[Block]:
        """Yield all rows, of all columns or some.

        Raises:
            WidenedError: at the end; a type, or the rows, became wider on the way, so what was
                yielded is void. The next pass has all right.
        """
        start = 0
        widened = False
        group_rows = None
        for raw, typed in _ahead(self._typed(columns)):
            self.row_group_rows = row_group_rows(typed.frame, self.row_group_rows)
            group_rows = group_rows or self.row_group_rows
            widened = widened or typed.widened or self.row_group_rows < group_rows
            if not widened:
                yield Block(raw, typed.frame, typed.unfit, start, group_rows)
            start += typed.frame.height
        if widened:
            raise WidenedError

    def _typed(
        self, columns: Sequence[str] | None
    ) -> Iterator[tuple[Callable[[], pl.DataFrame], Typed]]:
        """Type each block before the next is read, which may be of numbers that settled by then."""
        for rows in self.table.blocks(self.types.settled):
            frame = rows.frame if columns is None else rows.frame.select(columns)
            yield rows.raw, self.types.typed(frame)


class WidenedError(Exception):
    """The same pass must be made again."""


def until_types_hold(make_pass: Callable[[], T]) -> T:
    """Make a pass over the blocks of a reading, and again where something became wider on the way.

    Raises:
        InvalidInput: the types never hold, as when the files of one table disagree.
    """
    for _ in range(MAX_PASSES):
        with suppress(WidenedError):
            return make_pass()
    raise InvalidInput("a column has one type in one file and another in the next: write it alike")


def _ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield the same items, each made in another thread while the one before it is used."""
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(next, items, None)
        while (one := made.result()) is not None:
            made = pool.submit(next, items, None)
            yield one
