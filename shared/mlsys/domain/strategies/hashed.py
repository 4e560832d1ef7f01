"""`hash`: a row's part follows from its keys alone, so that it keeps it when the table grows."""

from math import ceil

import numpy as np
import polars as pl

from mlsys.domain.records import PARTS, Json
from mlsys.domain.strategies.base import (
    NOWHERE,
    Assigned,
    Assigner,
    BadRows,
    Numbers,
    Plan,
    Tally,
)
from mlsys.domain.strategies.texts import HASH, hash_rows

WHOLE = 2**64


class HashedKeys(Assigner):
    """The hash of the keys, as a fraction of 2^64, falls into the share of one part.

    Key columns are taken in the order of their names.
    """

    def __init__(self, plan: Plan) -> None:
        self.columns = tuple(sorted(set(plan.keys)))
        ratios = plan.params.ratios.exact()
        self._bounds = [ratios["train"], ratios["train"] + ratios["val"]]
        self._plan = plan
        self._begin()

    def assign(
        self, block: pl.DataFrame, start: int, numbers: Numbers | None = None, /
    ) -> Assigned:
        """Say where the rows go, by their keys alone."""
        if start == 0:
            self._begin()
        hashes = hash_rows(block, self.columns)
        bounds = np.array([ceil(bound * WHOLE) for bound in self._bounds], dtype=np.uint64)
        codes = np.searchsorted(bounds, hashes, side="right").astype(np.int8)
        nameless = block.select(pl.all_horizontal(pl.col(self.columns).is_null())).to_series()
        self._nameless.note(nameless, start, numbers)
        codes[nameless.to_numpy()] = NOWHERE
        self._tally.add(codes)
        return Assigned(codes)

    def finish(self) -> None:
        """Raise InvalidInput if a row has no key at all, or a part no row."""
        self._nameless.refuse("hash wants a key in every row")
        self._tally.refuse_empty("hash shares rows only nearly; for so few take random")

    def describe(self) -> Json:
        """Name the hash, and what of it is whose."""
        bounds = [f"{bound.numerator}/{bound.denominator}" for bound in self._bounds]
        return {
            "hash": HASH,
            "key_columns": list(self.columns),
            "hash_below": dict(zip(PARTS, [*bounds, "1/1"], strict=True)),
        }

    def _begin(self) -> None:
        self._nameless = BadRows(", ".join(self.columns), self._plan)
        self._tally = Tally()
