"""scikit-learn is the oracle of the curves; the ends are exact however few points are kept."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from mlsys.domain.evaluation.curves import MAX_POINTS, curves_of, spread
from tests.domain.scored import EXACT, Scored, binary_rows


@given(binary_rows(EXACT))
def test_the_roc_curve_is_that_of_scikit_learn(rows: Scored) -> None:
    target, score, weights = rows

    roc = curves_of(target, score, weights).roc

    wanted = sk.roc_curve(target, score, sample_weight=weights, drop_intermediate=False)
    assert roc is not None
    assert roc.thresholds[0] is None
    assert roc.false_positive_rate == pytest.approx(wanted[0], abs=1e-12)
    assert roc.true_positive_rate == pytest.approx(wanted[1], abs=1e-12)
    assert roc.thresholds[1:] == wanted[2][1:].tolist()


@given(binary_rows(EXACT))
def test_the_precision_recall_curve_is_that_of_scikit_learn(rows: Scored) -> None:
    target, score, weights = rows

    curve = curves_of(target, score, weights).precision_recall

    wanted = sk.precision_recall_curve(target, score, sample_weight=weights)
    assert curve is not None
    assert curve.thresholds[-1] is None
    assert curve.precision == pytest.approx(wanted[0], abs=1e-12)
    assert curve.recall == pytest.approx(wanted[1], abs=1e-12)
    assert curve.thresholds[:-1] == wanted[2].tolist()


@given(binary_rows(EXACT))
def test_the_calibration_curve_is_that_of_scikit_learn(rows: Scored) -> None:
    target, score, _ = rows

    curve = curves_of(target, score, np.ones_like(target)).reliability

    observed, predicted = calibration_curve(target, score, n_bins=10, strategy="quantile")
    assert curve.observed == pytest.approx(observed, abs=1e-12)
    assert curve.predicted == pytest.approx(predicted, abs=1e-12)
    assert sum(curve.rows) == len(target)


def test_weights_count_in_the_calibration_curve() -> None:
    curve = curves_of(np.array([0.0, 1.0]), np.array([0.5, 0.5]), np.array([1.0, 3.0])).reliability

    assert (curve.observed, curve.predicted, curve.rows) == ([0.75], [0.5], [2])


def test_of_many_points_some_are_kept_with_the_ends() -> None:
    generator = np.random.default_rng(0)
    score = generator.random(5000)
    target = (generator.random(5000) < score).astype(float)

    curves = curves_of(target, score, np.ones(5000))

    assert curves.roc is not None
    assert curves.precision_recall is not None
    fpr, tpr = curves.roc.false_positive_rate, curves.roc.true_positive_rate
    assert len(fpr) == len(tpr) == len(curves.roc.thresholds) == MAX_POINTS
    assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0, 0, 1, 1)
    assert curves.precision_recall.recall[0] == 1
    assert (curves.precision_recall.recall[-1], curves.precision_recall.precision[-1]) == (0, 1)
    assert np.trapezoid(tpr, fpr) == pytest.approx(sk.roc_auc_score(target, score), abs=1e-3)


@pytest.mark.parametrize(("kind", "absent"), [(0.0, {"roc", "precision_recall"}), (1.0, {"roc"})])
def test_what_one_class_cannot_tell_is_absent(kind: float, absent: set[str]) -> None:
    curves = curves_of(np.full(3, kind), np.array([0.1, 0.2, 0.3]), np.ones(3))

    told = curves.model_dump(exclude_none=True)
    assert {"roc", "precision_recall", "reliability"} - told.keys() == absent


@given(st.integers(1, 1000), st.integers(2, 50))
def test_places_are_spread_evenly_from_the_first_to_the_last(size: int, most: int) -> None:
    places = spread(size, most)

    assert len(places) == min(size, most)
    assert (places[0], places[-1]) == (0, size - 1)
    assert np.ptp(np.diff(places)) <= 1 if len(places) > 1 else size == 1
