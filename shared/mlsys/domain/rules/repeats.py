"""Which values stood there before, over a table of any number of blocks, in bounded memory."""

import numpy as np
import polars as pl

from mlsys.domain.errors import TooLarge

MAX_REMEMBERED = 20_000_000
FIRST_BITS = 10
FULLEST = 0.625
AT_ONCE = 2**18

Codes = np.ndarray[tuple[int], np.dtype[np.uint64]]
Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]


class Repeats:
    """Remembers 64 bits of each value of several columns, in 13 to 26 bytes each.

    Integers, floats, booleans, dates and times are told apart exactly. Of n different texts,
    decimals or rows of several columns, two are taken for one with a chance below n² / 2⁶⁵:
    1 in 90,000 for 20 million.

    Args:
        at_most: how many different values may be remembered, of all columns together.
    """

    def __init__(self, at_most: int = MAX_REMEMBERED) -> None:
        self._at_most = at_most
        self._seen: dict[str, _Seen] = {}

    def look(self, what: str, values: pl.DataFrame) -> pl.Series | None:
        """Say which rows hold what an earlier row held.

        Args:
            what: names what is looked at, block by block.
            values: (n, k) in our types; a row with a missing value repeats nothing.

        Returns:
            (n,) booleans, or None if no row does.

        Raises:
            TooLarge: there is no room for more values.

        >>> Repeats().look("x", pl.DataFrame({"x": [7, None, 7, None]})).to_list()
        [False, False, True, False]

        """
        there = None
        if sum(values.null_count().row(0)):
            there = values.select(~pl.any_horizontal(pl.all().is_null())).to_series()
            values = values.filter(there)
        repeated = self._seen.setdefault(what, _Seen()).add(_codes(values))
        if sum(seen.used for seen in self._seen.values()) > self._at_most:
            raise TooLarge(
                f"{what} must be unique: at most {self._at_most:,} different values can be told "
                "apart: take `unique` or `unique_keys` out of the contract, or upload less at once"
            )
        if not repeated.any():
            return None
        if there is None:
            return pl.Series(repeated)
        everywhere = np.zeros(there.len(), np.bool_)
        everywhere[there.to_numpy()] = repeated
        return pl.Series(everywhere)


class _Seen:
    """An open hash table; 0 marks a free slot, so whether 0 itself was seen is kept apart.

    The slot is told by the upper bits, so that codes in their order go through memory in its.
    """

    def __init__(self) -> None:
        self.used = 0
        self._slots: Codes = np.zeros(2**FIRST_BITS, np.uint64)
        self._zero = False

    def add(self, codes: Codes) -> Mask:
        """Remember codes; return which stood here, or earlier among them."""
        order = np.argsort(codes)
        ordered = codes[order]
        repeated = np.zeros(codes.size, np.bool_)
        if (ordered[1:] == ordered[:-1]).any():
            first = pl.Series(codes).is_first_distinct().to_numpy()
            repeated = ~first
            order = order[first[order]]
            ordered = codes[order]
        if ordered.size and ordered[0] == 0:
            repeated[order[0]] = self._zero
            self._zero = True
            order, ordered = order[1:], ordered[1:]
        for start in range(0, ordered.size, AT_ONCE):
            some = slice(start, start + AT_ONCE)
            self._make_room(ordered[some].size)
            repeated[order[some]] = self._put(ordered[some])
        return repeated

    def _make_room(self, more: int) -> None:
        while self.used + more > FULLEST * self._slots.size:
            old = self._slots
            self._slots = np.zeros(2 * old.size, np.uint64)
            self.used = 0
            for start in range(0, old.size, AT_ONCE):
                some = old[start : start + AT_ONCE]
                self._put(some[some != 0])

    def _put(self, codes: Codes) -> Mask:
        """Remember different codes at once: each goes on until it finds itself or a free slot."""
        bits = self._slots.size.bit_length() - 1
        last = self._slots.size - 1
        known = np.zeros(codes.size, np.bool_)
        looking = np.arange(codes.size)
        slots = (codes >> np.uint64(64 - bits)).astype(np.intp)
        while looking.size:
            wanted = codes[looking]
            found = self._slots[slots]
            known[looking[found == wanted]] = True
            free = found == 0
            self._slots[slots[free]] = wanted[free]
            on = self._slots[slots] != wanted
            looking = looking[on]
            slots = (slots[on] + 1) & last
        self.used += codes.size - int(known.sum())
        return known


def _codes(values: pl.DataFrame) -> Codes:
    columns = [_plain(column) for column in values]
    if len(columns) > 1:
        return pl.DataFrame(columns).hash_rows().to_numpy()
    [column] = columns
    if column.dtype == pl.String():
        return column.hash().to_numpy()
    wide = column if column.dtype == pl.Float64() else column.to_physical().cast(pl.Int64)
    return _mixed(wide.to_numpy().view(np.uint64))


def _plain(column: pl.Series) -> pl.Series:
    """Make equal values look equal: 0.0 and -0.0, 1.5 and 1.50."""
    dtype = column.dtype
    if dtype == pl.Float64():
        return column.set(column == 0.0, 0.0)
    if isinstance(dtype, pl.Decimal):
        text = column.cast(pl.String)
        return text.str.replace(r"\.?0*$", "") if dtype.scale else text
    return column


def _mixed(codes: Codes) -> Codes:
    """Spread near values over the whole range, each to one of its own: the end of SplitMix64."""
    codes = (codes ^ (codes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    codes = (codes ^ (codes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return codes ^ (codes >> np.uint64(31))
