"""The draw: each row has a rank, a number that depends on the seed and its place alone.

Ranks are the raw stream of PCG64, which NumPy promises never to change. They are drawn again
whenever they are wanted, so that nothing is kept per row.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from hashlib import sha256

import numpy as np
import numpy.typing as npt

DRAW = "numpy PCG64(seed) raw stream, lowest first"
PLACE = "place sha256(class), first 16 bytes, big-endian"
CHUNK_ROWS = 2**18
MAX_BITS = 16
PERIOD = 2**128

Ranks = npt.NDArray[np.uint64]
Segments = npt.NDArray[np.intp]


def place_of(text: str) -> int:
    """Return a place of the stream, far from any other: the first half of a SHA-256."""
    return int.from_bytes(sha256(text.encode()).digest()[:16], "big")


class Draws:
    """The raw stream of PCG64 for one seed, read from any place."""

    def __init__(self, seed: int) -> None:
        self._stream = np.random.PCG64(seed)
        self._place = 0

    def ranks(self, place: int, count: int) -> Ranks:
        """Return `count` draws from the `place`-th on, counted from 0; (count,)."""
        self._stream.advance((place - self._place) % PERIOD)
        self._place = place + count
        return self._stream.random_raw(count)


class Cuts:
    """The rows from `origin` on in the order of their ranks, cut into segments of exact sizes.

    Of two rows with the same rank the earlier comes first.
    """

    def __init__(self, draws: Draws, *, origin: int, ends: Sequence[int]) -> None:
        """Cut after so many rows, from 1 on and increasing; the last of `ends` is all rows."""
        self._draws, self._origin = draws, origin
        self._cuts = _cuts(draws, origin, rows=ends[-1], ends=ends[:-1])
        self._ranks = np.array([rank for rank, _ in self._cuts], dtype=np.uint64)

    def segments(self, start: int, count: int) -> Segments:
        """Say in which segment the rows from `start` on are; (count,)."""
        ranks = self._draws.ranks(self._origin + start, count)
        found = np.searchsorted(self._ranks, ranks, side="left")
        next_cut = self._ranks[np.minimum(found, len(self._ranks) - 1)]
        for at in np.flatnonzero(next_cut == ranks).tolist():
            found[at] = bisect_left(self._cuts, (int(ranks[at]), start + at))
        return found


def _cuts(draws: Draws, origin: int, *, rows: int, ends: Sequence[int]) -> list[tuple[int, int]]:
    """Return the (rank, row) that is the last before each cut.

    The first pass counts ranks by their leading bits, which says in which bucket each cut lies;
    the second collects the few rows of those buckets.
    """
    bits = min(rows.bit_length(), MAX_BITS)
    counts = np.zeros(2**bits, dtype=np.int64)
    for _, ranks in _chunks(draws, origin, rows):
        counts += np.bincount(_buckets(ranks, bits), minlength=2**bits)
    up_to = np.cumsum(counts)
    buckets = np.searchsorted(up_to, ends)
    wanted = np.zeros(2**bits, dtype=np.bool_)
    wanted[buckets] = True

    candidates: list[tuple[int, int]] = []
    for start, ranks in _chunks(draws, origin, rows):
        near = np.flatnonzero(wanted[_buckets(ranks, bits)])
        candidates += zip(ranks[near].tolist(), (near + start).tolist(), strict=True)
    candidates.sort()
    skipped = np.cumsum(np.where(wanted, 0, counts))
    return [
        candidates[end - 1 - int(skipped[bucket])]
        for end, bucket in zip(ends, buckets.tolist(), strict=True)
    ]


def _chunks(draws: Draws, origin: int, rows: int) -> Iterator[tuple[int, Ranks]]:
    for start in range(0, rows, CHUNK_ROWS):
        yield start, draws.ranks(origin + start, min(CHUNK_ROWS, rows - start))


def _buckets(ranks: Ranks, bits: int) -> npt.NDArray[np.int64]:
    return (ranks >> np.uint64(64 - bits)).view(np.int64)
