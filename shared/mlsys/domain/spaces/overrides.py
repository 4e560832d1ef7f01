"""What `search_space` says otherwise than the default spaces, parameter by parameter.

A number, text or truth fixes a parameter; a list is what is chosen from; an object with `low` and
`high`, and `log` or `step`, is a range: `{"max_depth": 6, "learning_rate": {"low": 0.01, "high":
0.2, "log": true}}`. Where several libraries are tuned, each has an object of its own.
"""

import json
from collections.abc import Mapping
from math import inf, isfinite
from typing import Any, TypeGuard

from mlsys.domain.choices import ModelType
from mlsys.domain.errors import InvalidInput, Violation
from mlsys.domain.features import Plan
from mlsys.domain.messages import ExperimentWish
from mlsys.domain.spaces.dimensions import Choice, Dimension, Float, Int, Value, whole_steps
from mlsys.domain.spaces.search import Space, Spaces, default_space
from mlsys.domain.spaces.tunable import NEEDS, TUNABLE, Bounds, OneOf, Real, Whole, why_not

FIELD = "search_space"
MAX_STEPS = 10_000
MAX_CHOICES = 100
MAX_SHOWN = 80
RANGE = ("low", "high", "log", "step")


def spaces_of(wish: ExperimentWish, plan: Plan | None = None) -> Spaces:
    """Return where each library is searched that the study tunes.

    With the plan of a table, what has no effect on it is left out, unless `search_space` names it.
    With the sampler Grid these are only the parameters that `search_space` names; the others stay
    at the library's default.

    Raises:
        InvalidInput: `search_space` cannot be used; everything that is wrong is told at once.
    """
    reading = _Reading(plan)
    fields = reading.by_library(wish)
    spaces = {
        model_type: reading.space(
            model_type, fields.get(model_type, {}), grid=wish.optuna_config.sampler == "Grid"
        )
        for model_type in wish.model_types
    }
    if reading.problems:
        first = reading.problems[0]
        raise InvalidInput(f"{first.field}: {first.description}", tuple(reading.problems))
    return spaces


