"""From rows to the numeric matrix that a library gets, as train taught it. Needs no Polars.

A `Plan` is stored beside the model as `preprocess.json`; encoding.py makes it from the train
rows and codes whole tables. The same row gives the same bits, here and there:

- a number is itself, a boolean 0 or 1, a time its days since 1970 in UTC;
- a category is its place in the sorted vocabulary, and one code further if it is not in there;
- what is missing is NaN. Nothing is filled in.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import StrictBool, StrictInt, StrictStr

from mlsys.domain.errors import InvalidInput, Violation
from mlsys.domain.learners.base import Floats, Task, TaskKind
from mlsys.domain.records import Record

FEATURE_SCHEMA_VERSION = 1
MAX_VIOLATIONS = 100
MAX_SHOWN = 80
MAX_NAMES = 10
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECONDS_PER_DAY = 86_400_000_000.0

Kind = Literal["numeric", "boolean", "category", "datetime"]
Label = StrictBool | StrictInt | StrictStr
Direction = Literal[-1, 0, 1]


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

    @property
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

    @property
    def categorical(self) -> tuple[bool, ...]:
        """(k,) whether a column of the matrix holds codes."""
        return tuple(feature.kind == "category" for feature in self.features)

    @property
    def monotone(self) -> tuple[int, ...]:
        """(k,) along which columns a prediction may only rise or fall; () if nowhere."""
        directions = tuple(feature.monotone for feature in self.features)
        return directions if any(directions) else ()


class Encoded(NamedTuple):
    """A matrix of (n, k), and what a caller should know about it, one sentence each."""

    matrix: Floats
    warnings: list[str]


def encode_rows(plan: Plan, rows: Sequence[Any]) -> Encoded:
    """Turn rows, as JSON gives them, into the matrix.

    Columns are found by name. A number is not a boolean, nor the other way round; a time is text
    as in RFC 3339 (UTC is meant where no offset stands, midnight where no time does). A category
    that is not in the vocabulary is coded as unknown, a column that is no feature is ignored;
    both are told in the warnings.

    Args:
        plan: as train taught it.
        rows: n >= 0 objects; a nullable feature may be null or absent.

    Raises:
        InvalidInput: anything else. All problems are told at once (the first 100 of them), each
            with its place: `instances[3].age`.

    >>> age = Feature(name="age", kind="numeric", nullable=True)
    >>> plan = Plan(features=(age,), target="y", task_kind="regression")
    >>> encode_rows(plan, [{"age": 41}, {}]).matrix.tolist()
    [[41.0], [nan]]

    """
    if not all(isinstance(row, Mapping) for row in rows):
        raise _refusal(_misshapen(rows))
    matrix = np.empty((len(rows), len(plan.features)))
    warnings, unfit = [], []
    for column, feature in enumerate(plan.features):
        values = [row.get(feature.name) for row in rows]
        try:
            matrix[:, column] = _ENCODERS[feature.kind](feature, values)
        except _Unfit:
            unfit.append(feature)
            continue
        if feature.kind == "category" and feature.unknown in matrix[:, column]:
            warnings.append(_unseen(feature, values))
    if unfit:
        raise _refusal(_problems(unfit, rows))
    return Encoded(matrix, [*warnings, *_extra(plan, rows)])


class _Unfit(Exception):
    """Some value is not of the feature's kind; it says what was expected."""


def _numbers(feature: Feature, values: list[Any]) -> Floats:
    _check_types(feature, values, {int, float}, expected="a number")
    try:
        column = np.array(values, dtype=np.float64)
    except OverflowError as error:
        raise _Unfit("a number below 1.8e308") from error
    if np.isfinite(column).sum() != len(values) - values.count(None):
        raise _Unfit("a finite number")
    return column


def _booleans(feature: Feature, values: list[Any]) -> Floats:
    _check_types(feature, values, {bool}, expected="true or false")
    return np.array(values, dtype=np.float64)


def _categories(feature: Feature, values: list[Any]) -> Floats:
    _check_types(feature, values, {str}, expected="text")
    known, unknown = feature.codes, feature.unknown
    return np.array([np.nan if word is None else known.get(word, unknown) for word in values])


def _times(feature: Feature, values: list[Any]) -> Floats:
    expected = "a date or time such as 2024-01-31T12:00:00Z"
    _check_types(feature, values, {str}, expected=expected)
    try:
        return np.array([np.nan if text is None else _days(text) for text in values])
    except ValueError as error:
        raise _Unfit(expected) from error


_ENCODERS: dict[Kind, Callable[[Feature, list[Any]], Floats]] = {
    "numeric": _numbers,
    "boolean": _booleans,
    "category": _categories,
    "datetime": _times,
}


def _check_types(feature: Feature, values: list[Any], types: set[type], *, expected: str) -> None:
    """Compare exact types: a boolean is an int for Python, but not for us."""
    allowed = types | {type(None)} if feature.nullable else types
    if not set(map(type, values)) <= allowed:
        raise _Unfit(expected)


def _days(text: str) -> float:
    moment = datetime.fromisoformat(text)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return float((aware - EPOCH) // timedelta(microseconds=1)) / MICROSECONDS_PER_DAY


def _misshapen(rows: Sequence[Any]) -> Iterator[Violation]:
    for place, row in enumerate(rows):
        if not isinstance(row, Mapping):
            yield Violation(f"instances[{place}]", f"expected an object, got {_shown(row)}")


def _problems(unfit: Sequence[Feature], rows: Sequence[Mapping[str, Any]]) -> Iterator[Violation]:
    """Try each value alone, so that what was refused together is found."""
    for place, row in enumerate(rows):
        for feature in unfit:
            value = row.get(feature.name)
            if value is None and feature.nullable:
                continue
            try:
                _ENCODERS[feature.kind](feature, [value])
            except _Unfit as error:
                got = _shown(value) if feature.name in row else "no such column"
                yield Violation(
                    f"instances[{place}].{feature.name}", f"expected {error}, got {got}"
                )


def _refusal(problems: Iterator[Violation]) -> InvalidInput:
    """Make one error of the first problems; there is at least one."""
    told = tuple(islice(problems, MAX_VIOLATIONS))
    more = "at least " if len(told) == MAX_VIOLATIONS else ""
    return InvalidInput(
        f"{more}{len(told)} of the values do not fit the model's features; "
        f"{told[0].field}: {told[0].description}",
        told,
    )


def _shown(value: Any) -> str:
    """Name a JSON value in a message, briefly."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return json.dumps(value, ensure_ascii=False)[:MAX_SHOWN]


def _unseen(feature: Feature, values: Sequence[str | None]) -> str:
    unknown = Counter(word for word in values if word is not None and word not in feature.codes)
    [(example, _)] = unknown.most_common(1)
    return (
        f"{feature.name}: {unknown.total()} values are not among the "
        f"{len(feature.vocabulary)} categories known from training, such as {_shown(example)}; "
        "they were coded as unknown"
    )


def _extra(plan: Plan, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    names = {feature.name for feature in plan.features}
    extra = Counter(
        name for row in rows if not row.keys() <= names for name in sorted(row.keys() - names)
    )
    if not extra:
        return []
    some = ", ".join(_shown(name) for name, _ in extra.most_common(MAX_NAMES))
    return [f"{len(extra)} columns are no features of this model and were ignored: {some}"]
