"""Where a study looks: each library's parameters and their ranges; drawing from them.

How many rounds to boost is not searched by default: every trial may take `ROUNDS`, and stops when
val has not improved for as long as `PATIENCE` says. So learning rates start where 1,000 rounds are
still enough for most tables. What may be searched at all stands in tunable.py; overrides.py reads
what is asked for instead of the defaults; docs/search.md gives the reasons.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from typing import Any, Protocol

from mlsys.domain.choices import ModelType
from mlsys.domain.features import Plan
from mlsys.domain.learners.base import Patience
from mlsys.domain.spaces.dimensions import Dimension, Float, Int, Value
from mlsys.domain.spaces.tunable import ROUNDS_NAME, TUNABLE, UNLIMITED

MODEL_TYPE = "model_type"
ROUNDS = 1_000
# CatBoost's symmetric trees learn evenly, so that it shows sooner when they are done.
PATIENCE = {
    ModelType.LIGHTGBM: Patience(50, 0.2),
    ModelType.XGBOOST: Patience(50, 0.2),
    ModelType.CATBOOST: Patience(30),
}
# The low end of ranges that are searched by orders of magnitude: it does what 0, the default, does.
ZERO = 1e-8


Space = Mapping[str, Dimension]
Spaces = Mapping[ModelType, Space]
Params = Mapping[str, Value]

SPACES: Mapping[ModelType, Space] = {
    ModelType.LIGHTGBM: {
        "learning_rate": Float(0.02, 0.3, log=True),
        # Grows leaf by leaf, so leaves, not depth, are its capacity.
        "num_leaves": Int(4, 255, log=True),
        "min_data_in_leaf": Int(2, 100, log=True),
        "feature_fraction": Float(0.4, 1.0),
        # Takes effect only with `bagging_freq`, which therefore never is 0 here.
        "bagging_fraction": Float(0.4, 1.0),
        "bagging_freq": Int(1, 7),
        "lambda_l1": Float(ZERO, 10.0, log=True),
        "lambda_l2": Float(ZERO, 10.0, log=True),
        # Its default of 100 rows per group of categories hides them in tables of a few hundred.
        "min_data_per_group": Int(5, 200, log=True),
        "cat_smooth": Float(1.0, 100.0, log=True),
    },
    ModelType.XGBOOST: {
        "learning_rate": Float(0.02, 0.3, log=True),
        "max_depth": Int(2, 10),
        "min_child_weight": Float(0.1, 20.0, log=True),
        "subsample": Float(0.4, 1.0),
        "colsample_bytree": Float(0.4, 1.0),
        "reg_alpha": Float(ZERO, 10.0, log=True),
        "reg_lambda": Float(ZERO, 10.0, log=True),
        "gamma": Float(ZERO, 5.0, log=True),
    },
    ModelType.CATBOOST: {
        "learning_rate": Float(0.03, 0.3, log=True),
        # Symmetric trees double in size with each level; 8 to 10 cost much and rarely pay.
        "depth": Int(3, 8),
        "l2_leaf_reg": Float(0.5, 30.0, log=True),
        "random_strength": Float(0.01, 10.0, log=True),
        # By columns at each level; sampling of rows is left to CatBoost, as it depends on the task.
        "rsm": Float(0.4, 1.0),
        # Categories up to so many values are split one by one instead of by target statistics.
        "one_hot_max_size": Int(2, 30, log=True),
        # Each is a pass over all rows; few come about as far as ten.
        "leaf_estimation_iterations": Int(1, 10, log=True),
    },
}
OF_CATEGORIES = {"min_data_per_group", "cat_smooth", "one_hot_max_size"}
# Of other losses CatBoost finds the best values of leaves in one step.
OF_TWO_CLASSES = {"leaf_estimation_iterations"}


@dataclass(frozen=True)
class Suggested:
    """What one trial tries; `rounds` is how many it may boost."""

    model_type: ModelType
    params: Params
    rounds: int = ROUNDS


@dataclass(frozen=True)
class FirstTrials:
    """What is tried first, as names and values for Optuna, and what a user should know about it.

    The first of them are the defaults of each library, in the order of the spaces.
    """

    params: list[Params]
    notes: list[str]


class Suggests(Protocol):
    """The part of an Optuna trial that draws parameters."""

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Draw a real number."""
        ...

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """Draw a whole number."""
        ...

    def suggest_categorical(self, name: str, choices: Sequence[Value]) -> Any:
        """Draw one of some values."""
        ...


def default_space(model_type: ModelType, plan: Plan | None = None) -> Space:
    """Return what of a library is searched when nobody asks.

    With the plan of a table, only what has an effect on it.
    """
    idle: set[str] = set()
    if plan and not any(plan.categorical):
        idle |= OF_CATEGORIES
    if plan and plan.task_kind != "binary":
        idle |= OF_TWO_CLASSES
    return {name: side for name, side in SPACES[model_type].items() if name not in idle}


