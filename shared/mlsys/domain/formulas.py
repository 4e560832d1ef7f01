"""The table of metrics: which fit a task, and by which names people call them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mlsys.domain import scores
from mlsys.domain.learners.base import Floats, TaskKind
from mlsys.domain.scores import Counts

ALIASES = {
    "auc": "roc_auc",
    "auroc": "roc_auc",
    "ap": "average_precision",
    "pr_auc": "average_precision",
    "aucpr": "average_precision",
    "logloss": "log_loss",
    "cross_entropy": "log_loss",
    "brier": "brier_score_loss",
    "brier_score": "brier_score_loss",
    "acc": "accuracy",
    "mcc": "matthews_corrcoef",
    "rmse": "root_mean_squared_error",
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "medae": "median_absolute_error",
    "r2_score": "r2",
}
MULTICLASS_ALIASES = {
    "roc_auc": "roc_auc_ovr",
    "f1": "f1_macro",
    "precision": "precision_macro",
    "recall": "recall_macro",
}


Score = Callable[[Floats, Floats, Floats], Floats]


class Formula(NamedTuple):
    """A row of the table of metrics.

    `of(target, prediction, weights)` answers (r,). With `labels`, it is given predicted class
    indexes instead of probabilities. `demand` is what the target must show.
    """

    maximize: bool
    of: Score
    labels: bool = False
    demand: str = ""


def _of_rows(losses: Callable[[Floats, Floats], Floats]) -> Score:
    """Score by the mean of what each row loses."""
    return lambda target, told, weights: scores.mean(losses(target, told), weights)


def _of_class_1(by_class: Callable[[Counts], Floats]) -> Score:
    return lambda target, told, weights: by_class(scores.count(target, told, weights))[:, 1]


def _of_classes(of_counts: Callable[[Counts], Floats]) -> Score:
    return lambda target, told, weights: of_counts(scores.count(target, told, weights))


def _macro(by_class: Callable[[Counts], Floats]) -> Score:
    return _of_classes(lambda counts: scores.macro(by_class(counts), counts))


_BOTH_CLASSES = "the target must hold every class"
_OF_LABELS = {
    "accuracy": Formula(maximize=True, of=_of_classes(scores.accuracy), labels=True),
    "balanced_accuracy": Formula(
        maximize=True, of=_of_classes(scores.balanced_accuracy), labels=True
    ),
    "matthews_corrcoef": Formula(
        maximize=True, of=_of_classes(scores.matthews_corrcoef), labels=True
    ),
}
_OF_PROBABILITIES = {
    "log_loss": Formula(maximize=False, of=_of_rows(scores.log_losses)),
    "brier_score_loss": Formula(maximize=False, of=_of_rows(scores.brier_losses)),
}
# The first of each is the default.
FORMULAS: dict[TaskKind, dict[str, Formula]] = {
    "binary": {
        "roc_auc": Formula(
            maximize=True,
            of=lambda target, told, weights: scores.roc_auc(target == 1, told, weights),
            demand=_BOTH_CLASSES,
        ),
        "average_precision": Formula(
            maximize=True, of=scores.average_precision, demand="the target must hold class 1"
        ),
        **_OF_PROBABILITIES,
        **_OF_LABELS,
        "f1": Formula(maximize=True, of=_of_class_1(scores.f1), labels=True),
        "precision": Formula(maximize=True, of=_of_class_1(scores.precision), labels=True),
        "recall": Formula(maximize=True, of=_of_class_1(scores.recall), labels=True),
    },
    "multiclass": {
        "roc_auc_ovr": Formula(maximize=True, of=scores.roc_auc_ovr, demand=_BOTH_CLASSES),
        **_OF_PROBABILITIES,
        **_OF_LABELS,
        "f1_macro": Formula(maximize=True, of=_macro(scores.f1), labels=True),
        "precision_macro": Formula(maximize=True, of=_macro(scores.precision), labels=True),
        "recall_macro": Formula(maximize=True, of=_macro(scores.recall), labels=True),
    },
    "regression": {
        "root_mean_squared_error": Formula(
            maximize=False,
            of=lambda target, told, weights: np.sqrt(scores.mean((target - told) ** 2, weights)),
        ),
        "mean_squared_error": Formula(
            maximize=False, of=_of_rows(lambda target, told: (target - told) ** 2)
        ),
        "mean_absolute_error": Formula(
            maximize=False, of=_of_rows(lambda target, told: np.abs(target - told))
        ),
        "median_absolute_error": Formula(
            maximize=False,
            of=lambda target, told, weights: scores.median(np.abs(target - told), weights),
        ),
        "mean_absolute_percentage_error": Formula(
            maximize=False, of=_of_rows(scores.relative_losses), demand="no target may be 0"
        ),
        "r2": Formula(maximize=True, of=scores.r2, demand="the target must not be constant"),
    },
}
