"""How metrics are found, and what they refuse. That they are right: test_scores.py."""

import numpy as np
import pytest
from hypothesis import given, settings

from mlsys.domain.errors import InvalidInput
from mlsys.domain.evaluation.formulas import ALIASES, FORMULAS, MULTICLASS_ALIASES
from mlsys.domain.evaluation.metrics import (
    Metric,
    constant_prediction,
    report,
    resolve_metric,
)
from mlsys.domain.learners.base import Task
from tests.domain.learning import BINARY, MULTICLASS, REGRESSION
from tests.domain.scored import Scored, multiclass_rows, regression_rows


@given(regression_rows())
def test_without_weights_all_rows_count_the_same(rows: Scored) -> None:
    target, value, _ = rows

    plain, doubled = (
        report(REGRESSION, target, value, weights=weights)
        for weights in (None, np.full(len(target), 2.0))
    )

    assert plain == pytest.approx(doubled, rel=1e-9, abs=1e-9)
    assert plain["median_absolute_error"] == pytest.approx(np.median(np.abs(target - value)))


@given(multiclass_rows())
def test_predictions_for_rows_that_are_checked_once_have_the_same_values(rows: Scored) -> None:
    target, probability, weights = rows

    values = report(MULTICLASS, target, probability, weights=weights)

    for name, value in values.items():
        score = resolve_metric(name, MULTICLASS).on(target, weights=weights)
        assert score(probability) == value


@pytest.mark.parametrize(
    ("name", "task", "canonical", "maximize"),
    [
        (None, BINARY, "roc_auc", True),
        (None, MULTICLASS, "roc_auc_ovr", True),
        (None, REGRESSION, "root_mean_squared_error", False),
        ("AUC", BINARY, "roc_auc", True),
        ("auc", MULTICLASS, "roc_auc_ovr", True),
        ("f1", MULTICLASS, "f1_macro", True),
        ("logloss", MULTICLASS, "log_loss", False),
        ("neg_mean_absolute_error", REGRESSION, "mean_absolute_error", False),
        ("neg_brier_score", BINARY, "brier_score_loss", False),
        ("pr_auc", BINARY, "average_precision", True),
        ("pr_auc", MULTICLASS, "average_precision", True),
        ("mcc", BINARY, "matthews_corrcoef", True),
        ("kappa", MULTICLASS, "cohen_kappa_score", True),
        ("f1_micro", MULTICLASS, "accuracy", True),
        ("mape", REGRESSION, "mean_absolute_percentage_error", False),
        ("rmsle", REGRESSION, "root_mean_squared_log_error", False),
        ("pinball", REGRESSION, "mean_pinball_loss", False),
        ("r2_score", REGRESSION, "r2", True),
        (" rmse ", REGRESSION, "root_mean_squared_error", False),
    ],
)
def test_metrics_are_found_by_their_usual_names(
    name: str | None, task: Task, canonical: str, *, maximize: bool
) -> None:
    metric = resolve_metric(name, task)

    assert (metric.name, metric.maximize) == (canonical, maximize)


@pytest.mark.parametrize(
    ("name", "task"), [("rmse", BINARY), ("auc", REGRESSION), ("gini", MULTICLASS), ("", BINARY)]
)
def test_a_metric_that_does_not_fit_is_refused_with_those_that_do(name: str, task: Task) -> None:
    with pytest.raises(InvalidInput, match=r"these do: .*(log_loss|r2)"):
        resolve_metric(name, task)


def test_the_threshold_decides_labels_and_nothing_else() -> None:
    target, probability = np.array([0.0, 0, 1, 1]), np.array([0.2, 0.3, 0.4, 0.9])

    low, high = (
        report(BINARY, target, probability, threshold=threshold) for threshold in (0.35, 0.5)
    )

    changed = {name for name in low if low[name] != high[name]}
    assert changed == {
        *("accuracy", "balanced_accuracy", "matthews_corrcoef", "cohen_kappa_score"),
        *("f1", "recall"),
    }
    assert low["accuracy"] == 1
    assert {name for name in low if resolve_metric(name, BINARY).uses_threshold} == {
        *changed,
        "precision",
    }


