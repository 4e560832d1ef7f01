"""scikit-learn is the oracle; what it warns about or leaves undefined is refused here."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sk

from mlsys.domain.errors import InvalidInput
from mlsys.domain.learners.base import Floats, Task
from mlsys.domain.metrics import (
    Metric,
    constant_prediction,
    report,
    resolve_metric,
)
from tests.domain.learning import BINARY, MULTICLASS, REGRESSION

TIED = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5 + 1e-12, 0.9, 1.0])
WEIGHTS = st.sampled_from([0.5, 1.0, 2.0, 3.25])
SIZES = st.integers(2, 25)


@st.composite
def binary_rows(draw: st.DrawFn) -> tuple[Floats, Floats, Floats]:
    size = draw(SIZES)
    target = draw(arrays(float, size, elements=st.sampled_from([0.0, 1.0])))
    assume(0 < target.sum() < size)
    return target, draw(arrays(float, size, elements=TIED)), draw_weights(draw, size)


@st.composite
def multiclass_rows(draw: st.DrawFn) -> tuple[Floats, Floats, Floats]:
    size = draw(SIZES) + 1
    target = draw(arrays(float, size, elements=st.sampled_from([0.0, 1.0, 2.0])))
    assume(len(np.unique(target)) == 3)
    raw = draw(arrays(float, (size, 3), elements=st.sampled_from([0.5, 1.0, 2.0])))
    return target, raw / raw.sum(axis=1, keepdims=True), draw_weights(draw, size)


@st.composite
def regression_rows(draw: st.DrawFn) -> tuple[Floats, Floats, Floats]:
    size = draw(SIZES)
    values = st.floats(-100, 100).map(lambda value: round(value, 3))
    target = draw(arrays(float, size, elements=values))
    assume(np.ptp(target) > 0)
    return target, draw(arrays(float, size, elements=values)), draw_weights(draw, size)


def draw_weights(draw: st.DrawFn, size: int) -> Floats:
    return draw(arrays(float, size, elements=WEIGHTS))


@given(binary_rows())
def test_binary_metrics_are_those_of_scikit_learn(rows: tuple[Floats, Floats, Floats]) -> None:
    target, probability, weights = rows
    label = (probability >= 0.5).astype(float)

    values = report(BINARY, target, probability, weights=weights)

    by_probability = {"sample_weight": weights}
    by_label = {"sample_weight": weights, "zero_division": 0}
    assert values == pytest.approx(
        {
            "roc_auc": sk.roc_auc_score(target, probability, **by_probability),
            "average_precision": sk.average_precision_score(target, probability, **by_probability),
            "log_loss": sk.log_loss(target, probability, **by_probability),
            "brier_score_loss": sk.brier_score_loss(target, probability, **by_probability),
            "accuracy": sk.accuracy_score(target, label, **by_probability),
            "balanced_accuracy": sk.balanced_accuracy_score(target, label, **by_probability),
            "matthews_corrcoef": sk.matthews_corrcoef(target, label, **by_probability),
            "f1": sk.f1_score(target, label, **by_label),
            "precision": sk.precision_score(target, label, **by_label),
            "recall": sk.recall_score(target, label, **by_label),
        },
        abs=1e-9,
    )


@given(multiclass_rows())
def test_multiclass_metrics_are_those_of_scikit_learn(rows: tuple[Floats, Floats, Floats]) -> None:
    target, probability, weights = rows
    label = probability.argmax(axis=1)

    values = report(MULTICLASS, target, probability, weights=weights)

    weighted = {"sample_weight": weights}
    macro = {"sample_weight": weights, "average": "macro", "zero_division": 0}
    assert values == pytest.approx(
        {
            "roc_auc_ovr": sk.roc_auc_score(target, probability, multi_class="ovr", **weighted),
            "log_loss": sk.log_loss(target, probability, **weighted),
            "brier_score_loss": sk.brier_score_loss(target, probability, **weighted),
            "accuracy": sk.accuracy_score(target, label, **weighted),
            "balanced_accuracy": sk.balanced_accuracy_score(target, label, **weighted),
            "matthews_corrcoef": sk.matthews_corrcoef(target, label, **weighted),
            "f1_macro": sk.f1_score(target, label, **macro),
            "precision_macro": sk.precision_score(target, label, **macro),
            "recall_macro": sk.recall_score(target, label, **macro),
        },
        abs=1e-9,
    )


@given(regression_rows())
def test_regression_metrics_are_those_of_scikit_learn(rows: tuple[Floats, Floats, Floats]) -> None:
    target, value, weights = rows

    values = report(REGRESSION, target, value, weights=weights)

    weighted = {"sample_weight": weights}
    expected = {
        "root_mean_squared_error": sk.root_mean_squared_error(target, value, **weighted),
        "mean_squared_error": sk.mean_squared_error(target, value, **weighted),
        "mean_absolute_error": sk.mean_absolute_error(target, value, **weighted),
        "median_absolute_error": sk.median_absolute_error(target, value, **weighted),
        "r2": sk.r2_score(target, value, **weighted),
    }
    if target.all():
        relative = sk.mean_absolute_percentage_error(target, value, **weighted)
        expected["mean_absolute_percentage_error"] = relative
    assert values == pytest.approx(expected, rel=1e-6, abs=1e-9)


@given(regression_rows())
def test_without_weights_all_rows_count_the_same(rows: tuple[Floats, Floats, Floats]) -> None:
    target, value, _ = rows

    plain, doubled = (
        report(REGRESSION, target, value, weights=weights)
        for weights in (None, np.full(len(target), 2.0))
    )

    assert plain == pytest.approx(doubled, rel=1e-9, abs=1e-9)
    assert plain["median_absolute_error"] == pytest.approx(np.median(np.abs(target - value)))


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
        (" rmse ", REGRESSION, "root_mean_squared_error", False),
    ],
)
def test_metrics_are_found_by_their_usual_names(
    name: str | None, task: Task, canonical: str, *, maximize: bool
) -> None:
    metric = resolve_metric(name, task)

    assert (metric.name, metric.maximize) == (canonical, maximize)


@pytest.mark.parametrize(
    ("name", "task"), [("rmse", BINARY), ("auc", REGRESSION), ("kappa", MULTICLASS), ("", BINARY)]
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
    assert changed == {"accuracy", "balanced_accuracy", "matthews_corrcoef", "f1", "recall"}
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


@settings(max_examples=20)
@given(multiclass_rows())
def test_a_constant_tells_nothing_apart(rows: tuple[Floats, Floats, Floats]) -> None:
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


def test_every_metric_names_itself() -> None:
    for task in (BINARY, MULTICLASS, REGRESSION):
        with pytest.raises(InvalidInput) as refusal:
            resolve_metric("?", task)
        names = str(refusal.value).partition("these do: ")[2].split(", ")

        assert [resolve_metric(name, task).name for name in names] == names
        assert all(isinstance(resolve_metric(name, task), Metric) for name in names)
