"""Formulas of the metrics, each over many weightings of the same rows at once.

Every function takes weights of (r, n), which weigh n rows in r ways, and answers (r,). A plain
score is r = 1; a bootstrap is how often each resample drew each row. What is undefined for a
weighting (one class only, a constant target) is NaN there. All agree with scikit-learn.

Shapes: target (n,) holds class indexes or values; probability is (n,) of class 1, or (n, c).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ranking = Callable[[npt.NDArray[np.bool_], Floats, Floats], Floats]

EPSILON = float(np.finfo(np.float64).eps)


class Counts(NamedTuple):
    """A confusion matrix per weighting, by class: (r, c) each; `total` is (r, 1)."""

    actual: Floats
    predicted: Floats
    correct: Floats
    total: Floats


def mean(losses: Floats, weights: Floats) -> Floats:
    """Return the weighted mean of (n,) losses; NaN if a row that counts has none."""
    undefined = np.isnan(losses)
    if not undefined.any():
        average: Floats = np.einsum("rn,n->r", weights, losses) / weights.sum(axis=1)
        return average
    defined = mean(np.where(undefined, 0, losses), weights)
    return np.where(weights[:, undefined].any(axis=1), np.nan, defined)


def log_losses(target: Floats, probability: Floats) -> Floats:
    """Return (n,) negative logarithms of the true class's probability, at least epsilon.

    In one array, as fits are watched by it: to make others takes longer than all the logarithms.
    """
    if probability.ndim == 1:
        losses: Floats = 1.0 - target
        np.subtract(probability, losses, out=losses)
        np.abs(losses, out=losses)
    else:
        losses = probability[np.arange(len(target)), target.astype(np.intp)]
    np.clip(losses, EPSILON, 1 - EPSILON, out=losses)
    np.log(losses, out=losses)
    return np.negative(losses, out=losses)


def brier_losses(target: Floats, probability: Floats) -> Floats:
    """Return (n,) squared errors of the probabilities, summed over the classes if there are many.

    The multiclass sum is between 0 and 2, the binary one between 0 and 1.
    """
    if probability.ndim == 1:
        return (target - probability) ** 2
    truth = np.eye(probability.shape[1])[target.astype(np.intp)]
    losses: Floats = ((truth - probability) ** 2).sum(axis=1)
    return losses


def squared_losses(target: Floats, value: Floats) -> Floats:
    """Return (n,) squared errors."""
    return (target - value) ** 2


def absolute_losses(target: Floats, value: Floats) -> Floats:
    """Return (n,) absolute errors."""
    return np.abs(target - value)


def relative_losses(target: Floats, value: Floats) -> Floats:
    """Return (n,) absolute errors as a share of the target; NaN where that is 0."""
    return _ratio(np.abs(target - value), np.abs(target))


def squared_log_losses(target: Floats, value: Floats) -> Floats:
    """Return (n,) squared errors of the logarithms of 1 + x; NaN where that has none."""
    logs = np.log1p(np.where(np.minimum(target, value) > -1, (target, value), np.nan))
    losses: Floats = (logs[0] - logs[1]) ** 2
    return losses


def pinball_losses(target: Floats, value: Floats) -> Floats:
    """Return (n,) losses of the median: half of the absolute errors."""
    return np.abs(target - value) / 2


def top_2_hits(target: Floats, probability: Floats) -> Floats:
    """Return (n,) 1 where the true class is among the two likeliest, of equals the later; or 0."""
    likeliest = np.argsort(probability, axis=1, kind="stable")[:, -2:]
    hits: Floats = (likeliest == target[:, None]).any(axis=1).astype(np.float64)
    return hits


def roc_auc(positive: npt.NDArray[np.bool_], score: Floats, weights: Floats) -> Floats:
    """Return the probability that a positive row scores above a negative one, ties as half.

    `positive` and `score` are (n,). The rows are sorted once, whatever r is.
    """
    gains, losses = _by_threshold(positive, score, weights)
    above = gains.sum(axis=1, keepdims=True) - np.cumsum(gains, axis=1)
    pairs = ((above + gains / 2) * losses).sum(axis=1)
    return _ratio(pairs, gains.sum(axis=1) * losses.sum(axis=1))


def average_precision(positive: npt.NDArray[np.bool_], score: Floats, weights: Floats) -> Floats:
    """Return the mean precision over thresholds, weighted by the recall each adds."""
    gains, losses = (sums[:, ::-1] for sums in _by_threshold(positive, score, weights))
    found = np.cumsum(gains, axis=1)
    precision = _ratio(found, found + np.cumsum(losses, axis=1), otherwise=0.0)
    return _ratio((precision * gains).sum(axis=1), gains.sum(axis=1))


def each_against_the_rest(
    score_of: Ranking, target: Floats, probability: Floats, weights: Floats
) -> Floats:
    """Score each class's probability as if the others were one: (r, c)."""
    classes = range(probability.shape[1])
    return np.stack(
        [score_of(target == index, probability[:, index], weights) for index in classes], axis=1
    )


def shares(target: Floats, probability: Floats, weights: Floats) -> Floats:
    """Return how much of the weight is of each class: (r, c)."""
    known = (target[:, None] == np.arange(probability.shape[1])).astype(np.float64)
    return _shares(weights @ known)


