"""`random` in one pass: so many rows in their order after each other are drawn from by themselves.

The shares of each window are exact, so it need not be known how many rows will come; and rows that
lie together, sorted by time or class, are spread over the parts more evenly than by one draw
from all (permuted blocks, as trials in medicine are randomised).
"""

import numpy as np
import polars as pl

from mlsys.domain.records import PARTS, Json, Part
from mlsys.domain.strategies.base import Assigned, Assigner, Codes, Numbers, Plan
from mlsys.domain.strategies.draws import DRAW, Draws, Ranks
from mlsys.domain.strategies.rows import RandomRows
from mlsys.domain.strategies.sizes import apportioned, check_none_is_empty

WINDOW_ROWS = 65_536


def random_rows(plan: Plan) -> Assigner:
    """Draw window by window; sizes in rows are only met by a draw from all."""
    sized = plan.params.train_only or plan.params.test_only
    return RandomRows(plan) if sized else WindowedRows(plan)


class WindowedRows(Assigner):
    """In every window the rows of lowest rank are train, the highest are test."""

    step = WINDOW_ROWS

    def __init__(self, plan: Plan) -> None:
        self._params = plan.params
        self._ratios = plan.params.ratios.exact()
        self._draws = Draws(plan.params.seed)
        self._given: dict[Part, int] = dict.fromkeys(PARTS, 0)

    def assign(
        self, block: pl.DataFrame, start: int, _numbers: Numbers | None = None, /
    ) -> Assigned:
        """Say where the rows go, by their numbers alone."""
        if start == 0:
            self._given = dict.fromkeys(PARTS, 0)
        ranks = self._draws.ranks(start, block.height)
        codes = np.empty(block.height, np.int8)
        for at in range(0, block.height, self.step):
            window = ranks[at : at + self.step]
            codes[at : at + self.step] = _codes(window, self._shared(start + at, len(window)))
        return Assigned(codes)

    def finish(self) -> None:
        """Look back. Raises InvalidInput: the rows are too few."""
        check_none_is_empty(self._given, self._params)

    def describe(self) -> Json:
        """Name the draw, and how many rows are drawn from together."""
        return {"draw": DRAW, "window_rows": self.step}

    def _shared(self, start: int, count: int) -> list[int]:
        """Share a window so that all rows up to its end are shared as nearly as they can be."""
        exact = {part: (start + count) * share for part, share in self._ratios.items()}
        missing = {part: exact[part] - self._given[part] for part in PARTS}
        sizes = apportioned(count, missing)
        for part in PARTS:
            self._given[part] += sizes[part]
        return [sizes[part] for part in PARTS]


def _codes(ranks: Ranks, sizes: list[int]) -> Codes:
    """Give the rows of lowest rank to train; of two with the same rank the earlier comes first."""
    train, val, _ = sizes
    if train:
        last = np.partition(ranks, [train - 1, train + val - 1])
        codes: Codes = (ranks > last[train - 1]).view(np.int8)
        codes += ranks > last[train + val - 1]
        if np.bincount(codes, minlength=len(PARTS)).tolist() == sizes:
            return codes
    codes = np.empty(len(ranks), np.int8)
    in_order = np.repeat(np.arange(len(PARTS), dtype=np.int8), sizes)
    codes[np.argsort(ranks, kind="stable")] = in_order
    return codes
