"""`random` and `kfold`: every row is as likely as any other to be in a part."""

import polars as pl

from mlsys.domain.records import Json
from mlsys.domain.strategies.base import Assigned, Assigner, Needs, Numbers, Plan
from mlsys.domain.strategies.draws import DRAW, Cuts, Draws
from mlsys.domain.strategies.sizes import folds_of, layout, sizes


class RandomRows(Assigner):
    """The rows of lowest rank are train (its folds, one after the other), the highest are test."""

    needs: Needs = "rows"

    def __init__(self, plan: Plan) -> None:
        self._params = plan.params
        self._folds = folds_of(plan.params)

    def settle(self, rows: int, /) -> None:
        """Draw. Raises InvalidInput: the rows are too few."""
        self._layout = layout(sizes(rows, self._params), folds=self._folds)
        self._cuts = Cuts(Draws(self._params.seed), origin=0, ends=self._layout.ends)

    def assign(
        self, block: pl.DataFrame, start: int, _numbers: Numbers | None = None, /
    ) -> Assigned:
        """Say where the rows go, by their numbers alone."""
        segments = self._cuts.segments(start, block.height)
        folds = None if self._folds is None else self._layout.folds[segments]
        return Assigned(self._layout.codes[segments], folds)

    def finish(self) -> None:
        """Find nothing wrong: sizes were settled before."""

    def describe(self) -> Json:
        """Name the draw."""
        return {"draw": DRAW} | ({} if self._folds is None else {"n_splits": self._folds})
