"""scikit-learn is the oracle: its isotonic regression, and its logistic regression for Platt's."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from mlsys.domain.errors import InvalidInput
from mlsys.domain.evaluation.calibration import (
    Calibration,
    CalibrationMethod,
    Sigmoid,
    calibrated,
    fit_calibration,
)
from mlsys.domain.learners.base import Floats

METHODS: list[CalibrationMethod] = ["sigmoid", "isotonic"]
TIED = st.sampled_from([0.0, 0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0])
Rows = tuple[Floats, Floats, Floats]


@st.composite
def two_classes(draw: st.DrawFn) -> Rows:
    size = draw(st.integers(2, 40))
    target = draw(arrays(float, size, elements=st.sampled_from([0.0, 1.0])))
    weights = draw(arrays(float, size, elements=st.sampled_from([0.0, 0.5, 1.0, 3.25])))
    score = draw(arrays(float, size, elements=TIED))
    target[:2], weights[:2] = [0, 1], [1, 2]
    return target, score, weights


def noisy(rows: int = 400, classes: int = 2) -> Rows:
    generator = np.random.default_rng(5)
    raw = generator.random((rows, classes)) ** 2
    shares = raw / raw.sum(axis=1, keepdims=True)
    target = np.array([generator.choice(classes, p=row**2 / (row**2).sum()) for row in shares])
    prediction = shares[:, 1] if classes == 2 else shares
    return target.astype(float), prediction, generator.choice(np.array([0.5, 1, 2]), rows)


def log_odds(probability: Floats) -> Floats:
    inside = np.clip(probability, 1e-8, 1 - 1e-8)
    return np.asarray(np.log(inside / (1 - inside)))


@given(two_classes())
def test_isotonic_is_that_of_scikit_learn(rows: Rows) -> None:
    target, score, weights = rows
    asked = np.linspace(0, 1, 101)

    found = fit_calibration("isotonic", target, score, weights=weights)

    oracle = IsotonicRegression(out_of_bounds="clip").fit(score, target, weights)
    assert calibrated(found, asked) == pytest.approx(oracle.predict(asked), abs=1e-12)


@given(two_classes())
def test_sigmoid_is_the_logistic_regression_of_platts_targets(rows: Rows) -> None:
    target, score, weights = rows
    assume(len(set(score[weights > 0])) > 1)
    known = weights > 0
    share = weights[known] / weights[known].mean()
    positive, negative = share @ target[known], share @ (1 - target[known])
    smooth = np.where(target[known] == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
    column = log_odds(score[known])[:, None]

    found = fit_calibration("sigmoid", target, score, weights=weights)

    oracle = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-14, max_iter=500)
    oracle.fit(
        np.concatenate([column, column]),
        np.repeat([1, 0], len(column)),
        np.concatenate([share * smooth, share * (1 - smooth)]),
    )
    wanted = oracle.predict_proba(log_odds(score)[:, None])[:, 1]
    if oracle.coef_.item() < 0:
        wanted = np.full_like(score, share @ smooth / share.sum())
    assert calibrated(found, score) == pytest.approx(wanted, abs=1e-9)


def test_sigmoid_is_as_near_to_scikit_learns_as_that_comes_to_the_optimum() -> None:
    target, score, weights = noisy()

    found = fit_calibration("sigmoid", target, score, weights=weights)

    oracle = _SigmoidCalibration().fit(log_odds(score), target, weights / weights.mean())
    assert calibrated(found, score) == pytest.approx(oracle.predict(log_odds(score)), abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
@given(two_classes())
def test_the_order_of_rows_stays(method: CalibrationMethod, rows: Rows) -> None:
    target, score, weights = rows

    found = fit_calibration(method, target, score, weights=weights)

    mended = calibrated(found, np.linspace(0, 1, 1001))
    assert (np.diff(mended) >= -1e-15).all()
    assert mended.min() >= 0
    assert mended.max() <= 1


def test_where_higher_scores_are_less_likely_all_are_alike() -> None:
    target = np.array([1.0, 1.0, 0.0, 0.0])

    for method in METHODS:
        mended = calibrated(
            fit_calibration(method, target, np.array([0.1, 0.2, 0.8, 0.9])), np.array([0.0, 0.3, 1])
        )

        assert mended == pytest.approx([0.5, 0.5, 0.5])


@pytest.mark.parametrize("method", METHODS)
def test_only_the_ratios_of_weights_matter(method: CalibrationMethod) -> None:
    target, score, weights = noisy()

    plain = fit_calibration(method, target, score, weights=weights)
    small = fit_calibration(method, target, score, weights=weights / 1024)

    assert calibrated(small, score) == pytest.approx(calibrated(plain, score), abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_a_row_of_double_weight_is_two_rows_but_for_a_little_smoothing(
    method: CalibrationMethod,
) -> None:
    target, score, _ = noisy()
    twice = np.where(np.arange(len(target)) % 3, 1.0, 2.0)
    again = np.repeat(np.arange(len(target)), twice.astype(int))

    weighed = fit_calibration(method, target, score, weights=twice)
    repeated = fit_calibration(method, target[again], score[again])

    assert calibrated(weighed, score) == pytest.approx(calibrated(repeated, score), abs=5e-3)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("classes", [2, 4])
def test_what_was_stored_mends_to_the_bit_alone_and_among_others(
    method: CalibrationMethod, classes: int
) -> None:
    target, prediction, weights = noisy(classes=classes)
    found = fit_calibration(method, target, prediction, weights=weights)

    mended = calibrated(found, prediction)
    reloaded = Calibration.model_validate_json(found.model_dump_json())

    assert found.method == method
    np.testing.assert_array_equal(calibrated(reloaded, prediction), mended)
    for row in range(0, len(target), 7):
        np.testing.assert_array_equal(calibrated(found, prediction[row : row + 1])[0], mended[row])


@pytest.mark.parametrize("method", METHODS)
def test_many_classes_are_mended_one_against_the_rest(method: CalibrationMethod) -> None:
    target, prediction, weights = noisy(classes=3)

    mended = calibrated(fit_calibration(method, target, prediction, weights=weights), prediction)

    alone = np.stack(
        [
            calibrated(fit_calibration(method, one, column, weights=weights), column)
            for one, column in zip(
                [(target == place).astype(float) for place in range(3)], prediction.T, strict=True
            )
        ],
        axis=1,
    )
    assert mended.sum(axis=1) == pytest.approx(1)
    assert mended == pytest.approx(alone / alone.sum(axis=1, keepdims=True))


def test_where_no_class_is_likely_all_are_as_likely() -> None:
    never = Sigmoid(slope=1, intercept=-1000)

    mended = calibrated(Calibration(curves=(never,) * 4), np.full((2, 4), 0.25))

    assert mended.tolist() == [[0.25] * 4] * 2


def test_without_a_calibration_nothing_changes() -> None:
    prediction = np.array([0.1, 0.9])

    assert calibrated(None, prediction) is prediction


def test_a_calibration_makes_probabilities_truer() -> None:
    target, prediction, _ = noisy(4000)
    halves = slice(0, 2000), slice(2000, None)

    for method in METHODS:
        found = fit_calibration(method, target[halves[0]], prediction[halves[0]])
        mended = calibrated(found, prediction[halves[1]])

        before = np.mean((target[halves[1]] - prediction[halves[1]]) ** 2)
        assert np.mean((target[halves[1]] - mended) ** 2) < before


@pytest.mark.parametrize(("absent", "shape"), [(1.0, (3,)), (2.0, (3, 3))])
def test_a_class_without_rows_cannot_be_calibrated(absent: float, shape: tuple[int, ...]) -> None:
    target = np.array([0.0, 1.0, absent])
    weights = np.array([1.0, 0.0 if absent == 1.0 else 1.0, 0.0])

    with pytest.raises(InvalidInput, match="rows of every class, got"):
        fit_calibration("sigmoid", target, np.full(shape, 0.5), weights=weights)


def test_steps_that_overshoot_are_halved() -> None:
    target = np.array([0.0] * 15 + [1.0])
    score = np.array([0.3] * 15 + [1 - 1e-8])

    mended = calibrated(fit_calibration("sigmoid", target, score), score)

    assert mended == pytest.approx([1 / 17] * 15 + [2 / 3])
