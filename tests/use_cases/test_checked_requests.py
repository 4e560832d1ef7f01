"""Requests are held against their split, their search and what they begin with, all at once."""

from typing import Any

import pytest

from mlsys.domain.errors import InvalidInput
from mlsys.domain.messages import ExperimentRequest
from mlsys.domain.split_records import (
    Column,
    ColumnType,
    Role,
    Split,
)
from mlsys.edge.parsing import parse_model
from mlsys.repositories.splits import SPLITS
from mlsys.runtime import Runtime
from mlsys.use_cases.experiments import check_request


def check(split: Split, runtime: Runtime, **fields: Any) -> Split:
    body = {
        "split_id": split.id,
        "name": "toys",
        "target_column": "kind",
        "task_type": "classification",
        "model_type": "lightgbm",
        **fields,
    }
    return check_request(parse_model(body, ExperimentRequest), records=runtime.records).split


def test_everything_that_can_be_told_before_a_row_is_read_is_told_at_once(
    ready_split: Split, runtime: Runtime
) -> None:
    with pytest.raises(InvalidInput) as caught:
        check(
            ready_split,
            runtime,
            feature_columns=["none"],
            metric_name="karma",
            weight_column="colour",
            slices=["nowhere"],
            search_space={"num_leaves": {"low": 9, "high": 3}},
            warm_start_from="exp-none",
            optuna_config={"sampler": "CmaEs", "pruner": "WilcoxonPruner"},
        )

    assert [one.field for one in caught.value.violations] == [
        "feature_columns[0]",
        "slices[0]",
        "weight_column",
        "metric_name",
        "optuna_config.pruner",
        "search_space.num_leaves.low",
        "warm_start_from",
    ]


def test_a_library_that_there_is_not_is_told_with_those_that_there_are(
    ready_split: Split, runtime: Runtime
) -> None:
    with pytest.raises(InvalidInput) as caught:
        check(ready_split, runtime, model_type="h2o")

    [violation] = caught.value.violations
    assert violation.field == "model_type"
    assert violation.description == (
        "expected 'catboost', 'xgboost', 'lightgbm' or 'auto', got \"h2o\""
    )


@pytest.mark.parametrize(
    ("change", "fields", "reason"),
    [
        ({"rows": {"train": 9, "val": 0, "test": 9}}, {}, "no row in val, and no folds: say cv_f"),
        ({"rows": {"train": 9, "val": 0, "test": 9}}, {"cv_folds": 3}, None),
        ({"fold": True, "rows": {"train": 9, "val": 0, "test": 9}}, {}, None),
        ({"fold": True}, {"cv_folds": 3}, None),
        ({"fold": True, "params": {"n_splits": 3}}, {"cv_folds": 3}, None),
        ({"fold": True, "params": {"n_splits": 4}}, {"cv_folds": 3}, "has 4 folds already: leave"),
        ({"strategy": "time"}, {"cv_folds": 3}, "mix what was split by time"),
    ],
    ids=str,
)
def test_folds_agree_with_the_split(
    ready_split: Split,
    runtime: Runtime,
    *,
    change: dict[str, Any],
    fields: dict[str, Any],
    reason: str | None,
) -> None:
    fold = Column(name="fold", type=ColumnType.INTEGER, nullable=True, role=Role.FOLD)
    columns = [*ready_split.columns, fold] if "fold" in change else ready_split.columns
    SPLITS.change(
        ready_split.id,
        lambda seen: seen.model_copy(update={**change, "columns": columns}),
        records=runtime.records,
    )

    if reason is None:
        assert check(ready_split, runtime, **fields).id == ready_split.id
        return
    with pytest.raises(InvalidInput, match=reason):
        check(ready_split, runtime, **fields)


def test_a_slice_shows_no_value_of_a_sensitive_column(ready_split: Split, runtime: Runtime) -> None:
    columns = [
        one.model_copy(update={"sensitive": one.name == "colour"}) for one in ready_split.columns
    ]
    SPLITS.change(
        ready_split.id,
        lambda seen: seen.model_copy(update={"columns": columns}),
        records=runtime.records,
    )

    assert check(ready_split, runtime, slices=["size"], feature_columns=["colour"])
    with pytest.raises(InvalidInput, match=r"slices\[1\]: 'colour' is sensitive by the contract"):
        check(ready_split, runtime, slices=["size", "colour"])


def test_the_record_of_a_release_that_noted_no_sensitive_columns_is_read(
    ready_split: Split, runtime: Runtime
) -> None:
    seen = runtime.records.get("splits", ready_split.id)
    for column in seen.body["columns"]:
        del column["sensitive"]
    runtime.records.replace(seen, seen.body)

    assert check(ready_split, runtime, slices=["colour"]) == ready_split


def test_all_columns_that_cannot_be_used_are_told_at_once(
    ready_split: Split, runtime: Runtime
) -> None:
    with pytest.raises(InvalidInput) as caught:
        check(ready_split, runtime, feature_columns=["size", "none", "kind", "size"])

    assert [(one.field, one.description) for one in caught.value.violations] == [
        ("feature_columns[1]", "there is no column 'none'"),
        ("feature_columns[2]", "'kind' is the target, so it cannot be a feature"),
        ("feature_columns[3]", "'size' stands twice"),
    ]
