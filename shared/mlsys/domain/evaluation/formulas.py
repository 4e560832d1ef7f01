"""The table of metrics: which fit a task, and by which names people call them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mlsys.domain.evaluation import scores
from mlsys.domain.evaluation.scores import Counts
from mlsys.domain.learners.base import Floats, TaskKind

ALIASES = {
    "auc": "roc_auc",
    "auroc": "roc_auc",
    "roc_auc_score": "roc_auc",
    "ap": "average_precision",
    "pr_auc": "average_precision",
    "auprc": "average_precision",
    "aucpr": "average_precision",
    "average_precision_score": "average_precision",
    "logloss": "log_loss",
    "binary_logloss": "log_loss",
    "multi_logloss": "log_loss",
    "mlogloss": "log_loss",
    "cross_entropy": "log_loss",
    "brier": "brier_score_loss",
    "brier_score": "brier_score_loss",
    "acc": "accuracy",
    "accuracy_score": "accuracy",
    "balanced_accuracy_score": "balanced_accuracy",
    "mcc": "matthews_corrcoef",
    "kappa": "cohen_kappa_score",
    "cohen_kappa": "cohen_kappa_score",
    "f1_score": "f1",
    "precision_score": "precision",
    "recall_score": "recall",
    "sensitivity": "recall",
    "top_k_accuracy_score": "top_k_accuracy",
    "top_2_accuracy": "top_k_accuracy",
    "rmse": "root_mean_squared_error",
    "mse": "mean_squared_error",
    "l2": "mean_squared_error",
    "mae": "mean_absolute_error",
    "l1": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "medae": "median_absolute_error",
    "rmsle": "root_mean_squared_log_error",
    "msle": "mean_squared_log_error",
    "pinball": "mean_pinball_loss",
    "pinball_loss": "mean_pinball_loss",
    "quantile_loss": "mean_pinball_loss",
    "r2_score": "r2",
    "explained_variance_score": "explained_variance",
}
MULTICLASS_ALIASES = {
    "roc_auc": "roc_auc_ovr",
    "f1": "f1_macro",
    "precision": "precision_macro",
    "recall": "recall_macro",
    # With one label to a row they are the same.
    "f1_micro": "accuracy",
    "precision_micro": "accuracy",
    "recall_micro": "accuracy",
    "recall_weighted": "accuracy",
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


def _of_rows(
    losses: Callable[[Floats, Floats], Floats],
    joined: Callable[[Floats, Floats], Floats] = scores.mean,
) -> Score:
    """Score by what each row loses, or gains; by the mean of that."""
    return lambda target, told, weights: joined(losses(target, told), weights)


def _of_class_1(by_class: Callable[[Counts], Floats]) -> Score:
    return lambda target, told, weights: by_class(scores.count(target, told, weights))[:, 1]


def _of_classes(of_counts: Callable[[Counts], Floats]) -> Score:
    return lambda target, told, weights: of_counts(scores.count(target, told, weights))


def _macro(by_class: Callable[[Counts], Floats]) -> Score:
    return _of_classes(lambda counts: scores.macro(by_class(counts), counts))


def _weighted(by_class: Callable[[Counts], Floats]) -> Score:
    return _of_classes(lambda counts: scores.weighted(by_class(counts), counts))


def _of_rest(ranking: scores.Ranking) -> Score:
    """Score by the plain mean of each class against the rest."""

    def of(target: Floats, told: Floats, weights: Floats) -> Floats:
        average: Floats = scores.each_against_the_rest(ranking, target, told, weights).mean(axis=1)
        return average

    return of


def _of_rest_weighted(ranking: scores.Ranking) -> Score:
    """Score by the mean of each class against the rest, weighted by how often it occurs."""

    def of(target: Floats, told: Floats, weights: Floats) -> Floats:
        by_class = scores.each_against_the_rest(ranking, target, told, weights)
        average: Floats = (by_class * scores.shares(target, told, weights)).sum(axis=1)
        return average

    return of


def _root(score: Score) -> Score:
    return lambda target, told, weights: np.sqrt(score(target, told, weights))


_BOTH_CLASSES = "the target must hold every class"
_NOT_CONSTANT = "the target must not be constant"
_OVER_MINUS_1 = (
    "no target or prediction may be -1 or less; where some are, learn log(1 + target) by rmse"
)
_OF_LABELS = {
    "accuracy": Formula(maximize=True, of=_of_classes(scores.accuracy), labels=True),
    "balanced_accuracy": Formula(
        maximize=True, of=_of_classes(scores.balanced_accuracy), labels=True
    ),
    "matthews_corrcoef": Formula(
        maximize=True, of=_of_classes(scores.matthews_corrcoef), labels=True
    ),
    "cohen_kappa_score": Formula(
        maximize=True,
        of=_of_classes(scores.cohen_kappa),
        labels=True,
        demand="target and prediction must not be of one class",
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
            maximize=True,
            of=lambda target, told, weights: scores.average_precision(target == 1, told, weights),
            demand="the target must hold class 1",
        ),
        **_OF_PROBABILITIES,
        **_OF_LABELS,
        "f1": Formula(maximize=True, of=_of_class_1(scores.f1), labels=True),
        "precision": Formula(maximize=True, of=_of_class_1(scores.precision), labels=True),
        "recall": Formula(maximize=True, of=_of_class_1(scores.recall), labels=True),
    },
    "multiclass": {
        "roc_auc_ovr": Formula(maximize=True, of=_of_rest(scores.roc_auc), demand=_BOTH_CLASSES),
        "roc_auc_ovr_weighted": Formula(
            maximize=True, of=_of_rest_weighted(scores.roc_auc), demand=_BOTH_CLASSES
        ),
        "average_precision": Formula(
            maximize=True, of=_of_rest(scores.average_precision), demand=_BOTH_CLASSES
        ),
        **_OF_PROBABILITIES,
        **_OF_LABELS,
        "f1_macro": Formula(maximize=True, of=_macro(scores.f1), labels=True),
        "precision_macro": Formula(maximize=True, of=_macro(scores.precision), labels=True),
        "recall_macro": Formula(maximize=True, of=_macro(scores.recall), labels=True),
        "f1_weighted": Formula(maximize=True, of=_weighted(scores.f1), labels=True),
        "precision_weighted": Formula(maximize=True, of=_weighted(scores.precision), labels=True),
        "top_k_accuracy": Formula(maximize=True, of=_of_rows(scores.top_2_hits)),
    },
    "regression": {
        "root_mean_squared_error": Formula(
            maximize=False, of=_root(_of_rows(scores.squared_losses))
        ),
        "mean_squared_error": Formula(maximize=False, of=_of_rows(scores.squared_losses)),
        "mean_absolute_error": Formula(maximize=False, of=_of_rows(scores.absolute_losses)),
        "median_absolute_error": Formula(
            maximize=False, of=_of_rows(scores.absolute_losses, scores.median)
        ),
        "max_error": Formula(maximize=False, of=_of_rows(scores.absolute_losses, scores.largest)),
        "mean_pinball_loss": Formula(maximize=False, of=_of_rows(scores.pinball_losses)),
        "root_mean_squared_log_error": Formula(
            maximize=False, of=_root(_of_rows(scores.squared_log_losses)), demand=_OVER_MINUS_1
        ),
        "mean_squared_log_error": Formula(
            maximize=False, of=_of_rows(scores.squared_log_losses), demand=_OVER_MINUS_1
        ),
        "mean_absolute_percentage_error": Formula(
            maximize=False, of=_of_rows(scores.relative_losses), demand="no target may be 0"
        ),
        "r2": Formula(maximize=True, of=scores.r2, demand=_NOT_CONSTANT),
        "explained_variance": Formula(
            maximize=True, of=scores.explained_variance, demand=_NOT_CONSTANT
        ),
    },
}
