"""What one trial does: fit on each fold, stop early and prune on its val rows, score them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import optuna

from mlsys.domain.learners.base import Fit, Monitor, OnRound
from mlsys.domain.learners.table import learner
from mlsys.domain.metrics import Metric, resolve_metric
from mlsys.domain.search import EARLY_STOPPING_ROUNDS, ROUNDS, Suggested, suggest
from mlsys.use_cases.training.material import Training

REPORT_EVERY_ROUNDS = 10
ROUNDS_ATTR = "rounds"
# They see only the order of rows: after a few timid rounds it may be perfect, and every probability
# still near the mean. So fits stop by the loss, and the metric judges what they come to.
RANKING = {"roc_auc", "roc_auc_ovr", "average_precision"}


@dataclass(frozen=True)
class Try:
    """One fit of one fold, judged on the fold's val rows."""

    fit: Fit
    value: float


def objective(training: Training) -> Callable[[optuna.Trial], float]:
    """Return what a trial does; its value is the mean over the folds."""

    def run(trial: optuna.Trial) -> float:
        drawn = suggest(trial, training.spaces)
        if len(training.folds) == 1:
            pruning = _Pruning(trial, training.metric)
            tried = tried_fold(training, drawn, 0, on_round=pruning.on_round)
            trial.set_user_attr(ROUNDS_ATTR, tried.fit.rounds)
            if pruning.pruned:
                raise optuna.TrialPruned
            return tried.value
        return _over_folds(trial, training, drawn)

    return run


def tried_fold(
    training: Training, drawn: Suggested, place: int, *, on_round: OnRound | None = None
) -> Try:
    """Fit one fold with the parameters drawn, and judge it. The same again gives the same."""
    watched = watched_metric(training.metric)
    monitor = Monitor(
        metric=watched.name,
        maximize=watched.maximize,
        early_stopping_rounds=EARLY_STOPPING_ROUNDS,
        on_round=on_round,
    )
    with training.binned.lent(drawn.model_type, place) as binned:
        fit = learner(drawn.model_type).fit(
            binned,
            task=training.plan.task,
            params=drawn.params,
            rounds=ROUNDS,
            threads=training.threads,
            seed=training.request.optuna_config.seed,
            monitor=monitor,
        )
    val = training.folds[place].val
    prediction = fit.val_prediction
    if prediction is None:
        prediction = fit.predict(val.matrix)
    return Try(fit, training.metric.value(val.target, prediction, weights=val.weights))


def watched_metric(metric: Metric) -> Metric:
    """Return what fits are stopped and pruned by."""
    return metric if metric.name not in RANKING else resolve_metric("log_loss", metric.task)


class _Pruning:
    """Reports what is watched each few rounds, pointing the way the study does."""

    def __init__(self, trial: optuna.Trial, metric: Metric) -> None:
        self._trial = trial
        self._sign = 1 if watched_metric(metric).maximize is metric.maximize else -1
        self.pruned = False

    def on_round(self, number: int, value: float) -> bool:
        if number % REPORT_EVERY_ROUNDS == 0:
            self._trial.report(self._sign * value, number)
            self.pruned = self._trial.should_prune()
        return self.pruned


def _over_folds(trial: optuna.Trial, training: Training, drawn: Suggested) -> float:
    """Judge fold after fold; a trial may be pruned between two of them."""
    values, rounds = [], []
    for place in range(len(training.folds)):
        tried = tried_fold(training, drawn, place)
        values.append(tried.value)
        rounds.append(tried.fit.rounds)
        trial.report(tried.value, place)
        if trial.should_prune() and place + 1 < len(training.folds):
            raise optuna.TrialPruned
    trial.set_user_attr(ROUNDS_ATTR, round(float(np.mean(rounds))))
    return float(np.mean(values))
