"""A uniform sample of the rows of a stream, the same however the stream is cut into blocks.

Every row has a rank, a number drawn for its place in the file. The sample is the rows of least
rank, so which rows are in it depends on the seed and on their numbers alone.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from mlsys.domain.taken_rows import owned, taken

Rows = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

LONG_BYTES = 48
BEGINNING = 24
CUT = "\x00"
"""Stands between the beginning of a long text and its hash."""
TEXTS = pl.col(pl.String)
INLINE_BYTES = 12
"""Of a text that Polars keeps within its view, as Arrow lays down."""
ROOM = 2
"""How many times its size a sample may grow before it is cut again."""
SLACK = 1.25
"""How many times its size the ranks that may be in it may grow."""
LAST_RANK = np.uint64(2**64 - 1)


class RowSample:
    """Up to `size` rows of a stream. Long texts are kept as their beginning and a hash.

    Attributes:
        seen: rows of the stream so far.
    """

    def __init__(self, size: int) -> None:
        self.seen = 0
        self._size = size
        self._limit = LAST_RANK
        self._low = np.empty(0, np.uint64)
        self._frames: list[pl.DataFrame] = []
        self._ranks = np.empty(0, np.uint64)
        self._hashes = np.empty(0, np.uint64)

    def look(self, frame: pl.DataFrame, ranks: Hashes, hashes: Hashes) -> None:
        """See the next rows.

        Args:
            frame: (n, k).
            ranks: (n,) as `ranks_of` has them.
            hashes: (n,) of the rows, kept beside them.
        """
        self.seen += frame.height
        self._low = np.concatenate([self._low, ranks[ranks <= self._limit]])
        if len(self._low) > SLACK * self._size:
            self._lower_limit()
        chosen = ranks <= self._limit
        if not chosen.any():
            return
        self._frames.append(_compact(*taken(frame, chosen)))
        self._ranks = np.concatenate([self._ranks, ranks[chosen]])
        self._hashes = np.concatenate([self._hashes, hashes[chosen]])
        if len(self._ranks) > ROOM * self._size:
            self._cut()

    def rows(self) -> tuple[pl.DataFrame, Hashes]:
        """Return the sample so far, (m, k) and (m,), in the order of the stream."""
        self._cut()
        return (self._frames[0] if self._frames else pl.DataFrame()), self._hashes

    def _cut(self) -> None:
        if len(self._low) > self._size:
            self._lower_limit()
        kept = self._ranks <= self._limit
        if len(self._frames) <= 1 and kept.all():
            return
        self._frames = [_owned_again(*taken(pl.concat(self._frames), kept))]
        self._ranks, self._hashes = self._ranks[kept], self._hashes[kept]

    def _lower_limit(self) -> None:
        """Forget ranks that are not among the least: no row of these will be in the sample."""
        self._low = np.partition(self._low, self._size - 1)[: self._size]
        self._limit = self._low.max()


def ranks_of(first: int, count: int, *, seed: int) -> Hashes:
    """Draw the ranks of the rows `first` to `first + count - 1` of a file.

    They are raw numbers of PCG64, which NumPy promises never to change.

    >>> ranks_of(7, 2, seed=1).tolist() == ranks_of(0, 9, seed=1).tolist()[7:]
    True

    """
    return np.random.PCG64(seed).advance(first).random_raw(count)


def shortened(text: pl.Expr) -> pl.Expr:
    """Cut long texts so that different ones stay different; other texts stay as they are."""
    cut = text.str.slice(0, BEGINNING) + CUT + text.hash().cast(pl.String)
    return pl.when(text.str.len_bytes() > LONG_BYTES).then(cut).otherwise(text)


def _compact(frame: pl.DataFrame) -> pl.DataFrame:
    """Cut long texts, and copy the others."""
    return owned(frame.with_columns(shortened(TEXTS)) if _longest(frame) > LONG_BYTES else frame)


def _owned_again(frame: pl.DataFrame) -> pl.DataFrame:
    """Copy what is left of owned texts, unless a view holds all of each, and nothing else."""
    return (owned(frame) if _longest(frame) > INLINE_BYTES else frame).rechunk()


def _longest(frame: pl.DataFrame) -> int:
    lengths = frame.select_seq(TEXTS.str.len_bytes().max()).rows()
    return max((length or 0 for row in lengths for length in row), default=0)
