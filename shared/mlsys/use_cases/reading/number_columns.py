"""Proving that columns which Polars read as numbers are what reading their text would have given.

Polars reads "+1", "007", "-0" and what a tab stands before as numbers too, and loses digits. So the
bytes of the block are searched for all that looks so, in a few passes of NumPy, which cost much
less than the text of each cell. Columns of text may hold it; numbers must not.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import polars.selectors as cs

from mlsys.domain.types.cells import EXACT_IN_FLOAT
from mlsys.use_cases.reading.csv_structure import Dialect
from mlsys.use_cases.reading.text_blocks import TILE_BYTES

USUAL = frozenset(",;|\t"), frozenset("\"'")
"""Delimiters and quotes that are no part of a number."""
MINUS, POINT, ZERO, NINE = np.frombuffer(b"-.09", np.uint8)
DIGITS = 17
"""A float is never printed with more."""
FULL_WORD = 0x01010101
"""Four bytes that are all part of a number; where 18 are, three such words follow each other."""
BEHIND, AHEAD = 4, 64
"""So far a tile looks around itself."""
MOST_ZEROS = AHEAD - DIGITS - 3
"""A number with more zeros after its point counts as long."""

Symbols = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


def are_as_their_text(frame: pl.DataFrame, content: bytes, dialect: Dialect) -> bool:
    """Whether it is certain that `cells.fitted` makes the same numbers of the text.

    Args:
        frame: (n, k), integers, floats and text.
        content: the whole rows that Polars read so.
        dialect: how they are written.

    """
    if dialect.delimiter not in USUAL[0] or dialect.quote not in USUAL[1]:
        return False
    if dialect.delimiter == "\t" and dialect.quote.encode() in content:
        return False
    small = cs.float().is_between(-EXACT_IN_FLOAT, EXACT_IN_FLOAT, closed="none")
    floats = _row(frame.select(small.all()))
    if not all(floats):
        return False
    search = _Search(content, dialect, long=bool(floats))
    found = search.odd_places(content)
    if not found.any():
        return True
    for text in _row(frame.select(cs.string().str.join("\n").cast(pl.Binary))):
        found -= search.odd_places(text + b"\n")
    if floats:
        large = ~cs.integer().is_between(-(10**DIGITS), 10**DIGITS, closed="none")
        found[1] -= sum(_row(frame.select(large.sum())))
    return not found.any()


class _Search:
    """Counts places where a cell, or a word in one, is odd for a number; alike in any text.

    Args:
        content: says what there is to look for.
        long: whether long numbers are odd.
    """

    def __init__(self, content: bytes, dialect: Dialect, *, long: bool) -> None:
        self._delimiter = np.uint8(ord(dialect.delimiter))
        marks = b"+" if dialect.delimiter == "\t" else b"+\t"
        self._marks = [mark for mark in marks if mark in content]
        self._long = long

    def odd_places(self, text: bytes) -> npt.NDArray[np.int64]:
        """Count odd beginnings and long numbers: (2,). The text ends with a newline."""
        found = np.zeros(2, np.int64)
        for cells in _tiles(text):
            found += self._odd_beginnings(cells), self._long and _long_numbers(cells)
        return found

    def _odd_beginnings(self, cells: Symbols) -> int:
        """Count "+", tabs, zeros before a digit and "-0" where a word begins in this tile."""
        low, high, minus = cells < POINT, cells > POINT, cells == MINUS
        if self._delimiter > POINT:
            delimiters = cells == self._delimiter
            low |= delimiters
            high ^= delimiters
        between = low ^ minus
        signed = minus[1:] & between[:-1]
        at, after = slice(BEHIND, -1), slice(BEHIND + 1, None)
        signed_before = signed[BEHIND - 2 : -2]
        begins = between[BEHIND - 1 : -2] | signed_before
        odd = (cells[at] == ZERO) & ((begins & high[after]) | (signed_before & low[after]))
        for mark in self._marks:
            odd |= begins & (cells[at] == mark)
        return int(np.count_nonzero(odd[:TILE_BYTES]))


def _row(facts: pl.DataFrame) -> tuple[Any, ...]:
    return facts.row(0) if facts.width else ()


def _tiles(text: bytes) -> Iterator[Symbols]:
    """Cut a text into tiles that fit into the cache, each with the bytes around it."""
    yield np.frombuffer(b"\n" * BEHIND + text[: TILE_BYTES + AHEAD], np.uint8)
    symbols = np.frombuffer(text, np.uint8)
    for start in range(TILE_BYTES, symbols.size, TILE_BYTES):
        yield symbols[start - BEHIND : start + TILE_BYTES + AHEAD]


def _long_numbers(cells: Symbols) -> int:
    """Count numbers with more than 17 digits, zeros in front left out, that begin in this tile."""
    number = cells - POINT <= NINE - POINT
    words = number[: number.size // 4 * 4].view(np.uint32) == FULL_WORD
    if not (words[:-2] & words[1:-1] & words[2:]).any():
        return 0
    zero, point = cells == ZERO, cells == POINT
    number[1:] &= ~(zero[1:] & ~number[:-1])
    number[1:] &= ~(point[1:] & ~number[:-1])
    long = np.zeros(cells.size, np.bool_)
    long[: -DIGITS - 1] = _runs(number & ~point, DIGITS + 1)[:-1] | _runs(number, DIGITS + 2)
    begins = long[BEHIND : BEHIND + TILE_BYTES]
    at = np.flatnonzero(begins & ~number[BEHIND - 1 :][: begins.size]) + BEHIND
    found = 0
    for _ in range(MOST_ZEROS):
        leading = zero[at] | point[at]
        found += int(np.count_nonzero(~leading))
        at = at[leading] + 1
        at = at[long[at]]
        if not at.size:
            break
    return found + at.size


def _runs(mask: Mask, size: int) -> Mask:
    """Say where so many in a row begin: (n - size + 1,)."""
    done = 1
    while done < size:
        step = min(done, size - done)
        mask = mask[:-step] & mask[step:]
        done += step
    return mask
