"""scikit-learn is the oracle of every metric, with weights, to the twelfth digit."""

import numpy as np
import pytest
from hypothesis import given
from sklearn import metrics as sk

from mlsys.domain.evaluation.metrics import report
from mlsys.domain.learners.base import Floats
from tests.domain.learning import BINARY, MULTICLASS, REGRESSION
from tests.domain.scored import Scored, binary_rows, multiclass_rows, regression_rows

DIGITS = 1e-12


@given(binary_rows())
def test_binary_metrics_are_those_of_scikit_learn(rows: Scored) -> None:
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
            "matthews_corrcoef": correlation(target, label, weights),
            "cohen_kappa_score": sk.cohen_kappa_score(target, label, **by_probability),
            "f1": sk.f1_score(target, label, **by_label),
            "precision": sk.precision_score(target, label, **by_label),
            "recall": sk.recall_score(target, label, **by_label),
        },
        rel=DIGITS,
        abs=DIGITS,
    )


@given(multiclass_rows())
def test_multiclass_metrics_are_those_of_scikit_learn(rows: Scored) -> None:
    target, probability, weights = rows
    label = probability.argmax(axis=1)

    values = report(MULTICLASS, target, probability, weights=weights)

    plain = {"sample_weight": weights}
    macro = {"sample_weight": weights, "average": "macro", "zero_division": 0}
    weighted = macro | {"average": "weighted"}
    ovr = {"sample_weight": weights, "multi_class": "ovr"}
    assert values == pytest.approx(
        {
            "roc_auc_ovr": sk.roc_auc_score(target, probability, **ovr),
            "roc_auc_ovr_weighted": sk.roc_auc_score(
                target, probability, average="weighted", **ovr
            ),
            "average_precision": sk.average_precision_score(target, probability, **plain),
            "log_loss": sk.log_loss(target, probability, **plain),
            "brier_score_loss": sk.brier_score_loss(target, probability, **plain),
            "accuracy": sk.accuracy_score(target, label, **plain),
            "balanced_accuracy": sk.balanced_accuracy_score(target, label, **plain),
            "matthews_corrcoef": correlation(target, label.astype(float), weights),
            "cohen_kappa_score": sk.cohen_kappa_score(target, label, **plain),
            "f1_macro": sk.f1_score(target, label, **macro),
            "precision_macro": sk.precision_score(target, label, **macro),
            "recall_macro": sk.recall_score(target, label, **macro),
            "f1_weighted": sk.f1_score(target, label, **weighted),
            "precision_weighted": sk.precision_score(target, label, **weighted),
            "top_k_accuracy": sk.top_k_accuracy_score(target, probability, k=2, **plain),
        },
        rel=DIGITS,
        abs=DIGITS,
    )
    for alike in (sk.f1_score, sk.precision_score, sk.recall_score):
        micro = alike(target, label, average="micro", **plain)
        assert values["accuracy"] == pytest.approx(micro, rel=DIGITS)
    assert values["accuracy"] == pytest.approx(
        sk.recall_score(target, label, **weighted), rel=DIGITS
    )


@given(regression_rows())
def test_regression_metrics_are_those_of_scikit_learn(rows: Scored) -> None:
    target, value, weights = rows

    values = report(REGRESSION, target, value, weights=weights)

    weighted = {"sample_weight": weights}
    expected = {
        "root_mean_squared_error": sk.root_mean_squared_error(target, value, **weighted),
        "mean_squared_error": sk.mean_squared_error(target, value, **weighted),
        "mean_absolute_error": sk.mean_absolute_error(target, value, **weighted),
        "median_absolute_error": sk.median_absolute_error(target, value, **weighted),
        "max_error": sk.max_error(target, value),
        "mean_pinball_loss": sk.mean_pinball_loss(target, value, **weighted),
        "r2": sk.r2_score(target, value, **weighted),
        "explained_variance": sk.explained_variance_score(target, value, **weighted),
    }
    if target.all():
        relative = sk.mean_absolute_percentage_error(target, value, **weighted)
        expected["mean_absolute_percentage_error"] = relative
    if min(target.min(), value.min()) > -1:
        squared = sk.mean_squared_log_error(target, value, **weighted)
        root = sk.root_mean_squared_log_error(target, value, **weighted)
        expected |= {"mean_squared_log_error": squared, "root_mean_squared_log_error": root}
    assert values == pytest.approx(expected, rel=DIGITS, abs=DIGITS)


@given(binary_rows(), regression_rows())
def test_a_row_without_weight_is_as_good_as_absent(binary: Scored, regression: Scored) -> None:
    for task, rows in ((BINARY, binary), (REGRESSION, regression)):
        again = Scored(*(np.concatenate([part, part[::-1] / 2]) for part in rows))
        dropped = np.repeat([1.0, 0.0], len(rows.target))
        target = np.ceil(again.target) if task is BINARY else again.target

        values = report(task, target, again.prediction, weights=again.weights * dropped)

        alone = report(task, rows.target, rows.prediction, weights=rows.weights)
        assert values == pytest.approx(alone, rel=DIGITS, abs=DIGITS)


@given(multiclass_rows())
def test_a_row_of_weight_two_counts_as_two(rows: Scored) -> None:
    twice = np.arange(len(rows.target)) % 2 + 1

    values = report(MULTICLASS, rows.target, rows.prediction, weights=twice.astype(float))

    copies = report(
        MULTICLASS, np.repeat(rows.target, twice), rows.prediction.repeat(twice, axis=0)
    )
    assert values == pytest.approx(copies, rel=DIGITS, abs=DIGITS)


def correlation(target: Floats, label: Floats, weights: Floats) -> float:
    """Ask scikit-learn, except where it rounds the square of 0, a constant's spread, below 0."""
    if np.ptp(label) == 0:
        return 0.0
    return float(sk.matthews_corrcoef(target, label, sample_weight=weights))
