"""What is said of a part is what scikit-learn says, and never NaN."""

import json

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sk

from mlsys.domain.evaluation.metrics import report
from mlsys.domain.evaluation.reporting import (
    MAX_CLASSES_IN_FULL,
    MAX_CURVES,
    MAX_PAIRS,
    SHARES,
    Evaluation,
    Scored,
    evaluate,
    slice_metrics,
)
from mlsys.domain.learners.base import Floats, Task
from tests.domain.learning import BINARY, MULTICLASS, REGRESSION

WEIGHTS = st.sampled_from([0.5, 1.0, 3.25])


@st.composite
def many_classes(draw: st.DrawFn) -> Scored:
    size = draw(st.integers(1, 40))
    target = draw(arrays(float, size, elements=st.sampled_from([0.0, 1.0, 2.0])))
    raw = draw(arrays(float, (size, 3), elements=st.sampled_from([0.5, 1.0, 2.0])))
    weights = draw(arrays(float, size, elements=WEIGHTS))
    return Scored(target, raw / raw.sum(axis=1, keepdims=True), weights)


def two(scored: Scored) -> Scored:
    return Scored(np.minimum(scored.target, 1), scored.prediction[:, 1], scored.weights)


def evaluated(task: Task, labels: tuple[str, ...], scored: Scored) -> Evaluation:
    return evaluate(task, labels, scored, threshold=0.4, learnt_from=False)


@given(many_classes())
def test_each_class_is_told_as_scikit_learn_tells_it(scored: Scored) -> None:
    said = scored.prediction.argmax(axis=1)

    found = evaluated(MULTICLASS, ("a", "b", "c"), scored)

    precision, recall, f1, _ = sk.precision_recall_fscore_support(
        scored.target, said, labels=[0, 1, 2], sample_weight=scored.weights, zero_division=0
    )
    classes = found.classes or []
    assert [one.label for one in classes] == ["a", "b", "c"]
    assert [one.precision for one in classes] == pytest.approx(precision.tolist())
    assert [one.recall for one in classes] == pytest.approx(recall.tolist())
    assert [one.f1 for one in classes] == pytest.approx(f1.tolist())
    assert scored.weights is not None
    support = np.bincount(scored.target.astype(int), scored.weights, minlength=3)
    assert [one.support for one in classes] == pytest.approx(support.tolist())


@given(many_classes())
def test_the_confusion_is_that_of_scikit_learn(scored: Scored) -> None:
    said = scored.prediction.argmax(axis=1)
    rows = two(scored)

    many = evaluated(MULTICLASS, ("a", "b", "c"), scored).confusion
    binary = evaluated(BINARY, ("no", "yes"), rows).confusion

    wanted = sk.confusion_matrix(
        scored.target, said, labels=[0, 1, 2], sample_weight=scored.weights
    )
    assert many is not None
    assert np.array(many.matrix) == pytest.approx(wanted)
    wanted = sk.confusion_matrix(
        rows.target, rows.prediction >= 0.4, labels=[0, 1], sample_weight=rows.weights
    )
    assert binary is not None
    assert binary.labels == ("no", "yes")
    assert np.array(binary.matrix) == pytest.approx(wanted)


@given(many_classes())
def test_nothing_is_nan_and_what_is_read_again_is_the_same(scored: Scored) -> None:
    for task, labels, rows in (
        (MULTICLASS, ("a", "b", "c"), scored),
        (BINARY, ("no", "yes"), two(scored)),
        (REGRESSION, (), Scored(scored.target, scored.prediction[:, 0], scored.weights)),
    ):
        found = evaluated(task, labels, rows)

        text = json.dumps(found.model_dump(mode="json", exclude_none=True), allow_nan=False)
        assert Evaluation.model_validate_json(text) == found
        assert found.metrics == report(
            task, rows.target, rows.prediction, weights=rows.weights, threshold=0.4
        )


def test_of_two_classes_the_second_has_the_curves() -> None:
    rows = Scored(np.array([0.0, 1.0]), np.array([0.1, 0.9]))

    no, yes = evaluated(BINARY, ("no", "yes"), rows).classes or []

    assert no.curves is None
    assert yes.curves is not None


@pytest.mark.parametrize(
    ("classes", "curves", "confusion"),
    [
        (MAX_CURVES, True, True),
        (MAX_CURVES + 1, False, True),
        (MAX_CLASSES_IN_FULL, False, True),
        (MAX_CLASSES_IN_FULL + 1, False, False),
    ],
)
def test_many_classes_are_told_in_short(classes: int, *, curves: bool, confusion: bool) -> None:
    labels = tuple(f"c{place}" for place in range(classes))
    rows = Scored(np.arange(float(classes)), np.full((classes, classes), 1 / classes))

    found = evaluated(Task("multiclass", classes), labels, rows)

    assert (found.confusion is not None) == confusion
    assert any(one.curves for one in found.classes or []) == curves


@given(st.integers(1, 500), st.integers(0, 9))
def test_residuals_and_pairs_keep_their_ends(size: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    target, prediction = generator.normal(size=(2, size))

    found = evaluated(REGRESSION, (), Scored(target, prediction))

    assert found.residuals is not None
    assert found.pairs is not None
    assert found.residuals.quantiles == SHARES
    assert found.residuals.values == np.quantile(target - prediction, SHARES).tolist()
    assert found.residuals.mean == pytest.approx(np.mean(target - prediction))
    predicted = found.pairs.predicted
    assert len(predicted) == min(size, MAX_PAIRS)
    assert (predicted[0], predicted[-1]) == (prediction.min(), prediction.max())
    actual = dict(zip(prediction.tolist(), target.tolist(), strict=True))
    assert [actual[one] for one in predicted] == found.pairs.actual
    assert (found.classes, found.confusion) == (None, None)


@given(arrays(float, 30, elements=st.integers(1, 3).map(float)))
def test_a_row_of_double_weight_is_two_rows(weights: Floats) -> None:
    assume(np.ptp(weights) > 0)
    target, prediction = np.random.default_rng(0).normal(size=(2, 30))
    again = np.repeat(np.arange(30), weights.astype(int))

    weighed = evaluated(REGRESSION, (), Scored(target, prediction, weights)).residuals
    repeated = evaluated(
        REGRESSION, (), Scored(target[again], prediction[again], np.ones(len(again)))
    ).residuals

    assert weighed is not None
    assert repeated is not None
    assert weighed.values == repeated.values
    assert weighed.mean == pytest.approx(repeated.mean)


def test_a_slice_without_weight_has_rows_and_no_metrics() -> None:
    rows = Scored(np.array([1.0, 2.0]), np.array([1.0, 3.0]), np.array([0.0, 2.0]))

    nothing = slice_metrics(REGRESSION, "red", rows.where(np.array([True, False])), 0.5)
    something = slice_metrics(REGRESSION, "blue", rows.where(np.array([False, True])), 0.5)

    assert (nothing.slice, nothing.rows, nothing.metrics) == ("red", 1, {})
    assert something.metrics["mean_absolute_error"] == 1
