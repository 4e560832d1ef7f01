"""How rows become the numeric matrix that a library gets, as train taught it.

A `Plan` is stored beside the model as `preprocess.json`; planning.py makes it from the train rows.
row_encoding.py codes rows by it, encoding.py whole tables. The same row gives the same bits, here
and there:

- a number is itself, a boolean 0 or 1, a time its days since 1970 in UTC;
- a category is its place in the sorted vocabulary, and one code further if it is not in there;
- what is missing is NaN. Nothing is filled in.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any, Literal

from pydantic import StrictBool, StrictInt, StrictStr

from mlsys.domain.learners.base import Task, TaskKind
from mlsys.domain.records import Record

FEATURE_SCHEMA_VERSION = 1
MICROSECONDS_PER_DAY = 86_400_000_000.0

Kind = Literal["numeric", "boolean", "category", "datetime"]
Label = StrictBool | StrictInt | StrictStr
Direction = Literal[-1, 0, 1]


TYPES: dict[Kind, frozenset[type]] = {
    "numeric": frozenset({int, float}),
    "boolean": frozenset({bool}),
    "category": frozenset({str}),
    "datetime": frozenset({str}),
}
"""Of JSON's values, as Python reads them; exactly, for there a boolean is an int."""


class Feature(Record):
    """One column of the matrix. `vocabulary` is sorted, and empty unless it is a category.

    `monotone` is 1 if a prediction may only rise along it, -1 if it may only fall.
    """

    name: str
    kind: Kind
    nullable: bool
    vocabulary: tuple[str, ...] = ()
    monotone: Direction = 0

    @cached_property
    def codes(self) -> dict[str, float]:
        """The code of each known category."""
        return {word: float(code) for code, word in enumerate(self.vocabulary)}

    @cached_property
    def unknown(self) -> float:
        """The one code of all categories that are not in the vocabulary."""
        return float(len(self.vocabulary))


class LeftOut(Record):
    """A column that is not used, and why."""

    name: str
    reason: str


class Plan(Record):
    """How rows become numbers; `labels` are the classes in our order, none for a regression.

    `weight` is the column that says how much a row counts in training, `class_weights` what the
    rows of each class count besides.
    """

    feature_schema_version: int = FEATURE_SCHEMA_VERSION
    features: tuple[Feature, ...]
    target: str
    task_kind: TaskKind
    labels: tuple[Label, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    weight: str | None = None
    class_weights: tuple[float, ...] = ()

    @property
    def task(self) -> Task:
        """What the learners are asked for."""
        return Task(self.task_kind, len(self.labels))

    @cached_property
    def pick(self) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
        """What takes the values of all features out of a row. It raises KeyError."""
        names = [feature.name for feature in self.features]
        if len(names) > 1:
            return itemgetter(*names)
        return lambda row: [row[name] for name in names]

    @cached_property
    def types(self) -> tuple[frozenset[type], ...]:
        """(k,) Python's types of what JSON may give for each feature."""
        return tuple(
            TYPES[one.kind] | ({type(None)} if one.nullable else set()) for one in self.features
        )

    @cached_property
    def spelt(self) -> tuple[int, ...]:
        """Where those stand that are sent as text."""
        text = {"category", "datetime"}
        return tuple(place for place, one in enumerate(self.features) if one.kind in text)

    @property
    def categorical(self) -> tuple[bool, ...]:
        """(k,) whether a column of the matrix holds codes."""
        return tuple(feature.kind == "category" for feature in self.features)

    @property
    def monotone(self) -> tuple[int, ...]:
        """(k,) along which columns a prediction may only rise or fall; () if nowhere."""
        directions = tuple(feature.monotone for feature in self.features)
        return directions if any(directions) else ()
