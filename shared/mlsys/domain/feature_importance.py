"""Which features a model goes by: how far they move answers, and what permuting them costs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from mlsys.domain.artifacts import Model
from mlsys.domain.errors import InvalidInput
from mlsys.domain.evaluation.metrics import Metric
from mlsys.domain.learners.base import Examples, Floats

# Contributions that are held at once, in 8 bytes each.
AT_ONCE = 4_000_000
MAX_PREDICTIONS = 10_000_000
MAX_SWARMS = 20


@dataclass(frozen=True)
class Swarm:
    """Every row's contributions of the most important features, the first first, to be drawn.

    Attributes:
        places: (f,) which features of the plan.
        contributions: (n, f) in 32 bits.
        values: (n, f) what the rows hold there, as the model takes it, in 32 bits.
    """

    places: tuple[int, ...]
    contributions: npt.NDArray[np.float32]
    values: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Ranking:
    """What each feature matters, (k,), and on how many rows that was found.

    Attributes:
        by_class: (n_classes, k) of many classes each; `scores` are their sums.
        deviations: (k,) how far repetitions differ, the population's standard deviation.
        metric_value: what the metric is while nothing is permuted.
        swarm: of one score for each row.
    """

    scores: Floats
    rows: int
    by_class: Floats | None = None
    deviations: Floats | None = None
    metric_value: float | None = None
    swarm: Swarm | None = field(default=None, repr=False)


def rank_by_shap(model: Model, matrix: Floats) -> Ranking:
    """Take the mean absolute contribution of each feature, over (n, k) rows, n >= 1.

    Lundberg and Lee, A unified approach to interpreting model predictions (2017). Rows are looked
    at in batches, so that memory does not grow with them, but for 4 bytes for each cell.
    """
    rows, features = matrix.shape
    classes = len(model.plan.labels) if model.plan.task_kind == "multiclass" else 1
    if classes > 1:
        by_class = np.zeros((classes, features))
        for _, part in _contributions(model, matrix, cells=classes * (features + 1)):
            by_class += np.abs(part).sum(axis=0)
        by_class /= rows
        return Ranking(by_class.sum(axis=0), rows, by_class=by_class)
    scores, kept = np.zeros(features), np.empty((rows, features), dtype=np.float32)
    for where, part in _contributions(model, matrix, cells=features + 1):
        scores += np.abs(part).sum(axis=0)
        kept[where] = part
    places = np.argsort(-scores, kind="stable")[:MAX_SWARMS]
    swarm = Swarm(tuple(places.tolist()), kept[:, places], matrix[:, places].astype(np.float32))
    return Ranking(scores / rows, rows, swarm=swarm)


def rank_by_permutation(
    model: Model, examples: Examples, metric: Metric, *, repeats: int, seed: int
) -> Ranking:
    """Say by how much the metric gets worse where a column is permuted: the mean of all repeats.

    Breiman, Random forests (2001); as scikit-learn's `permutation_importance`. It is of the
    answers as people see them, calibrated and clipped. Less than 0 is chance.

    Args:
        model: what is asked.
        examples: n >= 1 rows that it was not trained on, with their target and weights.
        metric: what is looked at.
        repeats: how often each column is permuted, at least once.
        seed: any integer >= 0; the same seed gives the same ranking.

    Raises:
        InvalidInput: the metric is undefined on these rows, or there are too many to predict.

    """
    rows, features = examples.matrix.shape
    if (wanted := prod((rows, features, repeats))) > MAX_PREDICTIONS:
        raise InvalidInput(
            f"{rows} rows, {features} features and {repeats} repeats are {wanted} predictions, "
            f"more than {MAX_PREDICTIONS}: ask for fewer max_samples or repeats"
        )

    def value(matrix: Floats) -> float:
        return metric.value(
            examples.target,
            model.predict(matrix),
            weights=examples.weights,
            threshold=model.postprocess.threshold,
        )

    whole = value(examples.matrix)
    generator = np.random.default_rng(seed)
    permuted = examples.matrix.copy()
    losses = np.empty((repeats, features))
    for place in range(features):
        column = examples.matrix[:, place]
        for repeat in range(repeats):
            permuted[:, place] = generator.permutation(column)
            losses[repeat, place] = whole - value(permuted)
        permuted[:, place] = column
    losses *= 1 if metric.maximize else -1
    return Ranking(losses.mean(axis=0), rows, deviations=losses.std(axis=0), metric_value=whole)


def rank_by_library(model: Model) -> Ranking:
    """Take the library's own importance, which needs no rows."""
    return Ranking(model.booster.importance(), 0)


def _contributions(
    model: Model, matrix: Floats, *, cells: int
) -> Iterator[tuple[slice, npt.NDArray[Any]]]:
    """Yield contributions without the base value, and of which rows they are."""
    step = max(1, AT_ONCE // cells)
    for start in range(0, len(matrix), step):
        where = slice(start, start + step)
        yield where, model.booster.contributions(matrix[where])[..., :-1]