def count(target: Floats, predicted: Floats, weights: Floats) -> Counts:
    """Count rows of (n,) true and predicted class indexes, by class (at least two)."""
    classes = max(2, int(max(target.max(), predicted.max())) + 1)
    known, told = (
        (labels[:, None] == np.arange(classes)).astype(np.float64) for labels in (target, predicted)
    )
    return Counts(
        weights @ known, weights @ told, weights @ (known * told), weights.sum(axis=1)[:, None]
    )


def accuracy(counts: Counts) -> Floats:
    """Return the share of all rows that is right."""
    share: Floats = counts.correct.sum(axis=1) / counts.total[:, 0]
    return share


def precision(counts: Counts) -> Floats:
    """Return, by class, the share of the predicted that is right; 0 where none was predicted."""
    return _ratio(counts.correct, counts.predicted, otherwise=0.0)


def recall(counts: Counts) -> Floats:
    """Return, by class, the share of the actual that was found; 0 where there is none."""
    return _ratio(counts.correct, counts.actual, otherwise=0.0)


def f1(counts: Counts) -> Floats:
    """Return, by class, the harmonic mean of precision and recall; 0 where neither exists."""
    return _ratio(2 * counts.correct, counts.actual + counts.predicted, otherwise=0.0)


def macro(by_class: Floats, counts: Counts) -> Floats:
    """Return the plain mean over the classes that occur, as truth or as prediction."""
    return _mean_where((counts.actual + counts.predicted) > 0, by_class)


def weighted(by_class: Floats, counts: Counts) -> Floats:
    """Return the mean over the classes, weighted by how often each occurs as truth."""
    mean_of: Floats = (by_class * _shares(counts.actual)).sum(axis=1)
    return mean_of


def balanced_accuracy(counts: Counts) -> Floats:
    """Return the plain mean of recall over the classes that occur as truth."""
    return _mean_where(counts.actual > 0, recall(counts))


def matthews_corrcoef(counts: Counts) -> Floats:
    """Return the correlation of truth and prediction, -1 to 1; 0 where one is constant."""
    actual, predicted = _shares(counts.actual), _shares(counts.predicted)
    covariance = accuracy(counts) - (actual * predicted).sum(axis=1)
    spread = (1 - (actual**2).sum(axis=1)) * (1 - (predicted**2).sum(axis=1))
    return np.clip(_ratio(covariance, np.sqrt(np.maximum(spread, 0)), otherwise=0.0), -1, 1)


def cohen_kappa(counts: Counts) -> Floats:
    """Return how far truth and prediction agree beyond chance; NaN where both are one class."""
    chance = (_shares(counts.actual) * _shares(counts.predicted)).sum(axis=1)
    return 1 - _ratio(1 - accuracy(counts), 1 - chance)


def r2(target: Floats, value: Floats, weights: Floats) -> Floats:
    """Return the share of the target's variance that is explained."""
    missed = (weights * (target - value) ** 2).sum(axis=1)
    return 1 - _ratio(missed, _spread(target, weights))


def explained_variance(target: Floats, value: Floats, weights: Floats) -> Floats:
    """Return the share of the target's variance that is explained, but for a constant error."""
    return 1 - _ratio(_spread(target - value, weights), _spread(target, weights))


def largest(losses: Floats, weights: Floats) -> Floats:
    """Return the largest of (n,) losses >= 0 of rows that count."""
    most: Floats = np.where(weights > 0, losses, 0.0).max(axis=1)
    return most


def median(losses: Floats, weights: Floats) -> Floats:
    """Return the weighted median of (n,) losses; between two, their mean."""
    order = np.argsort(losses, kind="stable")
    ordered, reached = losses[order], np.cumsum(weights[:, order], axis=1)
    half = reached[:, -1:] / 2
    low = (reached < half).sum(axis=1)
    at_low = np.take_along_axis(reached, low[:, None], axis=1)
    between = (at_low - half <= EPSILON)[:, 0]
    high = np.minimum((reached <= at_low).sum(axis=1), len(ordered) - 1)
    middle: Floats = (ordered[low] + ordered[np.where(between, high, low)]) / 2
    return middle


def _mean_where(occurs: npt.NDArray[np.bool_], by_class: Floats) -> Floats:
    mean_of: Floats = (by_class * occurs).sum(axis=1) / occurs.sum(axis=1)
    return mean_of


def _shares(by_class: Floats) -> Floats:
    """Divide by the sum over the classes, so that an only class has exactly all."""
    parts: Floats = by_class / by_class.sum(axis=1, keepdims=True)
    return parts


def _spread(values: Floats, weights: Floats) -> Floats:
    """Sum the weighted squares around the weighted mean of (n,): 0 if they are all the same."""
    spread = (weights * (values - mean(values, weights)[:, None]) ** 2).sum(axis=1)
    constant = [np.ptp(values[row > 0]) == 0 for row in weights]
    varying: Floats = np.where(constant, 0.0, spread)
    return varying


def _by_threshold(
    positive: npt.NDArray[np.bool_], score: Floats, weights: Floats
) -> tuple[Floats, Floats]:
    """Sum the weights of positives and negatives at each distinct score, ascending: (r, s)."""
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    sorted_weights = weights[:, order]
    gains = np.add.reduceat(sorted_weights * positive[order], starts, axis=1)
    return gains, np.add.reduceat(sorted_weights * ~positive[order], starts, axis=1)


def _ratio(over: Floats, under: Floats, *, otherwise: float = np.nan) -> Floats:
    """Divide, with `otherwise` where the divisor is 0."""
    return np.divide(over, under, out=np.full_like(over, otherwise), where=under > 0)
