"""Small tables that the three libraries can learn from, and a fit in one line."""

from dataclasses import replace
from typing import Any

import numpy as np

from mlsys.domain.evaluation.metrics import Metric, resolve_metric
from mlsys.domain.learners.base import (
    Booster,
    Examples,
    Floats,
    Learner,
    Monitor,
    Params,
    Patience,
    Task,
)

BINARY, MULTICLASS, REGRESSION = Task("binary", 2), Task("multiclass", 3), Task("regression")
CATEGORIES = 5
SIGNAL, CATEGORY, CONSTANT, NOISE = range(4)
UNKNOWN = 77.0
# The most that 32 bits lose on the way to a prediction.
CLOSE = 1e-5


def examples(
    task: Task, *, rows: int = 600, seed: int = 0, categories: bool = True, missing: bool = True
) -> Examples:
    """Four columns, by the names above; the target follows the first two, with some noise."""
    generator = np.random.default_rng(seed)
    matrix = generator.normal(size=(rows, 4))
    matrix[:, CONSTANT] = 1.0
    if categories:
        matrix[:, CATEGORY] = np.arange(rows) % CATEGORIES
    raw = 2 * matrix[:, SIGNAL] + (matrix[:, CATEGORY] - 2) ** 2 + generator.normal(size=rows) / 2
    if missing:
        matrix[generator.random((rows, 4)) < 0.1] = np.nan
    target = {
        "binary": lambda: (raw > 2).astype(float),
        "multiclass": lambda: np.digitize(raw, [1, 3]).astype(float),
        "regression": lambda: raw,
    }[task.kind]()
    return Examples(matrix, target, (False, categories, False, False))


def altered(rows: Examples, column: int, value: float, *, every: int = 1) -> Examples:
    """Put a value into all or some rows of a column."""
    matrix = rows.matrix.copy()
    matrix[::every, column] = value
    return replace(rows, matrix=matrix)


def fit(
    library: Learner,
    task: Task,
    *,
    train: Examples | None = None,
    val: Examples | None = None,
    binned: Any = None,
    monitor: Monitor | None = None,
    rounds: int = 20,
    params: Params | None = None,
) -> Booster:
    """Fit with one thread and one seed, on bins made for it unless they are given."""
    if binned is None:
        binned = library.bin(train or examples(task), val, task=task, threads=1)
    return library.fit(
        binned, task=task, params=params or {}, rounds=rounds, threads=1, seed=7, monitor=monitor
    )


def loss_of(task: Task) -> Metric:
    """Return what every library minimises for the task."""
    return resolve_metric("rmse" if task.kind == "regression" else "log_loss", task)


def watching(
    metric: Metric,
    seen: list[tuple[int, float]],
    *,
    patience: int | None = None,
    ends: int | None = None,
) -> Monitor:
    """Return a monitor that notes what it hears, and ends the fit after a certain round."""

    def on_round(round: int, value: float) -> bool:
        seen.append((round, value))
        return round == ends

    kept = None if patience is None else Patience(patience, 0.2)
    return Monitor(metric.name, metric.maximize, kept, on_round)


def as_probability(task: Task, raw: Floats) -> Floats:
    """Turn raw scores of (n,) or (n, c) into what `predict` answers."""
    if task.kind == "regression":
        return raw
    if task.kind == "binary":
        return np.asarray(1 / (1 + np.exp(-raw)))
    exponentials = np.exp(raw - raw.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))
