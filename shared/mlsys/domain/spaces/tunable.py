"""Which parameters of each library may be searched, within which bounds, and why others may not.

XGBoost and LightGBM ignore a name that they do not know, so a misspelt one would be searched for
nothing: only what stands here is let in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from mlsys.domain.choices import ModelType
from mlsys.domain.spaces.dimensions import Value

ROUNDS_NAME = "n_estimators"
# Stands for "no limit" where a library says it by 0 or -1: the nearest value is then the largest.
UNLIMITED = 10**9


@dataclass(frozen=True)
class Real:
    """A real number in [low, high], or above low."""

    default: float
    low: float = 0.0
    high: float = inf
    above: bool = False


@dataclass(frozen=True)
class Whole:
    """A whole number in [low, high]."""

    default: int
    low: int
    high: int = 1_000_000


@dataclass(frozen=True)
class OneOf:
    """One of some values; the first is the library's default."""

    values: tuple[Value, ...]

    @property
    def default(self) -> Value:
        """What the library does when nobody asks."""
        return self.values[0]


Bounds = Real | Whole | OneOf

_ROUNDS = Whole(1_000, 1, 10_000)
_SHARE = Real(1.0, 0.0, 1.0, above=True)
_ZERO_UP = Real(0.0)

# By library; what is searched by default stands first, see search.py. `bagging_freq` is 0 by
# default, which does what 1 does with all rows. Only CatBoost would guess its learning rate from
# rows and rounds; 0.03 is what it takes where it cannot guess. And its leaf_estimation_iterations
# are 10 where two classes are predicted, else 1.
TUNABLE: Mapping[ModelType, Mapping[str, Bounds]] = {
    ModelType.LIGHTGBM: {
        "learning_rate": Real(0.1, 0.0, 1.0, above=True),
        "num_leaves": Whole(31, 2, 131_072),
        "min_data_in_leaf": Whole(20, 0),
        "feature_fraction": _SHARE,
        "bagging_fraction": _SHARE,
        "bagging_freq": Whole(1, 0),
        "lambda_l1": _ZERO_UP,
        "lambda_l2": _ZERO_UP,
        "min_data_per_group": Whole(100, 1),
        "cat_smooth": Real(10.0),
        ROUNDS_NAME: _ROUNDS,
        "max_depth": Whole(UNLIMITED, -1, 512),
        "min_sum_hessian_in_leaf": Real(1e-3),
        "min_gain_to_split": _ZERO_UP,
        "feature_fraction_bynode": _SHARE,
        "extra_trees": OneOf((False, True)),
        "path_smooth": _ZERO_UP,
        "max_delta_step": _ZERO_UP,
        "cat_l2": Real(10.0),
        "max_cat_threshold": Whole(32, 1),
        "max_cat_to_onehot": Whole(4, 1),
    },
    ModelType.XGBOOST: {
        "learning_rate": Real(0.3, 0.0, 1.0, above=True),
        "max_depth": Whole(6, 0, 512),
        "min_child_weight": Real(1.0),
        "subsample": _SHARE,
        "colsample_bytree": _SHARE,
        "reg_alpha": _ZERO_UP,
        "reg_lambda": Real(1.0),
        "gamma": _ZERO_UP,
        ROUNDS_NAME: _ROUNDS,
        "grow_policy": OneOf(("depthwise", "lossguide")),
        "max_leaves": Whole(UNLIMITED, 0, 131_072),
        "max_delta_step": _ZERO_UP,
        "colsample_bylevel": _SHARE,
        "colsample_bynode": _SHARE,
        "num_parallel_tree": Whole(1, 1, 100),
        "max_cat_to_onehot": Whole(4, 1),
        "max_cat_threshold": Whole(64, 1),
    },
    ModelType.CATBOOST: {
        "learning_rate": Real(0.03, 0.0, 1.0, above=True),
        "depth": Whole(6, 1, 16),
        "l2_leaf_reg": Real(3.0),
        "random_strength": Real(1.0),
        "rsm": _SHARE,
        "one_hot_max_size": Whole(2, 0, 255),
        ROUNDS_NAME: _ROUNDS,
        "bootstrap_type": OneOf(("MVS", "Bayesian", "Bernoulli", "No")),
        "bagging_temperature": Real(1.0),
        "subsample": Real(0.8, 0.0, 1.0, above=True),
        "leaf_estimation_iterations": Whole(10, 1, 100),
        "leaf_estimation_method": OneOf(("Newton", "Gradient")),
        "boosting_type": OneOf(("Plain", "Ordered")),
        "max_ctr_complexity": Whole(4, 1, 15),
        "model_size_reg": Real(0.5),
        "fold_len_multiplier": Real(2.0, 1.0, above=True),
    },
}

# What CatBoost refuses a parameter without.
NEEDS: Mapping[str, tuple[str, frozenset[Value]]] = {
    "bagging_temperature": ("bootstrap_type", frozenset({"Bayesian"})),
    "subsample": ("bootstrap_type", frozenset({"MVS", "Bernoulli"})),
}

