"""What one trial does: fit on each fold, stop early and prune on its val rows, score them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from time import perf_counter

import optuna
from optuna.study import StudyDirection

from mlsys.domain.evaluation.metrics import Metric, resolve_metric
from mlsys.domain.learners.base import Examples, Fit, Floats, Monitor, OnRound
from mlsys.domain.learners.table import learner
from mlsys.domain.messages import Objective
from mlsys.domain.spaces.search import PATIENCE, Suggested, suggest
from mlsys.use_cases.leading.closing import stopped
from mlsys.use_cases.leading.ends import End, Interrupted
from mlsys.use_cases.training.material import Training

REPORT_EVERY_ROUNDS = 10
ROUNDS_ATTR = "rounds"
METRIC: Objective = "metric"
LATENCY_ROWS, LATENCY_REPEATS = 1_000, 5
# They see only the order of rows: after a few timid rounds it may be perfect, and every probability
# still near the mean. So fits stop by the loss, and the metric judges what they come to.
RANKING = {"roc_auc", "roc_auc_ovr", "roc_auc_ovr_weighted", "average_precision"}


@dataclass(frozen=True)
class Try:
    """One fit of one fold; what it predicts for the fold's val rows is judged when asked for."""

    fit: Fit
    val: Examples
    metric: Metric

    @cached_property
    def prediction(self) -> Floats:
        """What it predicts for val."""
        told = self.fit.val_prediction
        return self.fit.predict(self.val.matrix) if told is None else told

    @cached_property
    def value(self) -> float:
        """What the metric makes of that."""
        return self.metric.value(self.val.target, self.prediction, weights=self.val.weights)


def directions_of(training: Training) -> list[StudyDirection]:
    """Return where each objective of the study points."""
    best = StudyDirection.MAXIMIZE if training.metric.maximize else StudyDirection.MINIMIZE
    return [best if name == METRIC else StudyDirection.MINIMIZE for name in objectives_of(training)]


def objectives_of(training: Training) -> list[Objective]:
    """Return what trials are compared by; the metric is the first."""
    asked = training.request.objectives or []
    return [METRIC, *(name for name in asked if name != METRIC)]


def objective(
    training: Training, *, interrupted: Callable[[], End | None] = lambda: None
) -> Callable[[optuna.Trial], list[float]]:
    """Return what a trial does; it answers one value per objective, the mean over the folds.

    Optuna prunes no trial that has several objectives. Once it is `interrupted`, a trial that
    runs raises Interrupted after its next round.
    """
    others = objectives_of(training)[1:]

    def run(trial: optuna.Trial) -> list[float]:
        drawn = suggest(trial, training.spaces)
        reporting = None if others else _Reporting(trial, training.metric)
        tried = []

        def on_round(number: int, value: float) -> bool:
            if interrupted() is not None:
                return True
            if reporting is None or len(training.folds) > 1:
                return False
            return reporting.on_round(number, value)

        for place, _ in enumerate(training.folds):
            tried.append(tried_fold(training, drawn, place, on_round=on_round))
            if (end := interrupted()) is not None:
                raise Interrupted(stopped(end))
            if reporting and len(training.folds) > 1:
                reporting.on_fold(place, tried[-1].value)
            trial.set_user_attr(ROUNDS_ATTR, round(fmean(one.fit.rounds for one in tried)))
            if reporting and reporting.pruned:
                raise optuna.TrialPruned
        costs = [_COSTS[name](tried[0].fit, training.folds[0].val) for name in others]
        return [fmean(one.value for one in tried), *costs]

    return run


def tried_fold(
    training: Training, drawn: Suggested, place: int, *, on_round: OnRound | None = None
) -> Try:
    """Fit one fold with the parameters drawn. The same again gives the same."""
    watched = watched_metric(training.metric)
    monitor = Monitor(
        metric=watched.name,
        maximize=watched.maximize,
        patience=PATIENCE[drawn.model_type],
        on_round=on_round,
    )
    with training.binned.lent(drawn.model_type, place) as binned:
        fit = learner(drawn.model_type).fit(
            binned,
            task=training.plan.task,
            params=drawn.params,
            rounds=drawn.rounds,
            threads=training.threads,
            seed=training.request.optuna_config.seed,
            monitor=monitor,
        )
    return Try(fit, training.folds[place].val, training.metric)


def watched_metric(metric: Metric) -> Metric:
    """Return what fits are stopped and pruned by."""
    return metric if metric.name not in RANKING else resolve_metric("log_loss", metric.task)


class _Reporting:
    """Tells Optuna how a trial goes, pointing the way the study does, and what it decides."""

    def __init__(self, trial: optuna.Trial, metric: Metric) -> None:
        self._trial = trial
        self._sign = 1 if watched_metric(metric).maximize is metric.maximize else -1
        self.pruned = False

    def on_round(self, number: int, value: float) -> bool:
        """Report what is watched, each few rounds; True ends the fit."""
        if number % REPORT_EVERY_ROUNDS == 0:
            self._trial.report(self._sign * value, number)
            self.pruned = self._trial.should_prune()
        return self.pruned

    def on_fold(self, place: int, value: float) -> None:
        """Report the value of one fold."""
        self._trial.report(value, place)
        self.pruned = self._trial.should_prune()


def _latency_us(fit: Fit, val: Examples) -> float:
    """Time what it takes to score one row among many, in microseconds."""
    rows = val.matrix[:LATENCY_ROWS]
    fit.predict(rows)
    took = []
    for _ in range(LATENCY_REPEATS):
        started = perf_counter()
        fit.predict(rows)
        took.append(perf_counter() - started)
    return min(took) / len(rows) * 1e6


def _size_bytes(fit: Fit, _: Examples) -> float:
    return float(len(fit.to_bytes()))


_COSTS: dict[Objective, Callable[[Fit, Examples], float]] = {
    "latency": _latency_us,
    "size": _size_bytes,
}