class _Reading:
    """Reads a `search_space`, and notes what is wrong on the way."""

    def __init__(self, plan: Plan | None) -> None:
        self.problems: list[Violation] = []
        self._plan = plan

    def by_library(self, wish: ExperimentWish) -> Mapping[ModelType, Mapping[str, Any]]:
        """Give each library its own; `places` says where it stands."""
        asked = wish.search_space or {}
        if wish.model_type != "auto":
            self.places = {wish.model_types[0]: FIELD}
            return {wish.model_types[0]: asked}
        self.places = {one: f"{FIELD}.{one.value}" for one in wish.model_types}
        for name in asked:
            if name not in set(wish.model_types):
                wanted = ", ".join(wish.model_types)
                self._refuse(f"{FIELD}.{name}", f"auto wants an object for each of {wanted}")
            elif not isinstance(asked[name], Mapping):
                self._refuse(f"{FIELD}.{name}", f"expected an object, got {_shown(asked[name])}")
        return {one: asked[one] for one in wish.model_types if isinstance(asked.get(one), Mapping)}

    def space(self, model_type: ModelType, fields: Mapping[str, Any], *, grid: bool) -> Space:
        """Return the default space with what is said otherwise, in the order of the tables."""
        known, place = TUNABLE[model_type], self.places[model_type]
        for name in fields:
            if name not in known:
                self._refuse(f"{place}.{name}", why_not(model_type, name))
        said = {
            name: self._dimension(f"{place}.{name}", fields[name], bounds)
            for name, bounds in known.items()
            if name in fields
        }
        for name, (other, values) in NEEDS.items():
            if model_type is ModelType.CATBOOST and name in said:
                self._check_need(f"{place}.{name}", said.get(other), other, values)
        space = default_space(model_type, self._plan)
        if grid:
            space = {name: _fixed(_as(known[name].default, known[name])) for name in space}
        return {**space, **{name: one for name, one in said.items() if one is not None}}

    def _check_need(
        self, field: str, other: Dimension | None, name: str, values: frozenset[Value]
    ) -> None:
        if not isinstance(other, Choice) or not set(other.values) <= values:
            wanted = " or ".join(repr(one) for one in sorted(map(str, values)))
            self._refuse(field, f"needs {name} to be {wanted}: say so beside it")

    def _dimension(self, field: str, said: Any, bounds: Bounds) -> Dimension | None:
        """Read one parameter; None if it is wrong."""
        before = len(self.problems)
        if isinstance(said, Mapping):
            found = self._range(field, said, bounds)
        elif isinstance(said, list):
            found = self._choice(field, said, bounds)
        else:
            self._check_value(field, said, bounds)
            found = None if len(self.problems) > before else _fixed(_as(said, bounds))
        return found if len(self.problems) == before else None

    def _choice(self, field: str, said: list[Any], bounds: Bounds) -> Dimension | None:
        if not 1 <= len(said) <= MAX_CHOICES:
            self._refuse(field, f"expected 1 to {MAX_CHOICES} values, got {len(said)}")
        for place, value in enumerate(said):
            self._check_value(f"{field}[{place}]", value, bounds)
            if value in said[:place]:
                self._refuse(f"{field}[{place}]", f"{_shown(value)} stands twice")
        return Choice(tuple(_as(one, bounds) for one in said)) if said else None

    def _range(self, field: str, said: Mapping[str, Any], bounds: Bounds) -> Dimension | None:
        if isinstance(bounds, OneOf):
            self._refuse(field, f"has no range: expected {_told(bounds)}, or a list of these")
            return None
        before = len(self.problems)
        for name in said.keys() - set(RANGE):
            self._refuse(f"{field}.{name}", f"there is no such field; want {', '.join(RANGE)}")
        for name in ("low", "high"):
            if name not in said:
                self._refuse(f"{field}.{name}", "is required")
            else:
                self._check_value(f"{field}.{name}", said[name], bounds)
        low, high = said.get("low"), said.get("high")
        log, step = said.get("log", False), said.get("step")
        if not isinstance(log, bool):
            self._refuse(f"{field}.log", f"expected true or false, got {_shown(log)}")
        if step is not None:
            self._check_step(f"{field}.step", step, bounds, log=log)
        if _is_number(low) and _is_number(high):
            self._check_order(field, low, high, log=log)
            if len(self.problems) == before:
                return self._side(field, low, high, bounds, log=log, step=step)
        return None

    def _check_order(self, field: str, low: float, high: float, *, log: Any) -> None:
        if low >= high:
            self._refuse(f"{field}.low", f"expected less than high, {high}, got {low}")
        if log is True and low <= 0:
            self._refuse(f"{field}.low", f"log needs it above 0, got {low}")

    def _side(
        self,
        field: str,
        low: float,
        high: float,
        bounds: Bounds,
        *,
        log: bool,
        step: float | None,
    ) -> Dimension:
        if isinstance(bounds, Whole):
            size = 1 if step is None else int(step)
            return Int(int(low), int(low) + int(high - low) // size * size, log=log, step=size)
        if step is not None and (high - low) / step >= MAX_STEPS:
            self._refuse(f"{field}.step", f"makes more than {MAX_STEPS} steps: make it larger")
        elif step is not None:
            return Float(float(low), whole_steps(low, high, step), step=float(step))
        return Float(float(low), float(high), log=log)

    def _check_step(self, field: str, step: Any, bounds: Bounds, *, log: Any) -> None:
        if isinstance(bounds, Whole) and not _is_whole(step):
            self._refuse(field, f"expected a whole number, got {_shown(step)}")
        elif not _is_number(step) or step <= 0:
            self._refuse(field, f"expected a number above 0, got {_shown(step)}")
        if log is True:
            self._refuse(field, "a range has log or step, not both")

    def _check_value(self, field: str, value: Any, bounds: Bounds) -> None:
        if not _fits(value, bounds):
            self._refuse(field, f"expected {_told(bounds)}, got {_shown(value)}")

    def _refuse(self, field: str, description: str) -> None:
        self.problems.append(Violation(field, description))


def _fixed(value: Value) -> Dimension:
    if isinstance(value, bool | str):
        return Choice((value,))
    return Int(value, value) if isinstance(value, int) else Float(value, value)


def _as(value: Any, bounds: Bounds) -> Value:
    """Return a value that fits as the library wants it: 1 is 1.0 where that is a real number."""
    return float(value) if isinstance(bounds, Real) else value


def _fits(value: Any, bounds: Bounds) -> bool:
    if isinstance(bounds, OneOf):
        return any(value == one and type(value) is type(one) for one in bounds.values)
    if isinstance(bounds, Whole):
        return _is_whole(value) and bounds.low <= value <= bounds.high
    above = bounds.low < value if _is_number(value) and bounds.above else True
    return _is_number(value) and above and bounds.low <= value <= bounds.high


def _told(bounds: Bounds) -> str:
    if isinstance(bounds, OneOf):
        return " or ".join(map(_shown, bounds.values))
    if isinstance(bounds, Whole):
        return f"a whole number from {bounds.low} to {bounds.high}"
    low = f"above {bounds.low:g}" if bounds.above else f"from {bounds.low:g}"
    return f"a number {low}" + (f", at most {bounds.high:g}" if bounds.high < inf else "")


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:MAX_SHOWN]
