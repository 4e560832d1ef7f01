"""One column that is read block by block, and what is remembered of the blocks before."""

from dataclasses import dataclass, field
from typing import Protocol

import polars as pl

from mlsys.domain.split_records import ColumnType
from mlsys.domain.tables import GUESSES, normal, parse, type_of
from mlsys.domain.types.cells import (
    DECIMAL_DIGITS,
    EXACT_IN_FLOAT,
    fitted,
    lacks_offset,
    missing_words,
    present,
    read,
)
from mlsys.domain.types.quick_cells import QUICK, Quick

HEAD = 100
SETTLED: dict[ColumnType | None, pl.DataType] = {
    ColumnType.INTEGER: pl.Int64(),
    ColumnType.FLOAT: pl.Float64(),
}

Taken = tuple[pl.Series, pl.Series | None]
"""(n,) values, and (n,) which cells are there but not of the wanted type, if there are any."""


@dataclass(frozen=True)
class Settled:
    """What a column of text may be read as at once, without its text.

    Attributes:
        dtype: Int64 or Float64.
        word: the only one that was read as missing so far, if any was.
    """

    dtype: pl.DataType
    word: str | None


@dataclass
class Seen:
    """What reading text as values took for granted.

    Attributes:
        words: read as missing.
        naive: a time without an offset was taken as UTC.
    """

    words: set[str] = field(default_factory=set)
    naive: bool = False

    def note(self, block: pl.Series, text: pl.Series, type: ColumnType | None) -> None:
        """Look at a block of raw cells and at what `cells.present` leaves of them."""
        if text.null_count() > block.null_count():
            self.words.update(missing_words(block))
        if type is ColumnType.DATETIME:
            self.naive |= lacks_offset(text)

    def note_quick(self, quick: Quick) -> None:
        """Look at what a quick read says."""
        self.words.update(quick.words)
        self.naive |= quick.naive


class ToldColumn(Protocol):
    """How one column gets its type."""

    seen: Seen

    def settled(self) -> Settled | None:
        """Say what the next block may be read as without its text, if anything."""
        ...

    def note(self, values: pl.Series) -> None:
        """Look at a block that was read as `settled` says."""
        ...

    def quick_type(self, block: pl.Series) -> ColumnType | None:
        """Name the type of `QUICK` that the next block should be tried for, if any."""
        ...

    def take(self, block: pl.Series, quick: Quick | None) -> Taken:
        """Read the next block in the type that the column has now.

        Args:
            block: (n,).
            quick: what came of the try, None if nothing did.

        """
        ...


@dataclass
class Guessed:
    """A column of text that gets the narrowest type in which none of its blocks loses anything.

    Attributes:
        type: None until a cell is there.
        keys: an integer was there that a float does not hold.
        whole: digits before the decimals of a DECIMAL, the most seen.
        decimals: of a DECIMAL, the most seen.
    """

    decimal: str
    type: ColumnType | None = None
    keys: bool = False
    whole: int = 0
    decimals: int = 0
    seen: Seen = field(default_factory=Seen)

    def settled(self) -> Settled | None:
        """See `ToldColumn`."""
        return _settled(self.type, self.decimal, self.seen.words)

    def note(self, values: pl.Series) -> None:
        """See `ToldColumn`."""
        if self.type is ColumnType.INTEGER:
            self.keys |= not values.is_between(-EXACT_IN_FLOAT, EXACT_IN_FLOAT, closed="none").all()

    def quick_type(self, block: pl.Series) -> ColumnType | None:
        """See `ToldColumn`."""
        type = self.type
        if type is None:
            head = present(block.drop_nulls().head(HEAD)).drop_nulls()
            type = self._narrowest(head, GUESSES)[0] if head.len() else None
        if type is ColumnType.TEXT:
            self.type = type
        return type if type in QUICK else None

    def take(self, block: pl.Series, quick: Quick | None) -> Taken:
        """See `ToldColumn`; nothing is wanted of it."""
        if self.type is ColumnType.TEXT:
            return block, None
        if quick and quick.fits():
            self.type = quick.type
            self.keys |= not quick.small
            self.seen.note_quick(quick)
            return quick.values, None
        text = present(block)
        if self.type is None and text.null_count() == text.len():
            self.seen.note(block, text, None)
            return block, None
        self.type, values = self._narrowest(text, self._possible())
        self.seen.note(block, text, self.type)
        self.note(values)
        if self.type is ColumnType.DECIMAL and not self._has_room(values):
            self.type = ColumnType.TEXT
        return (block if self.type is ColumnType.TEXT else values), None

    def _possible(self) -> tuple[ColumnType, ...]:
        """Name what the blocks before allow, the narrowest first."""
        if self.type is None:
            return GUESSES
        if self.type is ColumnType.INTEGER and not self.keys:
            return ColumnType.INTEGER, ColumnType.FLOAT, ColumnType.DECIMAL
        if self.type is ColumnType.FLOAT:
            return ColumnType.FLOAT, ColumnType.DECIMAL
        return (self.type,)

    def _narrowest(
        self, text: pl.Series, types: tuple[ColumnType, ...]
    ) -> tuple[ColumnType, pl.Series]:
        for type in types:
            values = fitted(text, type, decimal=self.decimal, decimals=self.decimals)
            if values is not None:
                return type, values
        return ColumnType.TEXT, text

    def _has_room(self, values: pl.Series) -> bool:
        """Whether one DECIMAL holds these values and those of the blocks before."""
        whole = values.abs().cast(pl.String).str.extract("^0*([0-9]*)").str.len_bytes().max()
        self.whole = max(self.whole, whole if isinstance(whole, int) else 0)
        self.decimals = _scale(values)
        return self.whole + self.decimals <= DECIMAL_DIGITS


