"""What the rows of a CSV are made of: where quotes, delimiters and row ends stand.

All of a block at once, without a step per row.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlsys.domain.errors import InvalidInput, TooLarge
from mlsys.use_cases.reading.text_blocks import (
    NEWLINE,
    TILE_BYTES,
    TextBlock,
    TextForm,
    count_of,
    line_at,
)

RETURN = 13

Symbols = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Dialect:
    """How the cells of a CSV are told apart: two different ASCII characters."""

    delimiter: str = ","
    quote: str = '"'


@dataclass(frozen=True)
class Structure:
    """How many rows a text has, how many delimiters between cells, and where row 1 ends."""

    rows: int
    delimiters: int
    first_end: int


def structure(block: TextBlock, form: TextForm, dialect: Dialect) -> Structure:
    """Count rows and delimiters, leaving out those in quotes.

    Raises:
        InvalidInput: a quote stands where none may or is not closed, or a carriage return stands
            alone outside of quotes.
        TooLarge: a row is longer than it may be.
    """
    content = block.content
    symbols = np.frombuffer(content, np.uint8)
    if dialect.quote.encode() not in content:
        _check_returns(block, form, np.array([], np.intp))
        delimiters = count_of(ord(dialect.delimiter), content)
        return Structure(block.lines, delimiters, content.index(b"\n") + 1)

    quotes = np.flatnonzero(symbols == ord(dialect.quote))
    misplaced = _misplaced(symbols, quotes, dialect)
    if misplaced is not None:
        raise InvalidInput(
            f"{form.file}: line {line_at(content, misplaced, block.line)}: the quotes do not add "
            f"up: a cell that holds {dialect.quote} is quoted, and has it twice"
        )
    tiles = (content[at : at + TILE_BYTES] for at in range(0, len(content), TILE_BYTES))
    ends: list[Positions] = []
    delimiters = 0
    for number, (tile, outside) in enumerate(_outside(tiles, dialect)):
        ends.append(np.flatnonzero(_those(NEWLINE, tile, outside)) + number * TILE_BYTES)
        found = _those(ord(dialect.delimiter), tile, outside)
        delimiters += int(np.count_nonzero(found))
    row_ends = np.concatenate(ends)
    _check_rows(row_ends, block, form)
    _check_returns(block, form, quotes)
    return Structure(len(row_ends), delimiters, int(row_ends[0]) + 1)


def count_rows(chunks: Iterable[bytes], dialect: Dialect, *, width: int) -> int:
    """Count the rows of a text, header included, blank lines at its end only if `width` is 1.

    It looks at nothing else: what is no CSV has some number too.
    """
    ends = blank = 0
    last = b"\n"
    for chunk, outside in _outside(chunks, dialect):
        newlines = _those(NEWLINE, chunk, outside)
        ends += int(np.count_nonzero(newlines))
        rest = chunk.rstrip(b"\r\n")
        ended = int(np.count_nonzero(newlines[len(rest) :]))
        blank = ended if rest else blank + ended
        last = chunk[-1:]
    return ends + (last != b"\n") if width == 1 else ends - blank + 1


def well_quoted(content: bytes, dialect: Dialect) -> bool:
    """Whether there are quotes, and all of them are at the ends of cells or doubled.

    >>> well_quoted(b"'it''s',1", Dialect(quote="'")), well_quoted(b"it's,1", Dialect(quote="'"))
    (True, False)

    """
    symbols = np.frombuffer(content.rstrip(b"\r\n") + b"\n", np.uint8)
    quotes = np.flatnonzero(symbols == ord(dialect.quote))
    paired = quotes.size > 0 and quotes.size % 2 == 0
    return paired and _misplaced(symbols, quotes, dialect) is None


def _outside(chunks: Iterable[bytes], dialect: Dialect) -> Iterator[tuple[bytes, Mask | None]]:
    """Say of each byte of each chunk whether it is outside of quotes; None: all are."""
    quote = dialect.quote.encode()
    odd = np.uint8(0)
    for chunk in chunks:
        if not odd and quote not in chunk:
            yield chunk, None
            continue
        quotes = np.frombuffer(chunk, np.uint8) == quote[0]
        inside = np.bitwise_xor.accumulate(quotes.view(np.uint8)) ^ odd
        odd = inside[-1]
        yield chunk, inside == 0


def _those(symbol: int, content: bytes, outside: Mask | None) -> Mask:
    """Say of each byte whether it is this one, and outside of quotes."""
    found: Mask = np.frombuffer(content, np.uint8) == symbol
    return found if outside is None else found & outside


def _misplaced(symbols: Symbols, quotes: Positions, dialect: Dialect) -> int | None:
    """Find the first quote that neither opens nor closes a cell; the text ends with a newline."""
    opening, closing = quotes[::2], quotes[1::2]
    before = np.zeros(256, np.bool_)
    before[[ord(dialect.delimiter), ord(dialect.quote), NEWLINE]] = True
    after = before.copy()
    after[RETURN] = True
    opens, closes = before[symbols[opening - 1]], after[symbols[closing + 1]]
    if opens.all() and closes.all():
        return None
    return int(np.concatenate([opening[~opens], closing[~closes]]).min())


def _check_rows(ends: Positions, block: TextBlock, form: TextForm) -> None:
    size = len(block.content)
    lengths = np.diff(ends, prepend=-1, append=size - 1)
    longest = int(lengths.argmax())
    if lengths[longest] > form.row_bytes:
        start = int(lengths[:longest].sum())
        raise TooLarge(
            f"{form.file}: the row from line {line_at(block.content, start, block.line)} on is "
            f"longer than {form.row_bytes} bytes: is a quote not closed?"
        )
    closed = int(ends[-1]) + 1 if ends.size else 0
    if closed < size:
        raise InvalidInput(
            f"{form.file}: line {line_at(block.content, closed, block.line)}: a quote is opened "
            "in this row and not closed"
        )


def _check_returns(block: TextBlock, form: TextForm, quotes: Positions) -> None:
    """Refuse what one parser takes for a row end, and another for a part of a cell."""
    if b"\r" not in block.content:
        return
    symbols = np.frombuffer(block.content, np.uint8)
    alone = np.flatnonzero((symbols[:-1] == RETURN) & (symbols[1:] != NEWLINE))
    outside = alone[np.searchsorted(quotes, alone) % 2 == 0]
    if outside.size:
        number = line_at(block.content, int(outside[0]), block.line)
        raise InvalidInput(
            f"{form.file}: line {number}: a carriage return stands alone: end rows with LF or CR LF"
        )
