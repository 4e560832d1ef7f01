"""`group` and `group_kfold`: all rows of a group go the same way."""

from collections.abc import Sequence
from heapq import heapreplace
from itertools import count

import numpy as np
import polars as pl

from mlsys.domain.errors import InvalidInput, TooLarge
from mlsys.domain.records import PARTS, Json
from mlsys.domain.strategies.base import (
    NOWHERE,
    Assigned,
    BadRows,
    Codes,
    Needs,
    Numbers,
    Plan,
)
from mlsys.domain.strategies.ordered import is_ordered, ordered_keys, run_ends
from mlsys.domain.strategies.sizes import folds_of, wanted_parts
from mlsys.domain.strategies.texts import HASH, Hashes, hash_rows

MAX_GROUPS = 5_000_000
WAITING_GROUPS = 2**20
CHUNK_KEYS = 2**18


class GroupedRows:
    """Groups go to parts one by one, the large ones first, so that the shares come out even.

    Groups are taken by size, in classes of powers of two, and within a class by a hash of the
    seed and their key. Each goes to the part that is the least full for its ratio, of those that
    have room for it; if none has, to the one that it overfills the least. The last ones go to
    parts that are still empty. Folds are filled likewise from the groups of train, each to the
    fold of fewest rows.

    A group's key has 64 bits: a number or time itself, or the hash of a text. Two texts of one
    hash, of which there is hardly ever a pair, count as one group.
    """

    needs: Needs = "columns"
    step = 1

    def __init__(self, plan: Plan) -> None:
        self._plan, self._params, self._group = plan, plan.params, plan.group
        self.columns: Sequence[str] = (plan.group,)
        self._folds = folds_of(plan.params)
        self._begin()

    def survey(self, block: pl.DataFrame, start: int, numbers: Numbers | None = None, /) -> None:
        """Count the rows of each group."""
        if start == 0:
            self._begin()
        self._missing.note(block[self._group].is_null(), start, numbers)
        self._counts.add(_keys(block, self._group))

    def settle(self, _rows: int, /) -> None:
        """Give each group its part.

        Raises:
            InvalidInput: a row has no group, or there are fewer groups than parts or folds.
            TooLarge: there are more than 5,000,000 groups.
        """
        self._missing.refuse(f"{self._params.strategy} wants a group in every row")
        self._keys, rows = self._counts.groups()
        drawn = _drawn(self._keys, seed=self._params.seed)
        order = np.lexsort((self._keys, drawn, -np.frexp(rows.astype(np.float64))[1]))
        sizes = rows[order]
        codes = self._parts(sizes)
        folds = np.full(len(sizes), NOWHERE, dtype=np.int8)
        if self._folds is not None:
            learnt = np.flatnonzero(codes == 0)
            if len(learnt) < self._folds:
                raise InvalidInput(
                    f"{self._folds} folds want as many groups of {self._group!r} in train, and "
                    f"it gets {len(learnt)} of {len(sizes)}"
                )
            folds[learnt] = _evenly(sizes[learnt], self._folds)
        self._codes, self._fold_codes = np.empty_like(codes), np.empty_like(folds)
        self._codes[order], self._fold_codes[order] = codes, folds

    def assign(
        self, block: pl.DataFrame, _start: int, _numbers: Numbers | None = None, /
    ) -> Assigned:
        """Look the groups up."""
        keys = _keys(block, self._group)
        rising = np.argsort(keys)
        places = np.empty_like(keys)
        places[rising] = np.searchsorted(self._keys, keys[rising])
        folds = None if self._folds is None else self._fold_codes[places]
        return Assigned(self._codes[places], folds)

    def finish(self) -> None:
        """Find nothing wrong: groups were settled before."""

    def describe(self) -> Json:
        """Say how many groups each part has, and how they are ordered."""
        found = np.bincount(self._codes, minlength=len(PARTS)).tolist()
        folds = {} if self._folds is None else {"n_splits": self._folds}
        return {
            "group_column": self._group,
            "groups": dict(zip(PARTS, found, strict=True)),
            "order": "size in powers of two, falling; hash of seed and key, rising",
            "key": "integer, days or microseconds since 1970, or hash of the text",
            "hash": HASH,
        } | folds

    def _begin(self) -> None:
        self._missing = BadRows(self._group, self._plan)
        self._counts = GroupCounts(self._group)

    def _parts(self, sizes: Numbers) -> Codes:
        ratios = self._params.ratios.exact()
        wanted = wanted_parts(self._params)
        if len(sizes) < len(wanted):
            raise InvalidInput(
                f"{len(sizes)} group(s) of {self._group!r} are too few for "
                f"{len(wanted)} parts: {', '.join(wanted)}"
            )
        places = _by_shares(sizes, [float(ratios[part]) for part in wanted])
        return np.array([PARTS.index(part) for part in wanted], dtype=np.int8)[places]


