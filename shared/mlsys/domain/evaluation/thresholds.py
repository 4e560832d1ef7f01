"""From which probability on a row is said to be of the second class."""

from dataclasses import dataclass

import numpy as np

from mlsys.domain.errors import InvalidInput
from mlsys.domain.evaluation.formulas import FORMULAS
from mlsys.domain.evaluation.metrics import Metric, resolve_metric
from mlsys.domain.learners.base import Floats, Task

UNDECIDED = 0.5
# The four kinds of rows that there are: true class, and what was said.
TRUE, TOLD = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.0, 1.0, 0.0, 1.0])
# Sums of weights in another order differ by so much, and are not better for it.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Threshold:
    """A threshold, and what the metric that it was chosen for came to."""

    threshold: float
    value: float


def threshold_metric_of(name: str | None, task: Task) -> Metric | None:
    """Find the metric that a threshold is chosen for; none, if none is named.

    Raises:
        InvalidInput: there are not two classes.

    """
    if name is None:
        return None
    if task.kind != "binary":
        raise InvalidInput(
            f"threshold_metric: two classes have a threshold, and this is {task.kind}; leave it out"
        )
    return resolve_metric(name, task)


def best_threshold(
    metric: Metric, target: Floats, probability: Floats, *, weights: Floats | None = None
) -> Threshold:
    """Find the threshold under which the metric is best, exactly.

    Looked at are all distinct probabilities, 0.5, and one that no row reaches. Of thresholds that
    are as good the one next to 0.5 is taken, and of two as near the lower.

    Args:
        metric: one that needs a threshold.
        target: (n,) 0 or 1, n >= 1.
        probability: (n,) P(class 1).
        weights: (n,) not negative, not all 0.

    Raises:
        InvalidInput: as `Metric.value`.

    Costs one sort.

    >>> f1 = resolve_metric("f1", Task("binary", 2))
    >>> best_threshold(f1, np.array([0.0, 1.0, 1.0]), np.array([0.1, 0.2, 0.3])).threshold
    0.2

    """
    metric.value(target, probability, weights=weights)
    counted = np.ones(len(target)) if weights is None else weights
    beyond = min(1.0, float(np.nextafter(probability.max(), 2.0)))
    thresholds = np.unique(np.concatenate((probability, [UNDECIDED, beyond])))
    place = np.searchsorted(thresholds, probability)
    below = [
        np.cumsum(np.bincount(place, counted * (target == kind), minlength=len(thresholds)))
        for kind in (0, 1)
    ]
    missed = [np.concatenate(([0.0], sums[:-1])) for sums in below]
    cells = [missed[0], below[0][-1] - missed[0], missed[1], below[1][-1] - missed[1]]
    values = FORMULAS["binary"][metric.name].of(TRUE, TOLD, np.maximum(np.stack(cells, axis=1), 0))
    rank = np.where(np.isnan(values), -np.inf, values if metric.maximize else -values)
    best = thresholds[rank >= rank.max() - ROUNDING]
    threshold = float(best[np.argmin(np.abs(best - UNDECIDED))])
    value = metric.value(target, probability, weights=weights, threshold=threshold)
    return Threshold(threshold, value)
