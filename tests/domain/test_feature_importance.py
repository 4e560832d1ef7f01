"""Rankings of features: in batches, and by permutation."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from mlsys.domain.artifacts import Model, Postprocess
from mlsys.domain.errors import InvalidInput
from mlsys.domain.evaluation.metrics import resolve_metric
from mlsys.domain.feature_importance import (
    AT_ONCE,
    MAX_PREDICTIONS,
    MAX_SWARMS,
    rank_by_permutation,
    rank_by_shap,
)
from mlsys.domain.features import Feature, Plan
from mlsys.domain.learners.base import Examples, Floats, Task, TaskKind


@dataclass(frozen=True)
class Sums:
    """A model that adds its features up, each weighed by its place; of many classes twice so."""

    classes: int = 0
    asked: list[int] = field(default_factory=list)

    rounds = 1

    def predict(self, matrix: Floats) -> Floats:
        weighed: Floats = matrix @ np.arange(matrix.shape[1])
        return weighed

    def predict_row(self, row: Sequence[float]) -> list[float]:
        return [sum(place * cell for place, cell in enumerate(row))]

    def contributions(self, matrix: Floats) -> Floats:
        self.asked.append(len(matrix))
        weighed = matrix * np.arange(matrix.shape[1])
        shares = np.concatenate([weighed, np.ones((len(matrix), 1))], axis=1)
        if not self.classes:
            return shares
        return np.stack([shares * (place + 1) for place in range(self.classes)], axis=1)

    def importance(self) -> Floats:
        return np.empty(0)

    def to_bytes(self) -> bytes:
        return b""


def model_of(booster: Sums, *, features: int, task_kind: TaskKind = "regression") -> Model:
    plan = Plan(
        features=tuple(
            Feature(name=f"f{place}", kind="numeric", nullable=True) for place in range(features)
        ),
        target="y",
        task_kind=task_kind,
        labels=tuple(range(booster.classes)),
    )
    return Model(plan, booster, Postprocess())


def test_rows_are_looked_at_in_batches_and_none_is_left_out() -> None:
    features, booster = 999, Sums()
    matrix = np.random.default_rng(0).normal(size=(5_000, features))

    ranking = rank_by_shap(model_of(booster, features=features), matrix)

    assert len(booster.asked) > 1
    assert sum(booster.asked) == ranking.rows == 5_000
    assert max(booster.asked) * (features + 1) <= AT_ONCE
    expected = (np.abs(matrix) * np.arange(features)).mean(axis=0)
    np.testing.assert_allclose(ranking.scores, expected)
    assert ranking.swarm is not None
    assert ranking.swarm.places == tuple(np.argsort(-expected)[:MAX_SWARMS])
    places = list(ranking.swarm.places)
    np.testing.assert_allclose(ranking.swarm.values, matrix[:, places], rtol=1e-6)
    np.testing.assert_allclose(ranking.swarm.contributions, matrix[:, places] * places, rtol=1e-5)


def test_batches_are_of_one_row_at_least() -> None:
    booster = Sums(classes=3)
    matrix = np.ones((2, AT_ONCE // 2))

    ranking = rank_by_shap(model_of(booster, features=0, task_kind="multiclass"), matrix)

    assert booster.asked == [1, 1]
    assert ranking.by_class is not None
    assert ranking.by_class[:, 1].tolist() == [1, 2, 3]
    assert ranking.scores[1] == 6
    assert ranking.swarm is None


def test_a_feature_that_nothing_depends_on_costs_nothing() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 3))
    model = model_of(Sums(), features=3)
    examples = Examples(rows, model.predict(rows), (False,) * 3)
    rmse = resolve_metric("rmse", Task("regression"))

    ranking = rank_by_permutation(model, examples, rmse, repeats=4, seed=0)

    assert ranking.deviations is not None
    assert (ranking.metric_value, ranking.rows) == (0, 50)
    assert (ranking.scores[0], ranking.deviations[0]) == (0, 0)
    assert 0 < ranking.scores[1] < ranking.scores[2]
    assert (ranking.deviations[1:] > 0).all()


def test_weights_count_in_a_permutation() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 2))
    model = model_of(Sums(), features=2)
    target = model.predict(rows)
    target[25:] = 9
    first = np.repeat([1.0, 0.0], 25)
    rmse = resolve_metric("rmse", Task("regression"))

    weighed = Examples(rows, target, (False, False), weights=first)

    assert rank_by_permutation(model, weighed, rmse, repeats=1, seed=0).metric_value == 0


def test_too_many_predictions_are_refused_before_any_is_made() -> None:
    rows = np.zeros((1, MAX_PREDICTIONS // 2))
    examples = Examples(rows, np.zeros(1), ())
    rmse = resolve_metric("rmse", Task("regression"))

    with pytest.raises(InvalidInput, match=r"are 15000000 predictions.*fewer max_samples"):
        rank_by_permutation(model_of(Sums(), features=0), examples, rmse, repeats=3, seed=0)
