"""How good a prediction is: scikit-learn's metrics by scikit-learn's names, with an interval.

Predictions have the shapes of `Booster.predict`: (n,) values or P(class 1), or (n, c)
probabilities. A metric that the rows cannot tell (one class only) is an error, never NaN.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from mlsys.domain.errors import InvalidInput
from mlsys.domain.evaluation.formulas import ALIASES, FORMULAS, MULTICLASS_ALIASES, Formula
from mlsys.domain.learners.base import Floats, Task

# Weights of this many rows are held at once, in 8 bytes each.
CHUNK = 4_000_000
DRAWS_PER_RESAMPLE = 10


@dataclass(frozen=True)
class Metric:
    """A metric that fits a task. `name` is scikit-learn's; `uses_threshold` says it needs one."""

    name: str
    task: Task
    maximize: bool
    uses_threshold: bool

    def value(
        self,
        target: Floats,
        prediction: Floats,
        *,
        weights: Floats | None = None,
        threshold: float = 0.5,
    ) -> float:
        """Score a prediction.

        Args:
            target: (n,) class indexes or values, n >= 1.
            prediction: (n,) or (n, c), see above.
            weights: (n,) not negative, not all 0; by default all rows count the same.
            threshold: P(class 1) from which on a row is said to be of class 1; binary only.

        Raises:
            InvalidInput: shapes differ, something is not finite, or the metric is undefined.

        >>> auc = resolve_metric("auc", Task("binary", 2))
        >>> auc.value(np.array([0.0, 1.0, 1.0]), np.array([0.1, 0.1, 0.9]))
        0.75

        """
        score = self.on(target, weights=weights, threshold=threshold)
        _check_prediction(self.task, target, prediction)
        value = score(prediction)
        if np.isnan(value):
            raise InvalidInput(f"{self.name} is undefined here: {_formula(self).demand}")
        return value

    def on(
        self, target: Floats, *, weights: Floats | None = None, threshold: float = 0.5
    ) -> Callable[[Floats], float]:
        """Return what scores many predictions for the same rows, which are checked only here.

        It checks no prediction; where that is not finite or undefined, its value is neither.
        Arguments and errors are those of `value`.

        >>> score = resolve_metric("rmse", Task("regression")).on(np.array([0.0, 3.0]))
        >>> score(np.array([3.0, 0.0])), score(np.array([0.0, np.inf]))
        (3.0, inf)

        """
        checked = _checked_weights(self.task, target, weights)[None, :]
        of = _formula(self).of
        return lambda prediction: float(of(target, _told(self, prediction, threshold), checked)[0])


@dataclass(frozen=True)
class Interval:
    """A metric and what it might have been on other rows of the same kind."""

    value: float
    low: float
    high: float
    level: float
    resamples: int
    method: str


def resolve_metric(name: str | None, task: Task) -> Metric:
    """Find a metric by scikit-learn's name or a usual alias; None is the task's default.

    Raises:
        InvalidInput: it does not exist or does not fit; the message lists what does.

    >>> resolve_metric("RMSE", Task("regression")).name
    'root_mean_squared_error'

    """
    table = FORMULAS[task.kind]
    if name is None:
        canonical = next(iter(table))
    else:
        plain = name.strip().lower().removeprefix("neg_")
        canonical = ALIASES.get(plain, plain)
        if task.kind == "multiclass":
            canonical = MULTICLASS_ALIASES.get(canonical, canonical)
    if canonical not in table:
        raise InvalidInput(
            f"metric_name: {str(name)[:80]!r} does not fit a {task.kind} task; "
            f"these do: {', '.join(table)}"
        )
    formula = table[canonical]
    uses_threshold = formula.labels and task.kind == "binary"
    return Metric(canonical, task, formula.maximize, uses_threshold)


def report(
    task: Task,
    target: Floats,
    prediction: Floats,
    *,
    weights: Floats | None = None,
    threshold: float = 0.5,
) -> dict[str, float]:
    """Score a prediction by every metric that fits the task and is defined on these rows.

    Arguments and errors are those of `Metric.value`; an undefined metric is left out.
    """
    checked = _checked_weights(task, target, weights)[None, :]
    _check_prediction(task, target, prediction)
    values = {}
    for name, formula in FORMULAS[task.kind].items():
        told = _told(resolve_metric(name, task), prediction, threshold)
        [value] = formula.of(target, told, checked)
        if not np.isnan(value):
            values[name] = float(value)
    return values