@pytest.mark.parametrize(
    ("name", "task", "target", "prediction"),
    [
        ("roc_auc", BINARY, [1, 1], [0.2, 0.4]),
        ("average_precision", BINARY, [0, 0], [0.2, 0.4]),
        ("roc_auc_ovr", MULTICLASS, [0, 1], [[0.2, 0.4, 0.4], [0.2, 0.4, 0.4]]),
        ("r2", REGRESSION, [0.1, 0.1, 0.1], [1, 2, 3]),
        ("mape", REGRESSION, [0, 2], [1, 2]),
        ("rmsle", REGRESSION, [-1, 2], [1, 2]),
        ("rmsle", REGRESSION, [1, 2], [1, -1.5]),
        ("explained_variance", REGRESSION, [0.1, 0.1, 0.1], [1, 2, 3]),
        ("kappa", BINARY, [1, 1], [0.9, 0.9]),
        ("pr_auc", MULTICLASS, [0, 1], [[0.2, 0.4, 0.4], [0.2, 0.4, 0.4]]),
    ],
)
def test_an_undefined_metric_is_refused_and_left_out_of_reports(
    name: str, task: Task, target: list[float], prediction: list[float]
) -> None:
    rows = np.array(target, dtype=float), np.array(prediction, dtype=float)
    metric = resolve_metric(name, task)

    with pytest.raises(InvalidInput, match="undefined"):
        metric.value(*rows)
    values = report(task, *rows)

    assert np.isnan(metric.on(rows[0])(rows[1]))
    assert metric.name not in values
    assert values
    assert np.isfinite(list(values.values())).all()


@pytest.mark.parametrize(
    ("target", "prediction", "weights", "reason"),
    [
        ([], [], None, "at least one row"),
        ([0, 1], [0.5], None, r"prediction of \(2,\)"),
        ([0, 1], [[0.5, 0.5], [0.5, 0.5]], None, r"prediction of \(2,\)"),
        ([0, 1], [0.5, np.nan], None, "finite"),
        ([0, 2], [0.5, 0.5], None, "class indexes, 0 to 1"),
        ([0, 1], [0.5, 0.5], [1], r"weights of \(2,\)"),
        ([0, 1], [0.5, 0.5], [1, -1], "negative"),
        ([0, 1], [0.5, 0.5], [0, 0], "all 0"),
    ],
)
def test_rows_that_cannot_be_scored_are_refused(
    target: list[float], prediction: list[float], weights: list[float] | None, reason: str
) -> None:
    weighing = None if weights is None else np.array(weights, dtype=float)

    with pytest.raises(InvalidInput, match=reason):
        report(BINARY, np.array(target, float), np.array(prediction, float), weights=weighing)


def test_every_alias_is_of_some_metric_and_hides_none() -> None:
    names = {name for table in FORMULAS.values() for name in table}

    assert {*ALIASES.values(), *MULTICLASS_ALIASES.values()} <= names | {*MULTICLASS_ALIASES}
    assert ALIASES.keys() & names == set()


@settings(max_examples=20)
@given(multiclass_rows())
def test_a_constant_tells_nothing_apart(rows: Scored) -> None:
    target, _, _ = rows

    prediction = constant_prediction(MULTICLASS, target, rows=len(target))
    values = report(MULTICLASS, target, prediction)

    assert prediction.sum(axis=1) == pytest.approx(1)
    assert values["roc_auc_ovr"] == pytest.approx(0.5)
    assert values["log_loss"] == pytest.approx(
        -sum(np.mean(target == c) * np.log(np.mean(target == c)) for c in range(3))
    )


def test_the_constant_is_the_prior_or_the_mean() -> None:
    assert constant_prediction(BINARY, np.array([0.0, 0, 1, 0]), rows=2).tolist() == [0.25, 0.25]
    assert constant_prediction(REGRESSION, np.array([1.0, 4]), rows=1).tolist() == [2.5]


@pytest.mark.parametrize(
    ("task", "expected"), [(BINARY, 0.75), (MULTICLASS, [0.25, 0.75, 0]), (REGRESSION, 0.75)]
)
def test_the_constant_weighs_its_rows(task: Task, expected: float | list[float]) -> None:
    target, weights = np.array([0.0, 1, 1]), np.array([1.0, 0.5, 2.5])

    constant = constant_prediction(task, target, rows=1, weights=weights)

    assert constant[0] == pytest.approx(expected)


def test_every_metric_names_itself() -> None:
    for task in (BINARY, MULTICLASS, REGRESSION):
        with pytest.raises(InvalidInput) as refusal:
            resolve_metric("?", task)
        names = str(refusal.value).partition("these do: ")[2].split(", ")

        assert [resolve_metric(name, task).name for name in names] == names
        assert all(isinstance(resolve_metric(name, task), Metric) for name in names)
