"""From rows, as JSON gives them, to the matrix that a library gets. Needs no Polars."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from math import isfinite, nan
from operator import contains
from typing import Any, NamedTuple

import numpy as np

from mlsys.domain.errors import InvalidInput, Violation
from mlsys.domain.features import MICROSECONDS_PER_DAY, TYPES, Feature, Kind, Plan
from mlsys.domain.learners.base import Floats

MAX_VIOLATIONS = 100
MAX_SHOWN = 80
MAX_NAMES = 10
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
    kinds = set(map(type, rows))
    if kinds != {dict} and not all(issubclass(kind, Mapping) for kind in kinds):
        raise _refusal(_misshapen(rows))
    columns, complete = _columns(plan, rows)
    unfit = _of_wrong_types(plan, columns)
    coded, warnings = list(columns), []
    for place in plan.spelt:
        feature, values = plan.features[place], columns[place]
        if place in unfit:
            continue
        try:
            coded[place] = _CODERS[feature.kind](feature, values)
        except ValueError:
            unfit.add(place)
        if feature.kind == "category" and feature.unknown in coded[place]:
            warnings.append(_unseen(feature, values))
    if unfit:
        raise _refusal(_problems([plan.features[place] for place in sorted(unfit)], rows))
    matrix = _matrix(coded, rows=len(rows))
    if matrix is None:
        raise _refusal(_problems(plan.features, rows))
    if not complete or set(map(len, rows)) != {len(columns)}:
        warnings.extend(_extra(plan, rows))
    return Encoded(matrix, warnings)


def encode_row(plan: Plan, row: Any) -> list[float] | None:
    """Encode a row alone, which is sooner than by column, and needs no NumPy.

    Returns (k,) numbers as `encode_rows` does, or None where that must be asked: it tells what
    is wrong with the row, or should be known of it.
    """
    if type(row) is not dict or len(row) != len(plan.features):
        return None
    try:
        cells = list(plan.pick(row))
        if not all(map(contains, plan.types, map(type, cells))):
            return None
        for place in plan.spelt:
            feature, text = plan.features[place], cells[place]
            if text is not None:
                cells[place] = feature.codes[text] if feature.kind == "category" else _days(text)
        known = [float(cell) for cell in cells if cell is not None]
    except (KeyError, ValueError, OverflowError):
        return None
    if not isfinite(sum(known)):
        return None
    if len(known) == len(cells):
        return known
    return [nan if cell is None else float(cell) for cell in cells]


_Values = Sequence[Any]
"""Of one feature, one for each row."""


def _columns(plan: Plan, rows: Sequence[Any]) -> tuple[Sequence[_Values], bool]:
    """Return the values of each feature, and whether every row has them all."""
    if not rows:
        return [()] * len(plan.features), True
    try:
        return list(zip(*map(plan.pick, rows), strict=True)), True
    except KeyError:
        names = [feature.name for feature in plan.features]
        return list(zip(*(map(row.get, names) for row in rows), strict=True)), False


def _matrix(coded: Sequence[_Values], *, rows: int) -> Floats | None:
    """Lay columns side by side; None if a number is not finite. A missing one becomes NaN."""
    cells = [*chain.from_iterable(coded)]
    try:
        flat = np.array(cells, dtype=np.float64)
    except OverflowError:
        return None
    if any(cells[place] is not None for place in np.flatnonzero(~np.isfinite(flat)).tolist()):
        return None
    return np.ascontiguousarray(flat.reshape(len(coded), rows).T)


def _of_wrong_types(plan: Plan, columns: Sequence[_Values]) -> set[int]:
    """Compare exact types: a boolean is an int for Python, but not for us."""
    return {
        place
        for place, (types, values) in enumerate(zip(plan.types, columns, strict=True))
        if not types.issuperset(map(type, values))
    }


_EXPECTED: dict[Kind, str] = {
    "numeric": "a number",
    "boolean": "true or false",
    "category": "text",
    "datetime": "a date or time such as 2024-01-31T12:00:00Z",
}


def _categories(feature: Feature, values: _Values) -> _Values:
    codes, unknown = feature.codes, feature.unknown
    known = [*map(codes.get, values)]
    if known.count(None) == values.count(None):
        return known
    return [None if word is None else codes.get(word, unknown) for word in values]


def _times(_: Feature, values: _Values) -> _Values:
    return [None if text is None else _days(text) for text in values]


_CODERS: dict[Kind, Callable[[Feature, _Values], _Values]] = {
    "category": _categories,
    "datetime": _times,
}


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
            expected = _expected_instead(feature, value)
            if expected is not None:
                got = _shown(value) if feature.name in row else "no such column"
                yield Violation(
                    f"instances[{place}].{feature.name}", f"expected {expected}, got {got}"
                )


def _expected_instead(feature: Feature, value: Any) -> str | None:
    """Say what should stand there; None if the value fits."""
    if type(value) not in TYPES[feature.kind]:
        return _EXPECTED[feature.kind]
    if feature.kind == "numeric":
        try:
            return None if isfinite(value) else "a finite number"
        except OverflowError:
            return "a number below 1.8e308"
    if feature.kind == "datetime":
        try:
            _days(value)
        except ValueError:
            return _EXPECTED["datetime"]
    return None


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
