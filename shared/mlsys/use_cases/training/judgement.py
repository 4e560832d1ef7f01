"""How the refitted winner does: on test once, on the rows held out, and on what it learnt from."""

from collections.abc import Mapping
from dataclasses import dataclass

from mlsys.domain.artifacts import Model
from mlsys.domain.errors import InvalidInput
from mlsys.domain.evaluation.metrics import bootstrap_interval
from mlsys.domain.evaluation.reporting import (
    Evaluation,
    Scored,
    SliceMetrics,
    evaluate,
    slice_metrics,
)
from mlsys.domain.evaluation.slicing import slicing_of
from mlsys.domain.model_records import Measure
from mlsys.domain.records import Part
from mlsys.use_cases.training.held_out import HeldOut
from mlsys.use_cases.training.material import Training

Slices = dict[str, dict[str, list[SliceMetrics]]]


@dataclass(frozen=True)
class Judgement:
    """What `metrics.json` says of each part: `val` or `out_of_fold`, `test` and `train`.

    Attributes:
        test: the study's metric on test; none where it is undefined.
        parts: a part without rows is absent.
        slices: by column and part the metrics of each slice.
        warnings: what could not be told, and why.
    """

    test: Measure | None
    parts: dict[str, Evaluation]
    slices: Slices
    warnings: list[str]


def judge(training: Training, model: Model, held: HeldOut) -> Judgement:
    """Judge the refitted model on test, once, and on train; and what it was chosen by.

    Where the metric is undefined on test (a class is absent there), a warning says so.

    Args:
        training: what the study trained on.
        model: the winner, refitted.
        held: what the winner predicted for rows held out, calibrated.

    """
    scored: dict[str, Scored] = {held.name: held.scored}
    for part in ("test", "train"):
        rows = training.parts[part]
        if len(rows.target):
            scored[part] = Scored(rows.target, model.predict(rows.matrix), rows.weights)
    threshold = model.postprocess.threshold
    measures: dict[str, Measure] = {}
    warnings = [] if "test" in scored else ["test: there are no rows"]
    for name in scored.keys() - {"train"}:
        try:
            measures[name] = _measured(training, scored[name], threshold)
        except InvalidInput as error:
            warnings.append(f"{name}: {error}")
    return Judgement(
        test=measures.get("test"),
        parts={
            name: evaluate(
                training.plan.task,
                training.plan.labels,
                rows,
                threshold=threshold,
                learnt_from=name == "train",
                interval=measures.get(name),
            )
            for name, rows in scored.items()
        },
        slices=_slices(training, scored, held, threshold),
        warnings=warnings,
    )


def _measured(training: Training, scored: Scored, threshold: float) -> Measure:
    interval = bootstrap_interval(
        training.metric,
        scored.target,
        scored.prediction,
        seed=training.request.optuna_config.seed,
        weights=scored.weights,
        threshold=threshold,
    )
    return Measure(
        name=training.metric.name,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        level=interval.level,
    )


def _slices(
    training: Training, scored: Mapping[str, Scored], held: HeldOut, threshold: float
) -> Slices:
    sources: dict[str, Part] = {held.name: held.part, "test": "test"}
    slices: Slices = {}
    for column in training.slices["train"]:
        slicing = slicing_of(column)
        slices[column.name] = {
            name: [
                slice_metrics(training.plan.task, called, scored[name].where(rows), threshold)
                for called, rows in slicing.rows_of(training.slices[part][column.name])
            ]
            for name, part in sources.items()
            if name in scored
        }
    return slices