def bootstrap_interval(
    metric: Metric,
    target: Floats,
    prediction: Floats,
    *,
    seed: int,
    weights: Floats | None = None,
    threshold: float = 0.5,
    resamples: int = 1000,
    level: float = 0.95,
) -> Interval:
    """Say how far a metric may be off, by the percentile bootstrap over rows.

    Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter 13. A resample on which
    the metric is undefined (a class was not drawn) is drawn anew. The same seed gives the same
    interval. It speaks of other rows, not of other fits of the model.

    Args:
        metric: what to compute; `target`, `prediction`, `weights`, `threshold` are its own.
        target: (n,).
        prediction: (n,) or (n, c).
        seed: any integer >= 0.
        weights: (n,), drawn along with their rows.
        threshold: as in `Metric.value`.
        resamples: how many, at least 1.
        level: the interval's coverage, in (0, 1).

    Raises:
        InvalidInput: as `Metric.value`; or hardly any resample defines the metric.

    Costs 10 to 70 ns for each row of each resample.
    """
    if resamples < 1 or not 0 < level < 1:
        raise InvalidInput(f"want resamples >= 1 and 0 < level < 1, got {resamples} and {level}")
    value = metric.value(target, prediction, weights=weights, threshold=threshold)
    told, of = _told(metric, prediction, threshold), _formula(metric).of
    drawn = np.empty(0)
    for counts in _resampled(len(target), seed=seed, resamples=resamples):
        drawn_weights = counts if weights is None else counts * weights
        some = drawn_weights.sum(axis=1) > 0
        values = of(target, told, drawn_weights[some])
        drawn = np.concatenate((drawn, values[~np.isnan(values)]))[:resamples]
        if len(drawn) == resamples:
            break
    else:
        raise InvalidInput(
            f"{metric.name}: of {resamples * DRAWS_PER_RESAMPLE} resamples only {len(drawn)} "
            f"define it; {_formula(metric).demand}"
        )
    tail = (1 - level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Interval(value, float(low), float(high), level, resamples, "percentile bootstrap")


def constant_prediction(
    task: Task, train_target: Floats, *, rows: int, weights: Floats | None = None
) -> Floats:
    """Predict every row alike: the classes' shares in train, or the mean. The baseline to beat.

    Args:
        task: decides the shape of the answer.
        train_target: (m,) class indexes or values, m >= 1.
        rows: how many rows to predict.
        weights: (m,) how much each row of train counts; by default all the same.

    Returns:
        (rows,) values or P(class 1), or (rows, n_classes) probabilities.

    """
    if task.kind != "multiclass":
        return np.full(rows, np.average(train_target, weights=weights))
    totals = np.bincount(train_target.astype(np.intp), weights, minlength=task.n_classes)
    return np.tile(totals / totals.sum(), (rows, 1))


def _checked_weights(task: Task, target: Floats, weights: Floats | None) -> Floats:
    rows = len(target)
    if rows == 0:
        raise InvalidInput("a metric needs at least one row")
    if target.shape != (rows,) or not np.isfinite(target).all():
        raise InvalidInput(f"a metric needs finite targets of ({rows},), got {target.shape}")
    if task.kind != "regression" and not np.isin(target, np.arange(task.n_classes)).all():
        raise InvalidInput(f"a target must hold class indexes, 0 to {task.n_classes - 1}")
    if weights is None:
        return np.ones(rows)
    if weights.shape != (rows,) or not np.isfinite(weights).all():
        raise InvalidInput(f"want finite weights of ({rows},), got {weights.shape}")
    if (weights < 0).any() or not weights.any():
        raise InvalidInput("weights must not be negative, nor all 0")
    return weights


def _check_prediction(task: Task, target: Floats, prediction: Floats) -> None:
    wanted = (len(target), task.n_classes) if task.kind == "multiclass" else (len(target),)
    if prediction.shape != wanted:
        raise InvalidInput(
            f"want a prediction of {wanted} for a target of {target.shape}, got {prediction.shape}"
        )
    if not np.isfinite(prediction).all():
        raise InvalidInput("a metric needs finite predictions")


def _formula(metric: Metric) -> Formula:
    return FORMULAS[metric.task.kind][metric.name]


def _told(metric: Metric, prediction: Floats, threshold: float) -> Floats:
    """Turn probabilities into class indexes where the metric is about labels."""
    if not _formula(metric).labels:
        return prediction
    if metric.task.kind == "binary":
        return (prediction >= threshold).astype(np.float64)
    likeliest: Floats = prediction.argmax(axis=1).astype(np.float64)
    return likeliest


def _resampled(rows: int, *, seed: int, resamples: int) -> Iterator[Floats]:
    """Yield how often each row is drawn: (some, rows), at most DRAWS_PER_RESAMPLE x resamples."""
    generator = np.random.default_rng(seed)
    at_once = min(max(1, CHUNK // rows), resamples)
    left = resamples * DRAWS_PER_RESAMPLE
    while left > 0:
        some = min(at_once, left)
        drawn = generator.integers(0, rows, size=(some, rows))
        flat = (drawn + rows * np.arange(some)[:, None]).ravel()
        yield np.bincount(flat, minlength=some * rows).reshape(some, rows).astype(np.float64)
        left -= some