class GroupCounts:
    """Rows of each group, by its key, in 16 bytes for each."""

    def __init__(self, column: str) -> None:
        self._column = column
        self._keys = np.empty(0, dtype=np.int64)
        self._rows = np.empty(0, dtype=np.int64)
        self._waiting: list[tuple[Numbers, Numbers]] = []
        self._waiting_groups = 0

    def add(self, keys: Numbers) -> None:
        """Count the rows of a block. Raises TooLarge: over 5,000,000 groups."""
        distinct, rows = np.unique(keys, return_counts=True)
        self._waiting.append((distinct, rows))
        self._waiting_groups += len(distinct)
        if self._waiting_groups > max(WAITING_GROUPS, len(self._keys)):
            self._merge()

    def groups(self) -> tuple[Numbers, Numbers]:
        """Return the keys of all groups, rising, and their rows. Raises TooLarge."""
        self._merge()
        return self._keys, self._rows

    def _merge(self) -> None:
        kept = [(self._keys, self._rows), *self._waiting]
        self._waiting, self._waiting_groups = [], 0
        keys = np.concatenate([one for one, _ in kept])
        rows = np.concatenate([one for _, one in kept])
        order = np.argsort(keys)
        keys = keys[order]
        ends = np.flatnonzero(run_ends(keys))
        self._keys = keys[ends]
        self._rows = np.diff(np.cumsum(rows[order])[ends], prepend=0)
        if len(self._keys) > MAX_GROUPS:
            raise TooLarge(
                f"group keeps at most {MAX_GROUPS:,} groups together, and {self._column!r} has "
                "more: take hash, with it as key column"
            )


def _keys(block: pl.DataFrame, column: str) -> Numbers:
    if is_ordered(block.schema[column]):
        return ordered_keys(block[column])
    return hash_rows(block, [column]).view(np.int64)


def _drawn(keys: Numbers, *, seed: int) -> Hashes:
    """Hash the seed and each key, some at a time."""
    some = [keys[start : start + CHUNK_KEYS] for start in range(0, len(keys), CHUNK_KEYS)]
    return np.concatenate(
        [hash_rows(pl.DataFrame({"key": one}), ["key"], prefix=str(seed)) for one in some]
        or [np.empty(0, dtype=np.uint64)]
    )


def _by_shares(sizes: Numbers, shares: Sequence[float]) -> Codes:
    """Put each size where there is room for it and the load, for its share, is the least."""
    every = range(len(shares))
    room = [share * float(sizes.sum()) for share in shares]
    loads, fill = [0] * len(shares), [0.0] * len(shares)
    found = bytearray()
    for left, size in zip(count(len(sizes), -1), sizes.tolist()):
        places = [place for place in every if loads[place] + size <= room[place]]
        if left <= len(shares) and left <= loads.count(0):
            places = [place for place in every if not loads[place]]
        if places:
            best = min(places, key=fill.__getitem__)
        else:
            best = min(every, key=lambda place: (loads[place] + size) / shares[place])
        loads[best] += size
        fill[best] = loads[best] / shares[best]
        found.append(best)
    return np.frombuffer(found, dtype=np.int8)


def _evenly(sizes: Numbers, count: int) -> Codes:
    """Put each size where the load is the least; where it is equal, in the lowest place."""
    loads = [(0, place) for place in range(count)]
    found = bytearray()
    for size in sizes.tolist():
        load, place = loads[0]
        heapreplace(loads, (load + size, place))
        found.append(place)
    return np.frombuffer(found, dtype=np.int8)
