"""What becomes of the winner: refitted on all but test, and judged on test once."""

from dataclasses import dataclass

import numpy as np
from optuna.trial import FrozenTrial

from mlsys.domain.artifacts import Model, Postprocess
from mlsys.domain.errors import InvalidInput
from mlsys.domain.learners.base import Examples
from mlsys.domain.learners.table import learner
from mlsys.domain.messages import ModelType
from mlsys.domain.metrics import bootstrap_interval, constant_prediction, report
from mlsys.domain.records import BestTrial, Measure
from mlsys.domain.search import suggested
from mlsys.use_cases.training.material import Training
from mlsys.use_cases.training.objective import ROUNDS_ATTR


@dataclass(frozen=True)
class Verdict:
    """How the refitted winner did on test, looked at once, and what it had to beat."""

    test: Measure | None
    report: dict[str, float]
    baselines: dict[str, float]
    warnings: list[str]


@dataclass(frozen=True)
class Winner:
    """The refitted model of the best trial, and how it did."""

    best: BestTrial
    model: Model
    verdict: Verdict


def best_of(trial: FrozenTrial, training: Training) -> BestTrial:
    """Describe the winner."""
    drawn = suggested(trial.params, training.request.model_types)
    return BestTrial(
        number=trial.number,
        value=float(trial.values[0]),
        model_type=drawn.model_type,
        params=dict(drawn.params),
        rounds=int(trial.user_attrs[ROUNDS_ATTR]),
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
    library = learner(ModelType(best.model_type))
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
