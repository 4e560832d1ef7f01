"""What becomes of the winner: calibrated, refitted on all but test, and judged on test once."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from mlsys.domain.artifacts import Model, Postprocess
from mlsys.domain.choices import ModelType
from mlsys.domain.errors import InvalidInput
from mlsys.domain.evaluation.calibration import Calibration, fit_calibration
from mlsys.domain.evaluation.metrics import constant_prediction
from mlsys.domain.evaluation.reporting import Scored
from mlsys.domain.evaluation.thresholds import Threshold, best_threshold
from mlsys.domain.experiment_records import BestTrial
from mlsys.domain.learners.base import Booster, Examples
from mlsys.domain.learners.table import learner
from mlsys.domain.model_records import Measure
from mlsys.domain.postprocess_wish import PostprocessWish
from mlsys.domain.postprocessing import Bands, Clip
from mlsys.domain.spaces.search import suggested
from mlsys.use_cases.training.held_out import HeldOutName, held_out
from mlsys.use_cases.training.judgement import Judgement, judge
from mlsys.use_cases.training.material import Training
from mlsys.use_cases.training.objective import ROUNDS_ATTR

# Platt's two parameters need few rows; steps follow every accident of as few.
ROWS_FOR_STEPS = 1_000


@dataclass(frozen=True)
class Verdict:
    """How the winner does, on which rows, and what it had to beat.

    Attributes:
        test: the study's metric on test, looked at once; none where it is undefined.
        judgement: all the rest that is known of it, by part.
        held_out: the rows that threshold and calibration were found on.
        threshold: how the threshold was chosen, if that was asked for.
        baselines: what a constant and the defaults of the libraries come to.
    """

    test: Measure | None
    judgement: Judgement
    held_out: HeldOutName
    threshold: Threshold | None
    baselines: dict[str, float]
    warnings: list[str]


@dataclass(frozen=True)
class Winner:
    """The refitted model of the best trial, and how it did."""

    best: BestTrial
    model: Model
    verdict: Verdict


def crown(training: Training, trial: FrozenTrial, trials: Sequence[FrozenTrial]) -> Winner:
    """Find threshold and calibration on rows held out, refit, and judge on test, once.

    Args:
        training: what the study trained on.
        trial: the best of its trials.
        trials: all of them; the first are the defaults of the libraries.

    """
    drawn = suggested(trial.params, training.request.model_types)
    best = BestTrial(
        number=trial.number,
        value=float(trial.values[0]),
        model_type=drawn.model_type,
        params=dict(drawn.params),
        rounds=int(trial.user_attrs[ROUNDS_ATTR]),
    )
    held = held_out(training, drawn)
    calibration, warnings = _calibration(training, held.scored)
    postprocess, threshold = _postprocess(training.request.postprocess, calibration), None
    mended = replace(held.scored, prediction=postprocess.mended(held.scored.prediction))
    if training.threshold_metric is not None:
        threshold = best_threshold(
            training.threshold_metric, mended.target, mended.prediction, weights=mended.weights
        )
        postprocess = postprocess.model_copy(update={"threshold": threshold.threshold})
    model = Model(training.plan, _refitted(training, best), postprocess)
    judgement = judge(training, model, replace(held, scored=mended))
    baselines = _baselines(training, trials)
    return Winner(
        best,
        model,
        Verdict(
            test=judgement.test,
            judgement=judgement,
            held_out=held.name,
            threshold=threshold,
            baselines=baselines,
            warnings=[
                *warnings,
                *judgement.warnings,
                *_unbeaten(training, best.value, judgement.test, baselines),
            ],
        ),
    )


def _calibration(training: Training, scored: Scored) -> tuple[Calibration | None, list[str]]:
    method = training.request.calibration
    if method is None:
        if not training.plan.class_weights:
            return None, []
        return None, ["class_weight distorts probabilities: ask for a calibration to mend them"]
    rows = len(scored.target)
    try:
        found = fit_calibration(method, scored.target, scored.prediction, weights=scored.weights)
    except InvalidInput as error:
        return None, [f"calibration: left out, {error}"]
    if method == "isotonic" and rows < ROWS_FOR_STEPS:
        return found, [f"calibration: isotonic suits {ROWS_FOR_STEPS} rows or more, not {rows}"]
    return found, []


def _postprocess(wish: PostprocessWish | None, calibration: Calibration | None) -> Postprocess:
    if wish is None:
        return Postprocess(calibration=calibration)
    return Postprocess(
        calibration=calibration,
        bands={name: Bands.model_validate(vars(one)) for name, one in wish.bands.items()},
        clip=None if wish.clip is None else Clip.model_validate(vars(wish.clip)),
    )


def _refitted(training: Training, best: BestTrial) -> Booster:
    """Fit train and val together for as many rounds as the winner had; test stays unseen.

    How rows become numbers stays as train alone taught it.
    """
    library = learner(ModelType(best.model_type))
    both = _joined(training.parts["train"], training.parts["val"])
    return library.fit(
        library.bin(both, None, task=training.plan.task, threads=training.threads),
        task=training.plan.task,
        params=best.params,
        rounds=best.rounds,
        threads=training.threads,
        seed=training.request.optuna_config.seed,
    )


def _joined(train: Examples, val: Examples) -> Examples:
    weights = None
    if train.weights is not None and val.weights is not None:
        weights = np.concatenate([train.weights, val.weights])
    return replace(
        train,
        matrix=np.concatenate([train.matrix, val.matrix]),
        target=np.concatenate([train.target, val.target]),
        weights=weights,
    )


def _baselines(training: Training, trials: Sequence[FrozenTrial]) -> dict[str, float]:
    """Name what defaults came to, and score a constant on the same rows, and on test."""
    name, libraries = training.metric.name, len(training.spaces)
    baselines = {}
    for trial in trials:
        if trial.number < libraries and trial.state is TrialState.COMPLETE:
            library = suggested(trial.params, training.request.model_types).model_type
            key = f"val/defaults/{name}" if libraries == 1 else f"val/defaults/{library}/{name}"
            baselines[key] = float(trial.values[0])
    parts = training.parts
    judged = {
        "val": [(fold.train, fold.val) for fold in training.folds],
        "test": [(parts["train"], parts["test"])],
    }
    for part, pairs in judged.items():
        # Where the metric is undefined for a constant, it may still be defined for the model.
        with suppress(InvalidInput):
            values = [_constant(training, train, rows) for train, rows in pairs]
            baselines[f"{part}/constant/{name}"] = fmean(values)
    return baselines


def _constant(training: Training, train: Examples, rows: Examples) -> float:
    prediction = constant_prediction(
        training.plan.task, train.target, rows=len(rows.target), weights=train.weights
    )
    return training.metric.value(rows.target, prediction, weights=rows.weights)


def _unbeaten(
    training: Training, val: float, test: Measure | None, baselines: Mapping[str, float]
) -> list[str]:
    """Say where a constant is as good."""
    name, sign = training.metric.name, 1 if training.metric.maximize else -1
    values = {"val": val} if test is None else {"val": val, "test": test.value}
    return [
        f"the model does not beat a constant on {part}: {name} {constant:.6g}"
        for part, value in values.items()
        if (constant := baselines.get(f"{part}/constant/{name}")) is not None
        and sign * value <= sign * constant
    ]
