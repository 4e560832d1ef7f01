"""`time`: train comes before val, and val before test."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import polars as pl

from mlsys.domain.errors import InvalidInput
from mlsys.domain.records import PARTS, Json
from mlsys.domain.strategies.base import NOWHERE, Assigned, BadRows, Needs, Numbers, Plan
from mlsys.domain.strategies.ordered import OrderedColumn, Steps, ordered_keys, value_of
from mlsys.domain.strategies.sizes import sizes

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)


class OrderedRows:
    """The earliest rows are train, the latest test; rows of one time are never parted.

    Train and test have their exact shares of all rows, as nearly as times that stand in several
    rows allow it. A gap after train, and one after val, is taken out of val.
    """

    needs: Needs = "columns"
    step = 1

    def __init__(self, plan: Plan) -> None:
        self._plan, self._params, self._column = plan, plan.params, plan.time
        self.columns: Sequence[str] = (plan.time,)
        self._begin()

    def survey(self, block: pl.DataFrame, start: int, numbers: Numbers | None = None, /) -> None:
        """Count the times."""
        if start == 0:
            self._begin()
        times = block[self._column]
        self._missing.note(times.is_null(), start, numbers)
        self._times.add(times)

    def settle(self, rows: int, /) -> None:
        """Find the last time of train and of val.

        Raises:
            InvalidInput: a time is missing, the column is not one of times, or a part would be
                empty.
        """
        self._missing.refuse("time wants a time in every row")
        if not self._times.ordered:
            raise InvalidInput(
                f"time goes by dates, times or numbers, and {self._column!r} is none: write "
                "them as 2026-11-01 or 2026-11-01T12:00:00Z, or give the column its type in the "
                "contract"
            )
        wanted = sizes(rows, self._params)
        steps = self._times.steps()
        if len(steps.lasts) < len(PARTS):
            raise InvalidInput(
                f"{len(steps.lasts)} different time(s) in {self._column!r} are too few for "
                f"{len(PARTS)} parts"
            )
        gap = self._gap()
        up_to = np.cumsum(steps.counts)
        first = int(np.argmin(np.abs(up_to[:-2] - wanted["train"])))
        second = self._end_of_val(steps, first=first, gap=gap, rows_before=rows - wanted["test"])
        until = steps.lasts[[first, second]].tolist()
        self._bounds = [until[0], until[0] + gap, until[1], until[1] + gap]
        self._parted = [int(steps.counts[at]) for at in (first, second)]
        self._width = 2**steps.shift

    def assign(
        self, block: pl.DataFrame, _start: int, _numbers: Numbers | None = None, /
    ) -> Assigned:
        """Say where the rows go, by their times alone."""
        keys = ordered_keys(block[self._column])
        codes = np.full(block.height, NOWHERE, dtype=np.int8)
        train_until, val_after, val_until, test_after = self._bounds
        codes[keys <= train_until] = 0
        codes[(keys > val_after) & (keys <= val_until)] = 1
        codes[keys > test_after] = 2
        return Assigned(codes)

    def finish(self) -> None:
        """Find nothing wrong: times were settled before."""

    def describe(self) -> Json:
        """Say where the parts begin and end.

        `steps_at_ends` has the rows that share the last time of train, and of val; times count as
        one where they differ by less than `step_width`.
        """
        names = ("train_until", "val_after", "val_until", "test_after")
        found = [value_of(bound, self._times.dtype) for bound in self._bounds]
        return {
            "time_column": self._column,
            **dict(zip(names, found, strict=True)),
            "gap_seconds": (self._params.gap or timedelta(0)).total_seconds(),
            "steps_at_ends": self._parted,
            "step_width": self._width,
        }

    def _begin(self) -> None:
        self._missing = BadRows(self._column, self._plan)
        self._times = OrderedColumn()

    def _gap(self) -> int:
        """Return the gap in the unit of the keys."""
        gap, dtype = self._params.gap, self._times.dtype
        if gap is None:
            return 0
        if not dtype.is_temporal():
            raise InvalidInput(
                f"gap is for dates and times, and {self._column!r} holds numbers: give the column "
                "the type date or datetime in the contract, or leave the gap out"
            )
        return gap // (DAY if isinstance(dtype, pl.Date) else MICROSECOND)

    def _end_of_val(self, steps: Steps, *, first: int, gap: int, rows_before: int) -> int:
        """Find the step after which, and after a gap, test has its share; return its place."""
        ends = steps.lasts[first + 1 : -1]
        until, latest = int(steps.lasts[first]), int(steps.lasts[-1])
        passed = np.cumsum(steps.counts)[np.searchsorted(steps.lasts, ends + gap, side="right") - 1]
        possible = np.flatnonzero((ends > until + gap) & (ends + gap < latest))
        if not len(possible):
            told = [value_of(key, self._times.dtype) for key in (until, latest)]
            raise InvalidInput(
                f"a gap of {self._params.gap} is too long: train ends at {told[0]} and the table "
                f"at {told[1]}, so that val or test would have no row"
            )
        best = np.argmin(np.abs(passed[possible] - rows_before))
        return first + 1 + int(possible[best])
