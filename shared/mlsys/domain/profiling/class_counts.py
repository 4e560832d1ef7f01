"""The classes of the target in each part: which are absent, and whose shares differ."""

from collections import Counter
from math import erfc, sqrt

import polars as pl

from mlsys.domain.choices import TaskType
from mlsys.domain.profiling.row_samples import CUT, shortened
from mlsys.domain.records import PARTS, Part
from mlsys.domain.report import Leak
from mlsys.domain.split_records import ColumnType

MAX_CLASSES = 1_000
FEW_INTEGERS = 20
FEW_FLOATS = 2
ROWS_PER_INTEGER = 5
FALSE_ALARMS = 0.001
"""Of splits at random, the share in which some class is said to differ."""
MIN_EXPECTED = 5
RATIO = 1.25
"""That two shares must be apart to be worth a word, however sure it is that they differ."""
NAMED = 10


class ClassCounts:
    """How many rows of each part have each value of the target, while there are few values."""

    def __init__(self) -> None:
        self._counts: dict[Part, Counter[object]] | None = {part: Counter() for part in PARTS}

    def look(self, part: Part, cells: pl.Series) -> None:
        """See the next targets of a part."""
        if self._counts is None:
            return
        known = cells.drop_nulls().to_frame("value")
        if cells.dtype == pl.String():
            known = known.select(shortened(pl.col("value")))
        counted = known["value"].value_counts()
        if counted.height <= MAX_CLASSES:
            self._counts[part].update(dict(counted.iter_rows()))
        if counted.height > MAX_CLASSES or len(self._counts[part]) > MAX_CLASSES:
            self._counts = None

    def by_part(
        self, type: ColumnType, task: TaskType | None
    ) -> dict[Part, Counter[object]] | None:
        """Return the counts of the parts that have rows; None if the target is no class.

        What is not told to be a class is one if it is text or boolean, or has few values.
        """
        if self._counts is None or task is TaskType.REGRESSION:
            return None
        total = sum(self._counts.values(), Counter[object]())
        few = FEW_INTEGERS if type is ColumnType.INTEGER else FEW_FLOATS
        if (
            task is TaskType.CLASSIFICATION
            or type in {ColumnType.TEXT, ColumnType.BOOLEAN}
            or (len(total) <= few and ROWS_PER_INTEGER * len(total) <= total.total())
        ):
            return {part: counts for part, counts in self._counts.items() if counts}
        return None


def find_absent_classes(
    counts: dict[Part, Counter[object]], *, target: str, hidden: bool
) -> list[Leak]:
    """Name the classes that a part lacks and another has; `hidden` ones are only counted."""
    total = sum(counts.values(), Counter[object]())
    leaks = []
    for part, there in counts.items():
        absent = [value for value in total if value not in there]
        if absent:
            named = f"{len(absent)} class(es)" if hidden else _named(absent)
            message = (
                f"{part} has no row of {named} of the target {target!r}, which other parts have: "
                "split stratified, or leave too rare classes out"
            )
            leaks.append(Leak(kind="class_absent", columns=[target], message=message))
    return leaks


def find_class_shares(
    counts: dict[Part, Counter[object]], *, target: str, hidden: bool
) -> list[Leak]:
    """Name in each part the class whose share differs most from that in train.

    A two-sided test of two proportions per class and part (corrected for their number), and
    shares at least a quarter apart.
    """
    train = counts.get("train", Counter())
    others = {part: there for part, there in counts.items() if part != "train"}
    tests = max(1, sum(len(train | there) for there in others.values()))
    leaks = []
    for part, there in others.items():
        judged = {
            value: _surprise((train[value], train.total()), (there[value], there.total()))
            for value in train | there
        }
        differ = {
            value: z for value, z in judged.items() if erfc(z / sqrt(2)) * tests <= FALSE_ALARMS
        }
        if differ:
            worst = max(differ, key=lambda value: (differ[value], str(value)))
            named = "one class" if hidden else _named([worst])
            here, learnt = there[worst] / there.total(), train[worst] / train.total()
            message = (
                f"{named} of the target {target!r} is {here:.1%} of {part} and "
                f"{learnt:.1%} of train"
                + (f" (so differ {len(differ)} classes)" if len(differ) > 1 else "")
                + ": split stratified, unless the parts are meant to differ"
            )
            leaks.append(Leak(kind="class_shares", columns=[target], message=message))
    return leaks


def _surprise(one: tuple[int, int], other: tuple[int, int]) -> float:
    """Return how many standard deviations two shares are apart; 0 if that is not worth a word."""
    (a, n), (b, m) = one, other
    pooled = (a + b) / (n + m)
    if min(pooled, 1 - pooled) * min(n, m) < MIN_EXPECTED:
        return 0
    if max(a * m, b * n) < RATIO * min(a * m, b * n):
        return 0
    return abs(a / n - b / m) / sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))


def _named(values: list[object]) -> str:
    shown = [repr(str(value).split(CUT)[0][:80]) for value in sorted(values, key=str)[:NAMED]]
    more = f" and {len(values) - NAMED} more" if len(values) > NAMED else ""
    return f"class {', '.join(shown)}{more}"
