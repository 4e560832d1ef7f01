"""The types of a table that is read block by block; none is taken back in silence."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from mlsys.domain.split_records import ColumnType
from mlsys.domain.tables import said
from mlsys.domain.types.cells import NUMBERS, pointed
from mlsys.domain.types.quick_cells import Quick, read_quickly
from mlsys.domain.types.told_columns import Guessed, Settled, Stored, Taken, ToldColumn, Wanted


@dataclass(frozen=True)
class Typed:
    """A block in our types.

    Attributes:
        frame: (n, k); a cell that does not fit its wanted type is missing.
        widened: a column has another type than in the blocks before: they must be typed again.
        unfit: per column that has any: (n,) which cells are there, but not of the wanted type.
    """

    frame: pl.DataFrame
    widened: bool
    unfit: dict[str, pl.Series]


class ToldTypes:
    """The types of a table's columns, told from one block of rows after the other.

    In the end every column of text has the first type of `GUESSES` that all its cells fit without
    loss, and every other the type that `normal` or `parse` gives it as a whole. Until then a type
    may turn out too narrow; then `Typed.widened` is set, and the caller starts again from the first
    block, with this same object, which remembers. It may read on to the last block before: what one
    whole pass has seen, the next need not learn. Only where a float becomes a decimal late, may the
    second pass widen too, and the third does not.

    Args:
        names: of the columns of every block.
        untyped: the columns of text whose type is to be told from their cells.
        wanted: types that a contract promises, which are not told but held to.
        decimal: what stands before the decimals of a number in the untyped columns: "." or ",".

    >>> types = ToldTypes(["x"], untyped=["x"], wanted={})
    >>> dict(types.typed(pl.DataFrame({"x": ["1", "2"]})).frame.schema)
    {'x': Int64}
    >>> types.typed(pl.DataFrame({"x": ["NA", "0.5"]})).widened
    True
    >>> dict(types.schema), types.remarks()
    ({'x': Float64}, ["column 'x': NA read as missing"])

    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        untyped: Collection[str],
        wanted: Mapping[str, ColumnType],
        decimal: str = ".",
    ) -> None:
        self._commas = frozenset(untyped) if decimal == "," else frozenset[str]()
        self._columns: dict[str, ToldColumn] = {
            name: _column(wanted.get(name), decimal if name in untyped else None) for name in names
        }
        self._schema = pl.Schema(dict.fromkeys(names, pl.String()))
        self._answered = False

    @property
    def schema(self) -> pl.Schema:
        """The types as of now; text for a column of which no cell was seen."""
        return self._schema

    def settled(self) -> dict[str, Settled]:
        """Say which columns of text the next block may have as numbers, read without their text.

        Who gives them so has made certain that their text would have given the same numbers.
        """
        found = {name: column.settled() for name, column in self._columns.items()}
        return {name: settled for name, settled in found.items() if settled is not None}

    def typed(self, block: pl.DataFrame) -> Typed:
        """Give the next block its types.

        Args:
            block: (n, k), columns as in `names`, as the file has them but for `settled` ones.

        Raises:
            InvalidInput: a column of a typed file holds lists, records, bytes or durations.

        """
        settled = self.settled()
        given = {name for name, one in settled.items() if block.schema.get(name) == one.dtype}
        quick = self._quick(block.drop(given))
        taken: dict[str, Taken] = {}
        for values in block:
            column = self._columns[values.name]
            if values.name in given:
                column.note(values)
                taken[values.name] = values, None
            else:
                taken[values.name] = column.take(values, quick.get(values.name))
        frame = pl.DataFrame([values for values, _ in taken.values()])
        widened = self._answered and frame.schema != self._schema
        self._schema = frame.schema
        self._answered |= frame.height > 0
        unfit = {name: mask for name, (_, mask) in taken.items() if mask is not None}
        return Typed(frame, widened, unfit)

    def remarks(self) -> list[str]:
        """Say what reading text as values took for granted, over all blocks."""
        return [
            remark
            for name, column in self._columns.items()
            if self._schema[name] != pl.String()
            for remark in said(
                name,
                column.seen.words,
                naive=column.seen.naive and isinstance(self._schema[name], pl.Datetime),
            )
        ]

    def _quick(self, block: pl.DataFrame) -> dict[str, Quick]:
        """Read at once what can be; columns of numbers with a comma get their point before."""
        types = {
            column.name: type
            for column in block
            if (type := self._columns[column.name].quick_type(column)) is not None
        }
        if not types:
            return {}
        texts = [
            pointed(block[name]) if name in self._commas and type in NUMBERS else block[name]
            for name, type in types.items()
        ]
        found = read_quickly(texts, list(types.values()))
        return {name: quick for name, quick in zip(types, found, strict=True) if quick}


def _column(wanted: ColumnType | None, decimal: str | None) -> ToldColumn:
    if decimal is None:
        return Stored(Wanted(wanted, ".") if wanted else None)
    return Wanted(wanted, decimal) if wanted else Guessed(decimal)
