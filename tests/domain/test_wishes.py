"""Requests that do not fit the columns of their split, or themselves."""

from typing import Any

import pytest

from mlsys.domain.messages import ExperimentWish
from mlsys.domain.split_records import Column, ColumnType, Role
from mlsys.domain.wishes import metric_of, wish_problems

COLUMNS = [
    Column(name="id", type=ColumnType.INTEGER, nullable=False, role=Role.KEY),
    Column(name="age", type=ColumnType.INTEGER, nullable=False),
    Column(name="city", type=ColumnType.TEXT, nullable=True),
    Column(name="mail", type=ColumnType.TEXT, nullable=True, sensitive=True),
    Column(name="since", type=ColumnType.DATE, nullable=True),
    Column(name="w", type=ColumnType.FLOAT, nullable=False, role=Role.WEIGHT),
    Column(name="y", type=ColumnType.INTEGER, nullable=False, role=Role.TARGET),
]


def wished(**fields: Any) -> ExperimentWish:
    return ExperimentWish.model_validate(
        {
            "name": "toys",
            "target_column": "y",
            "task_type": "classification",
            "model_type": "lightgbm",
            **fields,
        }
    )


def problems(**fields: Any) -> list[tuple[str, str]]:
    return [(one.field, one.description) for one in wish_problems(wished(**fields), COLUMNS)]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"weight_column": "w"},
        {"weight_column": "age"},
        {"monotone_constraints": {"age": 1, "since": -1}},
        {"feature_columns": ["id", "city"], "monotone_constraints": {"id": 0}},
        {"threshold_metric": "f1", "calibration": "sigmoid", "class_weight": "balanced"},
        {"slices": ["city", "id", "y"]},
        {"metric_name": "f1"},
        {"metric_name": "auc"},
        {"task_type": "regression", "metric_name": "mae"},
    ],
    ids=str,
)
def test_what_fits(fields: dict[str, Any]) -> None:
    assert problems(**fields) == []


@pytest.mark.parametrize(
    ("fields", "field", "description"),
    [
        ({"target_column": "x"}, "target_column", "there is no column 'x'"),
        ({"weight_column": "x"}, "weight_column", "there is no column 'x'"),
        ({"weight_column": "y"}, "weight_column", "'y' is the target"),
        (
            {"weight_column": "city"},
            "weight_column",
            "expected a column of numbers, and 'city' is text",
        ),
        (
            {"weight_column": "age", "feature_columns": ["age"]},
            "feature_columns[0]",
            "'age' is the weight, so it cannot be a feature",
        ),
        (
            {"feature_columns": ["y"]},
            "feature_columns[0]",
            "'y' is the target, so it cannot be a feature",
        ),
        ({"feature_columns": ["age", "age"]}, "feature_columns[1]", "'age' stands twice"),
        ({"slices": ["city", "x"]}, "slices[1]", "there is no column 'x'"),
        ({"slices": ["city", "city"]}, "slices[1]", "'city' stands twice"),
        (
            {"slices": ["city", "mail"]},
            "slices[1]",
            (
                "'mail' is sensitive by the contract, and metrics.json would show its values: "
                "leave it out, or split again by a contract that does not mark it"
            ),
        ),
        (
            {"monotone_constraints": {"x": 1}},
            "monotone_constraints.x",
            "there is no column 'x'",
        ),
        (
            {"monotone_constraints": {"id": 1}},
            "monotone_constraints.id",
            "'id' is no feature",
        ),
        (
            {"monotone_constraints": {"age": 1}, "feature_columns": ["city"]},
            "monotone_constraints.age",
            "'age' is no feature",
        ),
        (
            {"monotone_constraints": {"age": 1}, "weight_column": "age"},
            "monotone_constraints.age",
            "'age' is no feature",
        ),
        (
            {"monotone_constraints": {"city": 1}},
            "monotone_constraints.city",
            "'city' is text, which has no order to rise or fall along",
        ),
        (
            {"threshold_metric": "auc"},
            "threshold_metric",
            "'auc' does not depend on a threshold",
        ),
    ],
    ids=str,
)
def test_what_does_not_fit_is_told_with_its_place(
    fields: dict[str, Any], field: str, description: str
) -> None:
    assert problems(**fields) == [(field, description)]


@pytest.mark.parametrize("field", ["metric_name", "threshold_metric"])
def test_a_metric_that_there_is_not_is_told_with_those_that_there_are(field: str) -> None:
    [(place, description)] = problems(**{field: "karma"})

    assert place == field
    assert description.startswith("'karma' does not fit a binary task; these do: roc_auc")


def test_a_regression_has_no_classes() -> None:
    asked = {"class_weight": "balanced", "threshold_metric": "f1", "calibration": "isotonic"}

    found = problems(task_type="regression", **asked)

    why = "is for classification, and task_type is regression"
    assert sorted(found) == sorted((field, why) for field in asked)


def test_whether_a_metric_is_maximised_is_known_without_the_data() -> None:
    assert metric_of(wished()).maximize
    assert not metric_of(wished(metric_name="log_loss")).maximize
    assert not metric_of(wished(task_type="regression")).maximize
    assert metric_of(wished(metric_name="average_precision")).maximize
