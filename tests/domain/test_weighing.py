"""What a plan learns of weights, of rows and of classes, and which it refuses."""

from decimal import Decimal
from typing import Any, Literal

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from mlsys.domain.choices import TaskType
from mlsys.domain.encoding import encode_examples
from mlsys.domain.errors import InvalidInput, Violation
from mlsys.domain.features import Plan
from mlsys.domain.planning import fit_plan
from mlsys.domain.row_encoding import encode_rows

ROWS = 6


def table(weights: Any = (1.0, 2.0, 0.0, 0.5, 1.0, 3.0), **columns: Any) -> pl.DataFrame:
    plain = {"x": [1.5, 2.5, 3.5] * 2, "y": [0, 1] * 3, "n": [0.5, 1.5, 2.5] * 2}
    return pl.DataFrame({**plain, "w": weights, **columns})


def planned(
    train: pl.DataFrame,
    *,
    target: str = "y",
    features: list[str] | None = None,
    weight: str | None = "w",
    class_weight: Literal["balanced"] | None = None,
) -> Plan:
    task_type = TaskType.REGRESSION if target == "n" else TaskType.CLASSIFICATION
    return fit_plan(
        train,
        target=target,
        features=features,
        task_type=task_type,
        weight=weight,
        class_weight=class_weight,
    )


@pytest.mark.parametrize("target", ["y", "n"])
@pytest.mark.parametrize("features", [None, ["x"]])
def test_the_weight_is_no_feature_and_not_needed_to_predict(
    target: str, features: list[str] | None
) -> None:
    plan = planned(table(), target=target, features=features)

    examples = encode_examples(plan, table())

    assert "w" not in {feature.name for feature in plan.features}
    assert plan.left_out == ()
    assert plan.weight == "w"
    assert examples.weights is not None
    assert examples.weights.tolist() == [1, 2, 0, 0.5, 1, 3]
    assert encode_rows(plan, [{"x": 1, "y": 1, "n": 1}]).matrix.shape == (1, len(plan.features))


def test_without_a_weight_all_rows_count_the_same() -> None:
    plan = planned(table(), weight=None)

    examples = encode_examples(plan, table())

    assert examples.weights is None
    assert (examples.monotone, examples.class_weights) == ((), ())
    assert plan.features[-1].name == "w"


@pytest.mark.parametrize(
    "weights",
    [
        [1, 0, 2, 3, 4, 5],
        [Decimal(1), Decimal("0.5")] * 3,
        pl.Series([1, 0.5, 2] * 2, dtype=pl.Float32),
        [1e-9, 1e9, 0, 1, 1, 1],
    ],
    ids=["integers", "decimals", "floats", "bounds"],
)
def test_any_number_may_weigh(weights: Any) -> None:
    train = table(weights)

    examples = encode_examples(planned(train), train)

    assert examples.weights is not None
    assert examples.weights.tolist() == [float(weight) for weight in weights]


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        (["1"] * ROWS, "weights are numbers, got String; store"),
        ([True] * ROWS, "weights are numbers, got Boolean"),
        ([None] * ROWS, "weights are numbers, got Null"),
        ([1, None, 1, 1, None, 1], "2 of 6 rows have no finite weight; fill in 1"),
        ([1, float("nan"), 1, 1, 1, 1.0], "1 of 6 rows have no finite weight"),
        ([1, float("inf"), 1, 1, 1, 1.0], "1 of 6 rows have no finite weight"),
        ([1, -1, 1, 1, 1, 1], "1 of 6 rows have a negative weight; a row that shall not count"),
        ([1, 1e-10, 1, 1, 1, 1], "1 of 6 rows have a weight below 1e-9; multiply all"),
        ([1, 2e9, 1, 1, 1, 1], "1 of 6 rows have a weight over 1e9; divide all"),
        ([0] * ROWS, "all 6 rows weigh 0; some have to count"),
    ],
)
def test_an_unfit_weight_is_refused_in_every_part(weights: Any, reason: str) -> None:
    plan, frame = planned(table()), table(pl.Series(weights, strict=False))

    with pytest.raises(InvalidInput, match=f"^w: {reason}"):
        planned(frame)
    with pytest.raises(InvalidInput, match=f"^w: {reason}"):
        encode_examples(plan, frame)


def test_a_part_may_lack_rows_but_not_the_weight() -> None:
    plan = planned(table())

    examples = encode_examples(plan, table().clear())

    assert examples.weights is not None
    assert (examples.matrix.shape, examples.target.shape) == ((0, 2), (0,))
    assert examples.weights.shape == (0,)
    with pytest.raises(InvalidInput, match="w: the column of the weights is missing"):
        encode_examples(plan, table().drop("w"))


@pytest.mark.parametrize(
    ("weight", "features", "field", "reason"),
    [
        ("v", None, "weight_column", "there is no column 'v'; there are: x, y, n, w"),
        ("y", None, "weight_column", "'y' is the target"),
        ("w", ["x", "w"], "feature_columns[1]", "'w' is the weight, which is no feature"),
    ],
)
def test_a_weight_that_cannot_be_one_is_refused(
    weight: str, features: list[str] | None, field: str, reason: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        planned(table(), weight=weight, features=features)

    assert refusal.value.violations == (Violation(field, reason),)


@pytest.mark.parametrize(
    ("target", "weights", "reason"),
    [
        ("y", [1, 0, 1, 0, 1, 0], "w: all train rows of class 1 weigh 0; weigh some"),
        ("n", [1, 0, 0, 1, 0, 0], "n: all train rows with a weight have the same target"),
    ],
)
def test_rows_that_count_must_vary(target: str, weights: list[int], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        planned(table(weights), target=target)


@given(
    st.lists(st.sampled_from(["a", "b", "c"]), min_size=3, max_size=30),
    st.lists(st.sampled_from([0.1, 1.0, 2.5]), min_size=33, max_size=33),
    st.sampled_from(["w", None]),
)
def test_balanced_classes_weigh_what_scikit_learn_says(
    drawn: list[str], weights: list[float], weight: str | None
) -> None:
    labels = [*drawn, "c", "a"]
    train = pl.DataFrame({"y": labels, "w": weights[: len(labels)]})
    train = train.with_columns(x=pl.int_range(pl.len()))

    plan = planned(train, features=["x"], weight=weight, class_weight="balanced")

    expected = compute_class_weight(
        "balanced",
        classes=np.array(plan.labels),
        y=np.array(labels),
        sample_weight=train["w"].to_numpy() if weight else None,
    )
    assert plan.class_weights == pytest.approx(expected, rel=1e-12)
    assert encode_examples(plan, train).class_weights == plan.class_weights


def test_a_regression_has_no_classes_to_weigh() -> None:
    with pytest.raises(InvalidInput, match="class_weight: a regression has no classes"):
        planned(table(), target="n", class_weight="balanced")


def test_only_train_says_what_a_class_weighs() -> None:
    plan = planned(table(), class_weight="balanced")
    val = table([5.0] * ROWS, y=[0, 0, 0, 0, 0, 1])

    assert encode_examples(plan, val).class_weights == plan.class_weights
