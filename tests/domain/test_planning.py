"""What train alone teaches about its columns, and why some are left out."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest

from mlsys.domain.choices import TaskType
from mlsys.domain.errors import InvalidInput, Violation
from mlsys.domain.features import Plan
from mlsys.domain.judging import MAX_VOCABULARY
from mlsys.domain.planning import MAX_CLASSES, fit_plan

ROWS = 60
SHUFFLED = np.random.default_rng(0).permutation(ROWS).tolist()


def table(**columns: Any) -> pl.DataFrame:
    return pl.DataFrame({**columns, "plain": [n % 7 for n in range(ROWS)], "y": [0, 1] * 30})


def planned(
    train: pl.DataFrame,
    *features: str,
    target: str = "y",
    task_type: TaskType = TaskType.CLASSIFICATION,
) -> Plan:
    return fit_plan(train, target=target, features=features or None, task_type=task_type)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([1] * ROWS, "constant"),
        (["a"] * ROWS, "constant"),
        (SHUFFLED, "an id"),
        ([1_000 + 2 * n for n in SHUFFLED], "an id"),
        ([2**40 + 2**20 * n for n in SHUFFLED], "an id"),
        ([f"customer {n}" for n in SHUFFLED], "an id or free text"),
        (["It was a dark and stormy night. " * 2 + str(n % 25) for n in SHUFFLED], "free text"),
    ],
)
def test_what_teaches_nothing_is_left_out_unless_it_is_named(
    values: list[Any], reason: str
) -> None:
    train = table(x=values)

    plan, named = planned(train), planned(train, "x")

    assert [feature.name for feature in plan.features] == ["plain"]
    [left_out] = plan.left_out
    assert left_out.name == "x"
    assert reason in left_out.reason
    assert [feature.name for feature in named.features] == ["x"]


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (pl.Series([None] * ROWS), "no train row has a value"),
        (pl.Series([None] * ROWS, dtype=pl.Date), "no train row has a value"),
        (pl.Series([float("nan"), None] * 30), "no train row has a value"),
        (pl.Series([2**53 + 1 + n % 5 for n in range(ROWS)]), "2^53"),
        (pl.Series([-(2**63), *range(ROWS - 1)]), "2^53"),
        (pl.Series([2**100, *range(ROWS - 1)], dtype=pl.Int128), "2^53"),
        (pl.Series([2**24 + n for n in range(ROWS)]), "2^24"),
        (pl.Series([[1]] * ROWS), "List(Int64)"),
        (pl.Series([timedelta(n) for n in range(ROWS)]), "Duration"),
    ],
)
def test_what_cannot_be_used_is_left_out_and_refused_if_it_is_named(
    column: pl.Series, reason: str
) -> None:
    train = table(x=column)

    plan = planned(train)

    assert [feature.name for feature in plan.features] == ["plain"]
    assert reason in plan.left_out[0].reason
    with pytest.raises(InvalidInput, match="feature_columns: 'x' cannot be used") as refusal:
        planned(train, "plain", "x")
    assert refusal.value.violations == (Violation("feature_columns[1]", plan.left_out[0].reason),)


@pytest.mark.parametrize(
    ("column", "kind", "nullable"),
    [
        (pl.Series([n * 97 for n in SHUFFLED]), "numeric", False),
        (pl.Series([10 * 2**24 + 64 * (n % 40) for n in range(ROWS)]), "numeric", False),
        (pl.Series([1.5, float("nan"), 2] * 20), "numeric", True),
        (pl.Series([Decimal("1.5"), Decimal(2)] * 30), "numeric", False),
        (pl.Series([True, None, False] * 20), "boolean", True),
        (pl.Series([True, None] * 30), "boolean", True),
        (pl.Series(["", "a"] * 30), "category", False),
        (pl.Series(["b", "a"] * 30, dtype=pl.Categorical), "category", False),
        (pl.Series(["b", None] * 30, dtype=pl.Enum(["b", "c"])), "category", True),
        (pl.Series([date(2024, 1, 1 + n % 9) for n in range(ROWS)]), "datetime", False),
        (pl.Series([datetime(2024, 1, 1, n % 9, tzinfo=UTC) for n in SHUFFLED]), "datetime", False),
    ],
)
def test_other_columns_are_features(column: pl.Series, kind: str, *, nullable: bool) -> None:
    plan = planned(table(x=column))

    assert [feature.name for feature in plan.features] == ["x", "plain"]
    assert (plan.features[0].kind, plan.features[0].nullable) == (kind, nullable)
    assert plan.left_out == ()


def test_a_vocabulary_is_sorted_and_holds_the_most_frequent() -> None:
    words = ["z", "z", "z", "B", "B", "ä", *(f"w{n:04}" for n in range(MAX_VOCABULARY))]
    train = pl.DataFrame({"x": words, "y": [n % 2 for n in range(len(words))]})

    [feature] = planned(train, "x").features

    kept = sorted(["z", "B", *(f"w{n:04}" for n in range(MAX_VOCABULARY - 2))])
    assert list(feature.vocabulary) == kept
    assert feature.codes["B"] == 0
    assert feature.unknown == MAX_VOCABULARY


def test_a_plan_does_not_depend_on_the_order_of_rows() -> None:
    train = table(x=["c", "a", None] * 20, z=[1.5, None, 2.5] * 20)

    assert planned(train) == planned(train[SHUFFLED])


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([True, False], (False, True)),
        ([1, 0], (0, 1)),
        ([1.0, -1.0], (-1, 1)),
        (["no", "Yes"], ("Yes", "no")),
        ([10, 9, 2], (2, 9, 10)),
        (["10", "9", "2"], ("10", "2", "9")),
        (pl.Series(["b", "a"], dtype=pl.Enum(["b", "a"])), ("a", "b")),
    ],
)
def test_labels_are_sorted_and_keep_their_type(
    values: list[Any], labels: tuple[str | int | bool, ...]
) -> None:
    train = pl.DataFrame({"y": values}).with_columns(x=pl.int_range(pl.len()))

    plan = planned(train)

    assert plan.labels == labels
    assert [type(label) for label in plan.labels] == [type(label) for label in labels]
    assert plan.task.kind == ("binary" if len(labels) == 2 else "multiclass")
    assert plan.task.n_classes == len(labels)


@pytest.mark.parametrize(
    ("values", "task_type", "reason"),
    [
        ([1, 1], TaskType.CLASSIFICATION, "all train rows are of one class, 1"),
        ([1, None], TaskType.CLASSIFICATION, "every row needs a class, 1 lack it"),
        ([0.5, 1], TaskType.CLASSIFICATION, "whole numbers, got Float64"),
        ([float("nan"), 1.0], TaskType.CLASSIFICATION, "whole numbers, got Float64"),
        ([date(2024, 1, 1), None], TaskType.CLASSIFICATION, "every row needs a class"),
        ([date(2024, 1, 1), date(2024, 1, 2)], TaskType.CLASSIFICATION, "got Date"),
        (range(MAX_CLASSES + 1), TaskType.CLASSIFICATION, "is task_type 'regression' meant"),
        ([1, 1], TaskType.REGRESSION, "the same target"),
        ([1, None], TaskType.REGRESSION, "finite target"),
        ([1, float("inf")], TaskType.REGRESSION, "finite target"),
        (["1", "2"], TaskType.REGRESSION, "predicts numbers, got String"),
        ([True, False], TaskType.REGRESSION, "predicts numbers, got Boolean"),
        ([], TaskType.REGRESSION, "predicts numbers, got Null"),
    ],
)
def test_an_unfit_target_is_refused(values: Any, task_type: TaskType, reason: str) -> None:
    train = pl.DataFrame({"y": values}, strict=False).with_columns(x=pl.int_range(pl.len()))

    with pytest.raises(InvalidInput, match=f"y: .*{reason}"):
        planned(train, task_type=task_type)


def test_a_regression_has_no_labels() -> None:
    plan = planned(table(x=[1, 2] * 30), target="plain", task_type=TaskType.REGRESSION)

    assert (plan.task.kind, plan.task.n_classes, plan.labels) == ("regression", 0, ())


def test_names_that_do_not_fit_are_refused_together() -> None:
    with pytest.raises(InvalidInput, match=r"^feature_columns\[0\]: .* there are: plain, y$") as it:
        planned(table(), "other", "y", "plain", "plain")

    assert [(one.field, one.description) for one in it.value.violations] == [
        ("feature_columns[0]", "there is no column 'other'; there are: plain, y"),
        ("feature_columns[1]", "'y' is the target"),
        ("feature_columns[3]", "'plain' stands twice"),
    ]
    with pytest.raises(InvalidInput, match="target_column: there is no column 'other'"):
        planned(table(), target="other")


def test_a_table_with_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"no column is left .*\(x: it is constant in train\)"):
        planned(table(x=[1] * ROWS).drop("plain"))
    with pytest.raises(InvalidInput, match="there is none"):
        planned(table().drop("plain"))
