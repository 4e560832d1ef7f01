"""Curves of one class against the rest as points: few enough to be drawn, with exact ends."""

import numpy as np
import numpy.typing as npt

from mlsys.domain.learners.base import Floats
from mlsys.domain.records import Record

MAX_POINTS = 200
BINS = 10

Places = npt.NDArray[np.intp]


class Roc(Record):
    """Where one stands with each threshold; with the first, which is null, nothing is said."""

    false_positive_rate: list[float]
    true_positive_rate: list[float]
    thresholds: list[float | None]


class PrecisionRecall(Record):
    """Where one stands with each threshold; with the last, which is null, nothing is said."""

    precision: list[float]
    recall: list[float]
    thresholds: list[float | None]


class Reliability(Record):
    """In bins of about as many rows: what was said on average, and which share really was so."""

    predicted: list[float]
    observed: list[float]
    rows: list[int]


class Curves(Record):
    """What one class against the rest looks like; what the rows cannot tell is absent."""

    roc: Roc | None = None
    precision_recall: PrecisionRecall | None = None
    reliability: Reliability


def curves_of(positive: Floats, score: Floats, weights: Floats) -> Curves:
    """Draw scikit-learn's roc_curve, precision_recall_curve and calibration_curve.

    Args:
        positive: (n,) 0 or 1, n >= 1.
        score: (n,) P(1).
        weights: (n,) not negative, not all 0.

    Returns:
        At most 200 points of each of the first two, 10 of the last, whose bins are quantiles.

    """
    scores, hits, misses = _from_the_top(positive, score, weights)
    told: list[float | None] = [None, *scores.tolist()]
    some = spread(len(told), MAX_POINTS)
    thresholds = [told[place] for place in some.tolist()]
    roc = precision_recall = None
    if hits[-1] > 0:
        precision = np.divide(hits, hits + misses, out=np.ones_like(hits), where=hits + misses > 0)
        precision_recall = PrecisionRecall(
            precision=precision[some][::-1].tolist(),
            recall=(hits / hits[-1])[some][::-1].tolist(),
            thresholds=thresholds[::-1],
        )
        if misses[-1] > 0:
            roc = Roc(
                false_positive_rate=(misses / misses[-1])[some].tolist(),
                true_positive_rate=(hits / hits[-1])[some].tolist(),
                thresholds=thresholds,
            )
    return Curves(
        roc=roc,
        precision_recall=precision_recall,
        reliability=_reliability(positive, score, weights),
    )


def spread(size: int, most: int) -> Places:
    """Choose at most `most` of `size` places, evenly, with the first and the last."""
    return np.unique(np.linspace(0, size - 1, min(size, most)).round().astype(np.intp))


def _from_the_top(
    positive: Floats, score: Floats, weights: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return the distinct scores, falling, and what they and all above hit and miss: from 0 on."""
    scores, group = np.unique(-score, return_inverse=True)
    sums = [
        np.concatenate(
            ([0.0], np.cumsum(np.bincount(group, weights * kind, minlength=len(scores))))
        )
        for kind in (positive, 1 - positive)
    ]
    return -scores, sums[0], sums[1]


def _reliability(positive: Floats, score: Floats, weights: Floats) -> Reliability:
    edges = np.quantile(score, np.linspace(0, 1, BINS + 1)[1:-1])
    group = np.searchsorted(edges, score)
    rows, weight, said, was = (
        np.bincount(group, of, minlength=BINS)
        for of in (np.ones_like(score), weights, weights * score, weights * positive)
    )
    some = weight > 0
    return Reliability(
        predicted=(said[some] / weight[some]).tolist(),
        observed=(was[some] / weight[some]).tolist(),
        rows=rows[some].astype(int).tolist(),
    )
