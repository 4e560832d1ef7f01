"""Rows that stand in more than one part, told by their hashes in bounded memory."""

import numpy as np
import numpy.typing as npt

from mlsys.domain.profiling.row_samples import Hashes

Flags = npt.NDArray[np.bool_]

MAX_KEPT = 2**22
FIRST_ROOM = 2**16
LOW = np.uint64(2**2 - 1)


class Copies:
    """The different rows of each part, or a fixed share of them once they are too many.

    Up to 4 M different rows (those in two parts count twice) it knows all. Beyond, it halves the
    range of hashes that it keeps; which rows that leaves is decided by their content alone, so a
    row is kept in every part or in none.

    Attributes:
        share: of all hashes, that are kept; 1 as long as everything is exact.
    """

    def __init__(self, max_kept: int = MAX_KEPT) -> None:
        self.share = 1.0
        self._max_kept = max_kept
        self._keys = np.empty(min(FIRST_ROOM, max_kept), np.uint64)
        self._filled = 0

    def look(self, part: int, hashes: Hashes) -> None:
        """See the next rows of part 0, 1, 2 or 3: (n,) hashes; their last 2 bits are not used."""
        keys = (hashes & ~LOW) | np.uint64(part)
        if self.share < 1:
            keys = keys[self.keeps(keys)]
        if self._filled + len(keys) > len(self._keys):
            self._settle()
            self._make_room(self._filled + len(keys))
        self._keys[self._filled : self._filled + len(keys)] = keys
        self._filled += len(keys)

    def keeps(self, hashes: Hashes) -> Flags:
        """Say of each row whether it would be kept: (n,)."""
        flags: Flags = hashes <= np.uint64(int(2**64 * self.share) - 1)
        return flags

    def spread(self) -> Hashes:
        """Return the hashes of the kept rows that stand in several parts, sorted, ending in 00."""
        self._settle()
        rows = self._keys[: self._filled] & ~LOW
        return np.unique(rows[1:][rows[1:] == rows[:-1]])

    def _settle(self) -> None:
        """Sort the keys, keep one of each, and no more than are allowed."""
        keys = self._keys[: self._filled]
        keys.sort()
        new = np.ones(len(keys), np.bool_)
        np.not_equal(keys[1:], keys[:-1], out=new[1:])
        different = keys[: int(new.sum())]
        different[:] = keys[new]
        self._filled = int(self.keeps(different).sum())
        while self._filled > self._max_kept:
            self.share /= 2
            self._filled = int(self.keeps(different).sum())

    def _make_room(self, wanted: int) -> None:
        """Leave half as much again as there is, so that settling is rare."""
        room = max(wanted, self._filled + self._filled // 2)
        if room > len(self._keys):
            keys = np.empty(max(room, 2 * self._filled), np.uint64)
            keys[: self._filled] = self._keys[: self._filled]
            self._keys = keys


def among(hashes: Hashes, sorted_hashes: Hashes) -> Flags:
    """Say of each row whether it is one of those that `Copies.spread` returned: (n,)."""
    if not len(sorted_hashes):
        return np.zeros(len(hashes), np.bool_)
    rows = hashes & ~LOW
    at = np.minimum(np.searchsorted(sorted_hashes, rows), len(sorted_hashes) - 1)
    found: Flags = sorted_hashes[at] == rows
    return found
