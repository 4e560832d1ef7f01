"""What one study trains on, what one trial does, and what becomes of the winner."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
import polars as pl

from mlsys.domain.artifacts import Model, Postprocess
from mlsys.domain.contract import NOT_LEARNT
from mlsys.domain.encoding import encode_examples
from mlsys.domain.errors import InvalidInput
from mlsys.domain.features import Plan
from mlsys.domain.learners.base import Examples, Monitor
from mlsys.domain.learners.table import learner
from mlsys.domain.messages import ExperimentRequest
from mlsys.domain.metrics import (
    Metric,
    bootstrap_interval,
    constant_prediction,
    report,
    resolve_metric,
)
from mlsys.domain.planning import fit_plan
from mlsys.domain.records import BestTrial, Column, Measure, Part, Split
from mlsys.domain.search import EARLY_STOPPING_ROUNDS, ROUNDS, SPACES, suggest
from mlsys.ports import Objects

REPORT_EVERY_ROUNDS = 10
# They see only the order of rows: after a few timid rounds it may be perfect, and every probability
# still near the mean. So fits stop by the loss, and the metric judges what they come to.
RANKING = {"roc_auc", "roc_auc_ovr", "average_precision"}


@dataclass(frozen=True)
class Training:
    """All that the trials of one process share; read, coded and binned once."""

    request: ExperimentRequest
    split: Split
    plan: Plan
    metric: Metric
    parts: dict[Part, Examples]
    binned: Any
    threads: int


@dataclass(frozen=True)
class Verdict:
    """How the refitted winner did on test, looked at once, and what it had to beat."""

    test: Measure | None
    report: dict[str, float]
    baselines: dict[str, float]
    warnings: list[str]


def prepare(
    request: ExperimentRequest, split: Split, *, objects: Objects, threads: int
) -> Training:
    """Read the three parts, learn from train how rows become numbers, and bin.

    Raises:
        InvalidInput: the table cannot be learnt from as asked.
        NotFound, Corrupt: a part is gone, or is not what was stored.

    """
    frames = {
        part: pl.read_parquet(io.BytesIO(objects.read(file.uri, sha256=file.sha256)))
        for part, file in split.files.items()
    }
    plan = fit_plan(
        frames["train"].drop(_no_features(split.columns, request)),
        target=request.target_column,
        features=request.feature_columns,
        task_type=request.task_type,
    )
    parts = {part: encode_examples(plan, frame) for part, frame in frames.items()}
    metric = resolve_metric(request.metric_name, plan.task)
    binned = learner(request.model_type).bin(
        parts["train"], parts["val"], task=plan.task, threads=threads
    )
    return Training(request, split, plan, metric, parts, binned, threads)


def objective(training: Training) -> Callable[[optuna.Trial], float]:
    """Return what a trial does: fit on train, stop early and prune on val, score val."""
    library = learner(training.request.model_type)
    val = training.parts["val"]
    metric = training.metric
    watched = metric if metric.name not in RANKING else resolve_metric("log_loss", metric.task)
    sign = 1 if watched.maximize is metric.maximize else -1

    def run(trial: optuna.Trial) -> float:
        pruned = False

        def on_round(number: int, value: float) -> bool:
            nonlocal pruned
            if number % REPORT_EVERY_ROUNDS == 0:
                trial.report(sign * value, number)
                pruned = trial.should_prune()
            return pruned

        booster = library.fit(
            training.binned,
            task=training.plan.task,
            params=suggest(trial, SPACES[training.request.model_type]),
            rounds=ROUNDS,
            threads=training.threads,
            seed=training.request.optuna_config.seed,
            monitor=Monitor(
                metric=watched.name,
                maximize=watched.maximize,
                early_stopping_rounds=EARLY_STOPPING_ROUNDS,
                on_round=on_round,
            ),
        )
        trial.set_user_attr("rounds", booster.rounds)
        if pruned:
            raise optuna.TrialPruned
        prediction = booster.val_prediction
        if prediction is None:
            prediction = booster.predict(val.matrix)
        return metric.value(val.target, prediction)

    return run


def best_of(trial: optuna.trial.FrozenTrial) -> BestTrial:
    """Describe the winner."""
    return BestTrial(
        number=trial.number,
        value=float(trial.values[0]),
        params=trial.params,
        rounds=int(trial.user_attrs["rounds"]),
    )


def refit(training: Training, best: BestTrial) -> Model:
    """Fit train and val together for as many rounds as the winner had; test stays unseen.

    How rows become numbers stays as train alone taught it.
    """
    train, val = training.parts["train"], training.parts["val"]
    both = Examples(
        matrix=np.concatenate([train.matrix, val.matrix]),
        target=np.concatenate([train.target, val.target]),
        categorical=train.categorical,
    )
    library = learner(training.request.model_type)
    booster = library.fit(
        library.bin(both, None, task=training.plan.task, threads=training.threads),
        task=training.plan.task,
        params=best.params,
        rounds=best.rounds,
        threads=training.threads,
        seed=training.request.optuna_config.seed,
    )
    return Model(training.plan, booster, Postprocess())


def judge(training: Training, model: Model, *, defaults_value: float | None) -> Verdict:
    """Score the refitted model on test, once, beside a constant and the library's defaults.

    Where the metric is undefined on test (a class is absent there), a warning says so.
    """
    test, train = training.parts["test"], training.parts["train"]
    prediction = model.booster.predict(test.matrix)
    constant = constant_prediction(training.plan.task, train.target, rows=len(test.target))
    name = training.metric.name
    baselines = {} if defaults_value is None else {f"val/defaults/{name}": defaults_value}
    try:
        interval = bootstrap_interval(
            training.metric,
            test.target,
            prediction,
            seed=training.request.optuna_config.seed,
        )
        baselines[f"test/constant/{name}"] = training.metric.value(test.target, constant)
    except InvalidInput as error:
        return Verdict(None, {}, baselines, [f"test: {error}"])

    beaten = baselines[f"test/constant/{name}"]
    gain = interval.value - beaten if training.metric.maximize else beaten - interval.value
    return Verdict(
        test=Measure(
            name=name,
            value=interval.value,
            low=interval.low,
            high=interval.high,
            level=interval.level,
        ),
        report=report(training.plan.task, test.target, prediction),
        baselines=baselines,
        warnings=[] if gain > 0 else [f"the model does not beat a constant: {name} {beaten:.6g}"],
    )


def _no_features(columns: list[Column], request: ExperimentRequest) -> list[str]:
    """Name keys, weights, folds and the like: no features, unless somebody asks for them."""
    asked = {request.target_column, *(request.feature_columns or [])}
    return [
        column.name for column in columns if column.role in NOT_LEARNT and column.name not in asked
    ]
