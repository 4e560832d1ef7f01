"""Where a study looks: each library's parameters, their ranges, and its own defaults.

How many rounds to boost is not searched: every trial may take `ROUNDS`, and stops when val has
not improved for `EARLY_STOPPING_ROUNDS`. So learning rates start at 0.01, where 1,000 rounds are
still enough for most tables. Parameters that shape the bins are fixed, see learners/.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from mlsys.domain.messages import ExperimentWish, ModelType

ROUNDS = 1_000
EARLY_STOPPING_ROUNDS = 50
# The low end of ranges that are searched by orders of magnitude: it does what 0, the default, does.
ZERO = 1e-8


@dataclass(frozen=True)
class Float:
    """A real number in [low, high]; `log` draws its order of magnitude."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class Int:
    """A whole number in [low, high]; `log` draws its order of magnitude."""

    low: int
    high: int
    log: bool = False


Space = Mapping[str, Float | Int]
Spaces = Mapping[ModelType, Space]
Params = Mapping[str, float | int]

SPACES: Mapping[ModelType, Space] = {
    ModelType.LIGHTGBM: {
        "learning_rate": Float(0.01, 0.3, log=True),
        # Grows leaf by leaf, so leaves, not depth, are its capacity.
        "num_leaves": Int(7, 255, log=True),
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
        "learning_rate": Float(0.01, 0.3, log=True),
        "max_depth": Int(2, 10),
        "min_child_weight": Float(0.1, 20.0, log=True),
        "subsample": Float(0.4, 1.0),
        "colsample_bytree": Float(0.4, 1.0),
        "reg_alpha": Float(ZERO, 10.0, log=True),
        "reg_lambda": Float(ZERO, 10.0, log=True),
        "gamma": Float(ZERO, 5.0, log=True),
    },
    ModelType.CATBOOST: {
        "learning_rate": Float(0.01, 0.3, log=True),
        # Symmetric trees double in size with each level; 8 to 10 cost much and rarely pay.
        "depth": Int(3, 8),
        "l2_leaf_reg": Float(0.5, 30.0, log=True),
        "random_strength": Float(0.01, 10.0, log=True),
        # By columns at each level; sampling of rows is left to CatBoost, as it depends on the task.
        "rsm": Float(0.4, 1.0),
        # Categories up to so many values are split one by one instead of by target statistics.
        "one_hot_max_size": Int(2, 30, log=True),
    },
}

# Trial 0: what the library does when nobody asks. Only CatBoost would guess its learning rate from
# rows and rounds; 0.03 is what it takes where it cannot guess.
DEFAULTS: Mapping[ModelType, Mapping[str, float | int]] = {
    ModelType.LIGHTGBM: {
        "learning_rate": 0.1,
        "num_leaves": 31,
        "min_data_in_leaf": 20,
        "feature_fraction": 1.0,
        "bagging_fraction": 1.0,
        "bagging_freq": 1,
        "lambda_l1": ZERO,
        "lambda_l2": ZERO,
        "min_data_per_group": 100,
        "cat_smooth": 10.0,
    },
    ModelType.XGBOOST: {
        "learning_rate": 0.3,
        "max_depth": 6,
        "min_child_weight": 1.0,
        "subsample": 1.0,
        "colsample_bytree": 1.0,
        "reg_alpha": ZERO,
        "reg_lambda": 1.0,
        "gamma": ZERO,
    },
    ModelType.CATBOOST: {
        "learning_rate": 0.03,
        "depth": 6,
        "l2_leaf_reg": 3.0,
        "random_strength": 1.0,
        "rsm": 1.0,
        "one_hot_max_size": 2,
    },
}


@dataclass(frozen=True)
class Suggested:
    """What one trial tries."""

    model_type: ModelType
    params: Params


class Suggests(Protocol):
    """The part of an Optuna trial that draws parameters."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Draw a real number."""
        ...

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """Draw a whole number."""
        ...


def spaces_of(wish: ExperimentWish) -> Spaces:
    """Return where each library is searched that the study tunes."""
    return {model_type: SPACES[model_type] for model_type in wish.model_types}


def first_trials(spaces: Spaces) -> list[Params]:
    """Return what is tried first: the defaults of each library, as names and values for Optuna."""
    return [DEFAULTS[model_type] for model_type in spaces]


def suggest(trial: Suggests, spaces: Spaces) -> Suggested:
    """Draw a library, and one value for each parameter of its space, in its order."""
    [(model_type, space)] = spaces.items()
    drawn: dict[str, float | int] = {}
    for name, domain in space.items():
        if isinstance(domain, Float):
            drawn[name] = trial.suggest_float(name, domain.low, domain.high, log=domain.log)
        else:
            drawn[name] = trial.suggest_int(name, domain.low, domain.high, log=domain.log)
    return Suggested(model_type, drawn)


def suggested(params: Params, spaces: Spaces) -> Suggested:
    """Say what a finished trial tried, from the names and values that Optuna keeps."""
    [model_type] = spaces
    return Suggested(model_type, params)