@dataclass
class Wanted:
    """A column of text, or of categories, of which the contract says what it shall be."""

    type: ColumnType
    decimal: str
    decimals: int = 0
    seen: Seen = field(default_factory=Seen)

    def settled(self) -> Settled | None:
        """See `ToldColumn`."""
        return _settled(self.type, self.decimal, self.seen.words)

    def note(self, values: pl.Series) -> None:
        """See `ToldColumn`; nothing depends on it."""

    def quick_type(self, block: pl.Series) -> ColumnType | None:
        """See `ToldColumn`."""
        return self.type if block.dtype == pl.String() and self.type in QUICK else None

    def take(self, block: pl.Series, quick: Quick | None) -> Taken:
        """See `ToldColumn`."""
        if self.type is ColumnType.TEXT:
            return block.cast(pl.String), None
        if quick:
            self.seen.note_quick(quick)
            return quick.values, None
        text = present(block.cast(pl.String))
        if block.dtype == pl.String():
            self.seen.note(block, text, self.type)
        values = read(text, self.type, decimal=self.decimal, decimals=self.decimals)
        if self.type is ColumnType.DECIMAL:
            self.decimals = _scale(values)
        return values, _any(values.is_null() & text.is_not_null())


@dataclass
class Stored:
    """A column that has a type in its file.

    Attributes:
        wanted: what the contract says it shall be.
        spilled: see `tables.normal`.
    """

    wanted: Wanted | None
    spilled: bool = False
    seen: Seen = field(default_factory=Seen)

    def settled(self) -> Settled | None:
        """See `ToldColumn`; it has no text."""
        return None

    def note(self, values: pl.Series) -> None:
        """See `ToldColumn`; it is never asked."""

    def quick_type(self, block: pl.Series) -> ColumnType | None:
        """See `ToldColumn`."""
        return self.wanted.quick_type(block) if self.wanted else None

    def take(self, block: pl.Series, quick: Quick | None) -> Taken:
        """See `ToldColumn`. Raises InvalidInput as `tables.normal` does."""
        source = normal(block, spilled=self.spilled)
        if self.wanted is None:
            self.spilled |= _spills(source, block)
            return source, None
        type = self.wanted.type
        if block.dtype.is_numeric() and type in {ColumnType.INTEGER, ColumnType.FLOAT}:
            exact = block if block.dtype.is_integer() else source
            values = parse(exact, type)
            return values, _any(values.is_null() & exact.is_not_null())
        if type_of(source) is type:
            self.spilled |= _spills(source, block)
            return source, None
        self.seen = self.wanted.seen
        return self.wanted.take(source, quick)


def _settled(type: ColumnType | None, decimal: str, words: set[str]) -> Settled | None:
    if type not in SETTLED or decimal != "." or len(words) > 1:
        return None
    return Settled(SETTLED[type], next(iter(words), None))


def _any(mask: pl.Series) -> pl.Series | None:
    return mask if mask.any() else None


def _scale(values: pl.Series) -> int:
    return values.dtype.scale if isinstance(values.dtype, pl.Decimal) else 0


def _spills(source: pl.Series, block: pl.Series) -> bool:
    if isinstance(source.dtype, pl.Datetime):
        return source.dtype.time_unit != "us"
    return block.dtype.is_integer() and source.dtype == pl.String()