# Other names of the same thing, most of them scikit-learn's.
RENAMED: Mapping[ModelType, Mapping[str, str]] = {
    ModelType.LIGHTGBM: {
        "eta": "learning_rate",
        "shrinkage_rate": "learning_rate",
        "num_leaf": "num_leaves",
        "max_leaves": "num_leaves",
        "max_leaf_nodes": "num_leaves",
        "min_child_samples": "min_data_in_leaf",
        "min_samples_leaf": "min_data_in_leaf",
        "min_child_weight": "min_sum_hessian_in_leaf",
        "min_split_gain": "min_gain_to_split",
        "subsample": "bagging_fraction",
        "subsample_freq": "bagging_freq",
        "bagging": "bagging_fraction",
        "colsample_bytree": "feature_fraction",
        "sub_feature": "feature_fraction",
        "colsample_bynode": "feature_fraction_bynode",
        "reg_alpha": "lambda_l1",
        "l1_regularization": "lambda_l1",
        "reg_lambda": "lambda_l2",
        "lambda": "lambda_l2",
        "l2_regularization": "lambda_l2",
        "extra_tree": "extra_trees",
        "num_iterations": ROUNDS_NAME,
        "num_boost_round": ROUNDS_NAME,
        "max_iter": ROUNDS_NAME,
    },
    ModelType.XGBOOST: {
        "eta": "learning_rate",
        "alpha": "reg_alpha",
        "lambda": "reg_lambda",
        "min_split_loss": "gamma",
        "num_boost_round": ROUNDS_NAME,
    },
    ModelType.CATBOOST: {
        "eta": "learning_rate",
        "max_depth": "depth",
        "reg_lambda": "l2_leaf_reg",
        "colsample_bylevel": "rsm",
        "iterations": ROUNDS_NAME,
        "num_boost_round": ROUNDS_NAME,
        "num_trees": ROUNDS_NAME,
    },
}

# Measured with 1.2.10: their contributions were off the raw score by up to 0.26 in probability.
_UNEXPLAINED = frozenset({"grow_policy", "max_leaves", "min_data_in_leaf"})

# Why a parameter is not a trial's to choose, in whichever library it is found.
REFUSED: Mapping[str, frozenset[str]] = {
    "all trials share one set of bins": frozenset(
        {
            "bin_construct_sample_cnt",
            "border_count",
            "data_random_seed",
            "enable_bundle",
            "feature_border_type",
            "feature_pre_filter",
            "linear_tree",
            "max_bin",
            "max_bin_by_feature",
            "min_data_in_bin",
            "sketch_eps",
            "tree_method",
        }
    ),
    "all seeds come from optuna_config.seed": frozenset(
        {
            "bagging_seed",
            "deterministic",
            "extra_seed",
            "feature_fraction_seed",
            "random_seed",
            "random_state",
            "seed",
            "seed_per_iteration",
        }
    ),
    "it follows from task_type and metric_name": frozenset(
        {
            "application",
            "base_score",
            "classes_count",
            "custom_metric",
            "eval_metric",
            "loss_function",
            "metric",
            "num_class",
            "objective",
        }
    ),
    "mlsys shares out the cores": frozenset(
        {
            "device",
            "device_type",
            "force_col_wise",
            "force_row_wise",
            "n_jobs",
            "nthread",
            "num_threads",
            "task_type",
            "thread_count",
        }
    ),
    "fits stop early by rules of their own": frozenset(
        {"early_stopping_round", "early_stopping_rounds", "od_type", "od_wait", "use_best_model"}
    ),
    "ask for class_weight instead, or weight_column": frozenset(
        {
            "auto_class_weights",
            "class_weight",
            "class_weights",
            "is_unbalance",
            "scale_pos_weight",
            "unbalance",
        }
    ),
    "ask for monotone_constraints of the experiment instead": frozenset(
        {"mc", "monotone_constraints", "monotone_constraints_method", "monotonic_cst"}
    ),
    "only trees that stay as they are can stop early": frozenset(
        {"boosting", "boosting_type", "booster", "data_sample_strategy", "drop_rate", "rate_drop"}
    ),
    "mlsys hands over the categories and what is missing itself": frozenset(
        {"cat_features", "categorical_feature", "nan_mode", "use_missing", "zero_as_missing"}
    ),
    "mlsys does its own talking and writing": frozenset(
        {"allow_writing_files", "logging_level", "silent", "train_dir", "verbose", "verbosity"}
    ),
}


def why_not(model_type: ModelType, name: str) -> str:
    """Say why a parameter that is not in `TUNABLE` cannot be searched.

    >>> why_not(ModelType.LIGHTGBM, "min_child_samples")
    "say 'min_data_in_leaf', which is the same"

    """
    same = RENAMED[model_type].get(name)
    if same is not None:
        return f"say {same!r}, which is the same"
    if model_type is ModelType.CATBOOST and name in _UNEXPLAINED:
        return "cannot be searched: only symmetric trees have contributions that add up"
    for reason, names in REFUSED.items():
        if name in names:
            return f"cannot be searched: {reason}"
    known = ", ".join(TUNABLE[model_type])
    return f"{model_type.value} has no such parameter that can be searched; these can: {known}"
