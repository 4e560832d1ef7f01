"""`stratified` and `stratified_kfold`: each class is shared as if it were a table of its own."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from mlsys.domain.errors import InvalidInput, Violation
from mlsys.domain.records import Json, Part
from mlsys.domain.strategies.base import (
    MAX_ROWS_NAMED,
    MAX_ROWS_TOLD,
    MAX_VALUE,
    NOWHERE,
    Assigned,
    BadRows,
    Needs,
    Numbers,
    Plan,
)
from mlsys.domain.strategies.classes import classes_of
from mlsys.domain.strategies.draws import DRAW, PLACE, Cuts, Draws, place_of
from mlsys.domain.strategies.sizes import Layout, class_sizes, folds_of, layout, wanted_parts


class StratifiedRows:
    """Of each class the rows of lowest rank are train, the highest are test.

    A row's rank follows from the seed, its class, and how many rows of the class come before it:
    so one count per class is all there is to remember.
    """

    needs: Needs = "columns"
    step = 1

    def __init__(self, plan: Plan) -> None:
        self._plan, self._params, self._target = plan, plan.params, plan.target
        self.columns: Sequence[str] = (plan.target,)
        self._folds = folds_of(plan.params)
        self._sensitive = plan.target in plan.sensitive
        self._told = False
        self._begin()

    def survey(self, block: pl.DataFrame, start: int, numbers: Numbers | None = None, /) -> None:
        """Count the classes."""
        if start == 0:
            self._begin()
        target = block[self._target]
        self._missing.note(target.is_null(), start, numbers)
        known = target.drop_nulls()
        if not self._told and known.len():
            self._told = True
            self._classes = classes_of(known, self._params.bins)
        self._classes.add(known)

    def settle(self, _rows: int, /) -> None:
        """Draw for each class. Raises InvalidInput: a class is missing, too small, or too many."""
        self._missing.refuse("stratified wants a target in every row")
        rows = self._classes.rows()
        sizes = class_sizes(list(rows.values()), self._params)
        self._refuse_small(dict(zip(rows, sizes, strict=True)))

        draws = Draws(self._params.seed)
        first = 0
        self._layouts: list[Layout] = []
        self._cuts: list[Cuts] = []
        for name, shared in zip(rows, sizes, strict=True):
            laid = layout(shared, folds=self._folds, first=first)
            first += shared["train"] % (self._folds or 1)
            self._layouts.append(laid)
            self._cuts.append(Cuts(draws, origin=place_of(name), ends=laid.ends))
        self._seen = [0] * len(rows)

    def assign(
        self, block: pl.DataFrame, start: int, _numbers: Numbers | None = None, /
    ) -> Assigned:
        """Say where the rows go, class by class."""
        if start == 0:
            self._seen = [0] * len(self._cuts)
        codes = np.full(block.height, NOWHERE, dtype=np.int8)
        folds = np.full(block.height, NOWHERE, dtype=np.int8)
        classes = self._classes.numbers(block[self._target])
        order = np.argsort(classes, kind="stable")
        counts = np.bincount(classes, minlength=len(self._cuts))
        ends = np.cumsum(counts)
        for at in np.flatnonzero(counts).tolist():
            rows = order[ends[at] - counts[at] : ends[at]]
            segments = self._cuts[at].segments(self._seen[at], len(rows))
            codes[rows] = self._layouts[at].codes[segments]
            folds[rows] = self._layouts[at].folds[segments]
            self._seen[at] += len(rows)
        return Assigned(codes, folds if self._folds else None)

    def finish(self) -> None:
        """Find nothing wrong: sizes were settled before."""

    def describe(self) -> Json:
        """Name the draw and the classes; of a sensitive target only how many there are."""
        folds = {} if self._folds is None else {"n_splits": self._folds}
        told = {"classes": len(self._cuts)} if self._sensitive else self._classes.describe()
        return {"draw": f"{DRAW}, per class from {PLACE}"} | folds | told

    def _begin(self) -> None:
        self._missing = BadRows(self._target, self._plan)
        self._told = False
        self._classes = classes_of(pl.Series(self._target), None)

    def _refuse_small(self, sizes: Mapping[str, Mapping[Part, int]]) -> None:
        wanted = wanted_parts(self._params)
        least = self._folds or 1
        refused = [
            f"{self._called(name)} has {sum(shared.values())} row(s)"
            for name, shared in sizes.items()
            if shared["train"] < least or not all(shared[part] for part in wanted)
        ]
        if refused:
            ratios = self._params.ratios.exact()
            folds = f" and in each of {self._folds} folds" if self._folds else ""
            raise InvalidInput(
                f"{len(refused)} class(es) of {self._target!r} cannot be in each part{folds} with "
                f"ratios {', '.join(f'{part} {float(one):g}' for part, one in ratios.items())}: "
                + "; ".join(refused[:MAX_ROWS_TOLD]),
                tuple(Violation(self._target, one) for one in refused[:MAX_ROWS_NAMED]),
            )

    def _called(self, name: str) -> str:
        return "a class" if self._sensitive else f"class {name[:MAX_VALUE]!r}"
