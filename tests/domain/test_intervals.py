"""An interval is a bootstrap over rows, seeded, and no wider or narrower than it says."""

import numpy as np
import pytest

from mlsys.domain.errors import InvalidInput
from mlsys.domain.evaluation.metrics import bootstrap_interval, resolve_metric
from mlsys.domain.learners.base import Task
from tests.domain.learning import BINARY, REGRESSION


@pytest.mark.parametrize(
    ("name", "task"),
    [("auc", BINARY), ("ap", BINARY), ("f1", BINARY), ("medae", REGRESSION), ("r2", REGRESSION)],
)
def test_an_interval_is_that_of_a_bootstrap_row_by_row(name: str, task: Task) -> None:
    generator = np.random.default_rng(3)
    target = generator.integers(0, 2, 40).astype(float)
    prediction = np.round(generator.random(40) / 2 + target / 3, 1)
    metric = resolve_metric(name, task)

    interval = bootstrap_interval(metric, target, prediction, seed=5, resamples=200, level=0.9)

    drawn = np.random.default_rng(5).integers(0, 40, size=(200, 40))
    naive = [metric.value(target[rows], prediction[rows]) for rows in drawn]
    assert interval.value == metric.value(target, prediction)
    assert (interval.low, interval.high) == pytest.approx(np.quantile(naive, [0.05, 0.95]))
    assert (interval.level, interval.resamples) == (0.9, 200)


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    metric = resolve_metric("mae", REGRESSION)
    generator = np.random.default_rng(0)
    truth = np.sqrt(2 / np.pi)

    intervals = [
        bootstrap_interval(
            metric, np.zeros(80), generator.normal(size=80), seed=seed, resamples=200, level=0.9
        )
        for seed in range(150)
    ]

    covered = np.mean([interval.low <= truth <= interval.high for interval in intervals])
    assert 0.82 < covered < 0.96


def test_the_same_seed_gives_the_same_interval_in_chunks_of_any_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    metric = resolve_metric("auc", BINARY)
    prediction = np.random.default_rng(0).random(30)
    target = np.round(prediction * 0.6 + np.arange(30) % 4 / 8)

    whole = bootstrap_interval(metric, target, prediction, seed=1, resamples=50)
    monkeypatch.setattr("mlsys.domain.evaluation.metrics.CHUNK", 100)
    chunked = bootstrap_interval(metric, target, prediction, seed=1, resamples=50)

    assert whole == chunked
    assert whole != bootstrap_interval(metric, target, prediction, seed=2, resamples=50)


def test_resamples_without_both_classes_are_drawn_anew() -> None:
    metric = resolve_metric("auc", BINARY)
    target = np.array([0.0] * 9 + [1.0])

    interval = bootstrap_interval(metric, target, np.linspace(0, 1, 10), seed=0, resamples=300)

    assert (interval.value, interval.low, interval.high) == (1, 1, 1)


def test_resamples_of_no_weight_are_drawn_anew() -> None:
    metric, target = resolve_metric("mae", REGRESSION), np.zeros(3)
    weights = np.array([0.0, 0.0, 1.0])

    interval = bootstrap_interval(
        metric, target, np.array([1.0, 2.0, 3.0]), weights=weights, seed=0, resamples=50
    )

    assert (interval.value, interval.low, interval.high) == (3, 3, 3)


def test_a_metric_that_hardly_any_resample_defines_has_no_interval() -> None:
    task, target = Task("multiclass", 8), np.arange(8.0)
    metric = resolve_metric("auc", task)

    with pytest.raises(InvalidInput, match="of 30 resamples only"):
        bootstrap_interval(metric, target, np.full((8, 8), 1 / 8), seed=1, resamples=3)


@pytest.mark.parametrize(("resamples", "level"), [(0, 0.95), (10, 0.0), (10, 1.0)])
def test_a_senseless_interval_is_refused(resamples: int, level: float) -> None:
    metric = resolve_metric("rmse", REGRESSION)

    with pytest.raises(InvalidInput, match="resamples >= 1"):
        bootstrap_interval(metric, np.ones(2), np.ones(2), seed=0, resamples=resamples, level=level)
