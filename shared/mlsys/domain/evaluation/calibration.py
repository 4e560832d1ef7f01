"""Probabilities mended on rows that the model did not learn from.

A curve says, for a probability that a model gives, which share of such rows really is of the
class. Curves never fall, so the order of rows stays. They are stored as numbers in
`postprocess.json`, and `calibrated` is the only place where they are applied.
"""

import sys
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from mlsys.domain.errors import InvalidInput
from mlsys.domain.learners.base import Floats
from mlsys.domain.records import Record

CalibrationMethod = Literal["sigmoid", "isotonic"]

# Odds beyond these are taken for these: 32 bits know no probability between 1 - 3e-8 and 1.
EXTREME = 1e-8
# Of Newton's method: when to end, what keeps a curvature from being flat, which share of the gain
# that the slope promises a step must bring, and how far off a loss may be, of itself: a step that
# gains less cannot be judged by it, and is taken as it is.
MAX_STEPS = 100
FLAT = 1e-14
RIDGE = 1e-12
ENOUGH = 1e-4
ROUNDING = 100 * sys.float_info.epsilon


class Sigmoid(Record):
    """A straight line through the log-odds: Platt, Probabilistic outputs for SVMs (1999)."""

    method: Literal["sigmoid"] = "sigmoid"
    slope: float = Field(ge=0)
    intercept: float

    def of(self, probability: Floats) -> Floats:
        """Mend (n,) probabilities."""
        return _probability(self.slope * _log_odds(probability) + self.intercept)


class Isotonic(Record):
    """Straight lines between points, level beyond the ends: scikit-learn's IsotonicRegression."""

    method: Literal["isotonic"] = "isotonic"
    scores: tuple[float, ...] = Field(min_length=1)
    probabilities: tuple[float, ...] = Field(min_length=1)

    def of(self, probability: Floats) -> Floats:
        """Mend (n,) probabilities."""
        scores, mended = self._points
        return np.clip(np.interp(probability, scores, mended), mended[0], mended[-1])

    @cached_property
    def _points(self) -> tuple[Floats, Floats]:
        return np.array(self.scores), np.array(self.probabilities)


Curve = Annotated[Sigmoid | Isotonic, Field(discriminator="method")]


class Calibration(Record):
    """One curve for the second of two classes, or one for each of many, in our order."""

    curves: tuple[Curve, ...] = Field(min_length=1)

    @property
    def method(self) -> CalibrationMethod:
        """How the curves were found."""
        return self.curves[0].method


def calibrated(calibration: Calibration | None, prediction: Floats) -> Floats:
    """Mend what a model predicts; without a calibration it stays as it is.

    With many classes each is mended against the rest, and each row divided by its sum (a row that
    would sum to 0 says nothing: all its classes are as likely).

    Args:
        calibration: as found by `fit_calibration`.
        prediction: (n,) P(class 1), or (n, c) probabilities.

    Returns:
        The same shape. A row alone and among others gets the same bits.

    >>> calibrated(Calibration(curves=(Sigmoid(slope=1, intercept=0),)), np.array([0.25])).round(9)
    array([0.25])

    """
    if calibration is None:
        return prediction
    if prediction.ndim == 1:
        return calibration.curves[0].of(prediction)
    columns = [curve.of(prediction[:, place]) for place, curve in enumerate(calibration.curves)]
    mended: Floats = np.stack(columns, axis=1)
    total = mended.sum(axis=1, keepdims=True)
    alike = np.full_like(mended, 1 / len(columns))
    shares: Floats = np.divide(mended, total, out=alike, where=total > 0)
    return shares


def fit_calibration(
    method: CalibrationMethod,
    target: Floats,
    prediction: Floats,
    *,
    weights: Floats | None = None,
) -> Calibration:
    """Find the curves on rows that the model did not learn from.

    `sigmoid` moves the targets off 0 and 1 as Platt did, and is fitted by Newton's method: Lin,
    Lin, Weng, A note on Platt's probabilistic outputs (2007). `isotonic` pools adjacent violators.
    Only the ratios of weights matter.

    Args:
        method: `sigmoid` has two parameters and suits hundreds of rows, `isotonic` thousands.
        target: (n,) class indexes.
        prediction: (n,) P(class 1), or (n, c) probabilities.
        weights: (n,) not negative; by default all rows count the same.

    Raises:
        InvalidInput: some class has no row.

    """
    counted = np.ones(len(target)) if weights is None else weights
    classes = 2 if prediction.ndim == 1 else prediction.shape[1]
    rows = np.bincount(target[counted > 0].astype(np.intp), minlength=classes)
    if not rows.all():
        raise InvalidInput(
            f"a calibration needs rows of every class, got {rows.tolist()}, in our order of classes"
        )
    if prediction.ndim == 1:
        return Calibration(curves=(_fitted(method, target, prediction, counted),))
    return Calibration(
        curves=tuple(
            _fitted(method, (target == place).astype(np.float64), column, counted)
            for place, column in enumerate(prediction.T)
        )
    )