def suggest(trial: Suggests, spaces: Spaces) -> Suggested:
    """Draw a library, and one value for each parameter of its space, in its order.

    Where there are several libraries, the one is drawn as `model_type`, and its parameters are
    named after it: `lightgbm.num_leaves`.
    """
    if len(spaces) == 1:
        [model_type] = spaces
    else:
        names = [one.value for one in spaces]
        model_type = ModelType(trial.suggest_categorical(MODEL_TYPE, names))
    drawn: dict[str, Value] = {}
    for name, side in spaces[model_type].items():
        long = optuna_name(model_type, name, spaces)
        if isinstance(side, Float):
            drawn[name] = trial.suggest_float(
                long, side.low, side.high, step=side.step, log=side.log
            )
        elif isinstance(side, Int):
            drawn[name] = trial.suggest_int(long, side.low, side.high, step=side.step, log=side.log)
        else:
            drawn[name] = trial.suggest_categorical(long, side.values)
    return _suggested(model_type, drawn)


def suggested(params: Params, model_types: Collection[ModelType]) -> Suggested:
    """Say what a finished trial tried, from the names and values that Optuna keeps.

    Args:
        params: of a trial whose parameters were all drawn by `suggest`.
        model_types: the libraries of its study.
    """
    if len(model_types) == 1:
        [model_type] = model_types
        return _suggested(model_type, params)
    model_type = ModelType(str(params[MODEL_TYPE]))
    start = f"{model_type.value}."
    drawn = {
        name.removeprefix(start): value for name, value in params.items() if name.startswith(start)
    }
    return _suggested(model_type, drawn)


def optuna_name(model_type: ModelType, name: str, spaces: Spaces) -> str:
    """Name a library's parameter as a trial does: with its library, if there are several."""
    return name if len(spaces) == 1 else f"{model_type.value}.{name}"


def as_optuna(model_type: ModelType, params: Params, spaces: Spaces) -> Params:
    """Return what a trial of these parameters has drawn, by Optuna's names."""
    named: dict[str, Value] = {} if len(spaces) == 1 else {MODEL_TYPE: model_type.value}
    return named | {optuna_name(model_type, name, spaces): one for name, one in params.items()}


def defaults_of(model_type: ModelType, space: Space) -> Params:
    """Return the library's own defaults, or what in the space comes closest to them."""
    return {name: side.nearest(TUNABLE[model_type][name].default) for name, side in space.items()}


def first_trials(spaces: Spaces, earlier: Sequence[Suggested] = ()) -> FirstTrials:
    """Return what is tried first: the defaults of each library, then the best of an earlier study.

    Of what was tried earlier, a value outside the present space is moved to the nearest inside, a
    parameter that is not searched is dropped, and a missing one is the default.

    Args:
        spaces: where the study searches.
        earlier: the best first, of libraries that the study tunes.
    """
    params: list[Params] = []
    notes: list[str] = []
    for model_type, space in spaces.items():
        defaults = defaults_of(model_type, space)
        params.append(as_optuna(model_type, defaults, spaces))
        notes += _moved_defaults(model_type, defaults)
    for place, tried in enumerate(earlier, start=1):
        space = spaces[tried.model_type]
        known = dict(tried.params)
        if tried.rounds != ROUNDS:
            known[ROUNDS_NAME] = tried.rounds
        taken = dict(defaults_of(tried.model_type, space))
        taken |= {
            name: space[name].nearest(value) for name, value in known.items() if name in space
        }
        notes += _moved(place, known, taken)
        again = as_optuna(tried.model_type, taken, spaces)
        if again not in params:
            params.append(again)
    return FirstTrials(params, notes)


def _suggested(model_type: ModelType, drawn: Params) -> Suggested:
    """Part the number of rounds from what the library is told."""
    rest = {name: value for name, value in drawn.items() if name != ROUNDS_NAME}
    return Suggested(model_type, rest, int(drawn.get(ROUNDS_NAME, ROUNDS)))


def _moved_defaults(model_type: ModelType, taken: Params) -> Iterator[str]:
    for name, value in taken.items():
        default = TUNABLE[model_type][name].default
        if not _same(value, default):
            told = "none" if default == UNLIMITED else repr(default)
            yield (
                f"first trials: {model_type.value}'s default of {name}, {told}, is not in its "
                f"search space; {value!r} is tried instead"
            )


def _moved(place: int, known: Params, taken: Params) -> Iterator[str]:
    for name, value in known.items():
        if name not in taken:
            yield f"warm start: {name} of best trial {place} is not searched now, and was dropped"
        elif not _same(taken[name], value):
            yield (
                f"warm start: {name} of best trial {place}, {value!r}, is not in its search space; "
                f"{taken[name]!r} is tried instead"
            )


def _same(value: Value, other: Value) -> bool:
    """Compare, taking the low end of what is searched by magnitude for 0."""
    if isinstance(value, str) or isinstance(other, str):
        return value == other
    return isclose(value, other, rel_tol=1e-9, abs_tol=ZERO)
