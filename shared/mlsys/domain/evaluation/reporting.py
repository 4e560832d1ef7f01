"""What `metrics.json` says of one part: more than a number, less than the rows."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlsys.domain.evaluation import scores
from mlsys.domain.evaluation.curves import Curves, curves_of, spread
from mlsys.domain.evaluation.metrics import report
from mlsys.domain.features import Label
from mlsys.domain.learners.base import Floats, Task
from mlsys.domain.model_records import Measure
from mlsys.domain.records import Record

MAX_CLASSES_IN_FULL = 50
MAX_CURVES = 10
MAX_PAIRS = 200
SHARES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)


@dataclass(frozen=True)
class Scored:
    """Rows with what was predicted for them.

    Attributes:
        target: (n,) class indexes or values.
        prediction: (n,) values or P(class 1), or (n, c) probabilities.
        weights: (n,), if rows do not all count the same.
    """

    target: Floats
    prediction: Floats
    weights: Floats | None = None

    def where(self, rows: npt.NDArray[np.bool_]) -> "Scored":
        """Keep some of the rows."""
        weights = None if self.weights is None else self.weights[rows]
        return Scored(self.target[rows], self.prediction[rows], weights)


class OfClass(Record):
    """One class against the rest; `support` is the weight of its rows, or how many there are."""

    label: Label
    precision: float
    recall: float
    f1: float
    support: float
    curves: Curves | None = None


class Confusion(Record):
    """What is (a row each) and what was said (a column each), by class in our order."""

    labels: tuple[Label, ...]
    matrix: list[list[float]]


class Residuals(Record):
    """How far targets lie above predictions: `values[i]` is the quantile `quantiles[i]`."""

    quantiles: tuple[float, ...] = SHARES
    values: list[float]
    mean: float


class Pairs(Record):
    """Some rows, evenly from the lowest prediction to the highest."""

    predicted: list[float]
    actual: list[float]


class Evaluation(Record):
    """One part, judged. What does not apply to the task, or cannot be told, is absent.

    Attributes:
        rows: how many there are.
        learnt_from: whether the model that is judged learnt from these rows: if so, its metrics
            say nothing about others.
        metrics: all that fit the task and are defined here.
        interval: of the study's metric.
        classes: the classes in our order, up to 50, with curves up to 10 (of two only the second).
        confusion: up to 50 classes.
        residuals: of a regression.
        pairs: of a regression, at most 200 of them.
    """

    rows: int
    learnt_from: bool
    metrics: dict[str, float]
    interval: Measure | None = None
    classes: list[OfClass] | None = None
    confusion: Confusion | None = None
    residuals: Residuals | None = None
    pairs: Pairs | None = None


class SliceMetrics(Record):
    """The rows of one slice: one value, the values of a bin, or all others together."""

    slice: str
    rows: int
    metrics: dict[str, float]


def evaluate(
    task: Task,
    labels: tuple[Label, ...],
    scored: Scored,
    *,
    threshold: float,
    learnt_from: bool,
    interval: Measure | None = None,
) -> Evaluation:
    """Say all that can be told about a part.

    Args:
        task: what is predicted.
        labels: the classes in our order; () for a regression.
        scored: n >= 1 rows.
        threshold: P(class 1) from which on a row is said to be of class 1; binary only.
        learnt_from: see `Evaluation`.
        interval: of the study's metric, if it was computed.

    Raises:
        InvalidInput: there are no rows, or they are not what a metric needs.

    """
    weights = np.ones(len(scored.target)) if scored.weights is None else scored.weights
    regression = task.kind == "regression"
    in_full = not regression and len(labels) <= MAX_CLASSES_IN_FULL
    told = _told(task, scored.prediction, threshold)
    return Evaluation(
        rows=len(scored.target),
        learnt_from=learnt_from,
        metrics=_metrics(task, scored, threshold),
        interval=interval,
        classes=_classes(labels, scored, told, weights) if in_full else None,
        confusion=_confusion(labels, scored.target, told, weights) if in_full else None,
        residuals=_residuals(scored) if regression else None,
        pairs=_pairs(scored) if regression else None,
    )


def slice_metrics(task: Task, name: str, scored: Scored, threshold: float) -> SliceMetrics:
    """Score one slice of n >= 1 rows; if none has any weight, there is nothing to be told."""
    weightless = scored.weights is not None and not scored.weights.any()
    metrics = {} if weightless else _metrics(task, scored, threshold)
    return SliceMetrics(slice=name, rows=len(scored.target), metrics=metrics)


def _metrics(task: Task, scored: Scored, threshold: float) -> dict[str, float]:
    return report(
        task, scored.target, scored.prediction, weights=scored.weights, threshold=threshold
    )


def _told(task: Task, prediction: Floats, threshold: float) -> Floats:
    if task.kind == "multiclass":
        likeliest: Floats = prediction.argmax(axis=1).astype(np.float64)
        return likeliest
    return (prediction >= threshold).astype(np.float64)


def _classes(
    labels: tuple[Label, ...], scored: Scored, told: Floats, weights: Floats
) -> list[OfClass]:
    classes = []
    for place, label in enumerate(labels):
        positive = (scored.target == place).astype(np.float64)
        [precision], [recall], [f1], [support] = (
            of(scores.count(positive, (told == place).astype(np.float64), weights[None, :]))[:, 1]
            for of in (scores.precision, scores.recall, scores.f1, lambda counts: counts.actual)
        )
        classes.append(
            OfClass(
                label=label,
                precision=precision,
                recall=recall,
                f1=f1,
                support=support,
                curves=_curves(scored.prediction, place, len(labels), positive, weights),
            )
        )
    return classes


def _curves(
    prediction: Floats, place: int, classes: int, positive: Floats, weights: Floats
) -> Curves | None:
    if prediction.ndim == 1:
        return curves_of(positive, prediction, weights) if place else None
    return curves_of(positive, prediction[:, place], weights) if classes <= MAX_CURVES else None


def _confusion(
    labels: tuple[Label, ...], target: Floats, told: Floats, weights: Floats
) -> Confusion:
    size = len(labels)
    cells = (target * size + told).astype(np.intp)
    matrix = np.bincount(cells, weights, minlength=size**2).reshape(size, size)
    return Confusion(labels=labels, matrix=matrix.tolist())


def _residuals(scored: Scored) -> Residuals:
    residuals = scored.target - scored.prediction
    if scored.weights is None:
        values = np.quantile(residuals, SHARES)
    else:
        values = np.quantile(residuals, SHARES, weights=scored.weights, method="inverted_cdf")
    return Residuals(
        values=values.tolist(), mean=float(np.average(residuals, weights=scored.weights))
    )


def _pairs(scored: Scored) -> Pairs:
    order = np.argsort(scored.prediction, kind="stable")
    some = order[spread(len(order), MAX_PAIRS)]
    return Pairs(predicted=scored.prediction[some].tolist(), actual=scored.target[some].tolist())