def _fitted(
    method: CalibrationMethod, target: Floats, score: Floats, weights: Floats
) -> Sigmoid | Isotonic:
    counts = weights > 0
    target, score, weights = target[counts], score[counts], weights[counts] / weights[counts].mean()
    if method == "isotonic":
        return _isotonic(target, score, weights)
    return _sigmoid(target, _log_odds(score), weights)


def _sigmoid(target: Floats, log_odds: Floats, weights: Floats) -> Sigmoid:
    positive = float(weights @ target)
    negative = float(weights.sum()) - positive
    smooth = np.where(target == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
    share = weights / weights.sum()
    base = float(_log_odds(np.array(share @ smooth)))
    columns = np.stack([log_odds, np.ones_like(log_odds)])
    slope, intercept = _least(np.array([0.0, base]), columns, smooth, share).tolist()
    if slope < 0:  # Higher scores are less likely: the best that does not fall is level.
        slope, intercept = 0.0, base
    return Sigmoid(slope=slope, intercept=intercept)


def _least(start: Floats, columns: Floats, target: Floats, share: Floats) -> Floats:
    """Step to the least loss by Newton's method; a step that overshoots is halved."""
    found, loss, left = start, _loss(start, columns, target, share), MAX_STEPS
    while left and np.abs(gradient := _gradient(found, columns, target, share)).max() > FLAT:
        told = _probability(found @ columns)
        curvature = (columns * (share * told * (1 - told))) @ columns.T + np.eye(2) * RIDGE
        step = -np.linalg.solve(curvature, gradient)
        after = _loss(found + step, columns, target, share)
        while after > loss * (1 + ROUNDING) + ENOUGH * float(gradient @ step):
            step /= 2
            after = _loss(found + step, columns, target, share)
        found, loss, left = found + step, after, left - 1
    return found


def _gradient(parameters: Floats, columns: Floats, target: Floats, share: Floats) -> Floats:
    gradient: Floats = columns @ (share * (_probability(parameters @ columns) - target))
    return gradient


def _loss(parameters: Floats, columns: Floats, target: Floats, share: Floats) -> float:
    raw = parameters @ columns
    return float(share @ (np.logaddexp(0, raw) - target * raw))


def _isotonic(target: Floats, score: Floats, weights: Floats) -> Isotonic:
    scores, group = np.unique(score, return_inverse=True)
    sums: list[float] = []
    totals: list[float] = []
    sizes: list[int] = []
    for gained, weighed in zip(
        np.bincount(group, weights * target).tolist(),
        np.bincount(group, weights).tolist(),
        strict=True,
    ):
        gain, weight, size = gained, weighed, 1
        while sums and sums[-1] * weight >= gain * totals[-1]:
            gain, weight, size = gain + sums.pop(), weight + totals.pop(), size + sizes.pop()
        sums.append(gain)
        totals.append(weight)
        sizes.append(size)
    ends = np.cumsum(sizes)
    corners = np.stack([ends - sizes, ends - 1], axis=1).ravel()
    kept, places = np.unique(corners, return_index=True)
    mended = np.repeat(np.array(sums) / np.array(totals), 2)[places]
    return Isotonic(scores=tuple(scores[kept].tolist()), probabilities=tuple(mended.tolist()))


def _log_odds(probability: Floats) -> Floats:
    inside = np.clip(probability, EXTREME, 1 - EXTREME)
    log_odds: Floats = np.log(inside) - np.log1p(-inside)
    return log_odds


def _probability(log_odds: Floats) -> Floats:
    probability: Floats = np.exp(-np.logaddexp(0, -log_odds))
    return probability
