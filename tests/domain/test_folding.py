"""Folds: every row is judged once, by what did not learn from it."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from mlsys.domain.errors import InvalidInput
from mlsys.domain.folding import Numbers, fold_numbers, folds_of
from mlsys.domain.learners.base import Examples
from mlsys.domain.messages import ExperimentWish
from mlsys.domain.records import Part
from mlsys.domain.split_records import (
    Column,
    ColumnType,
    Role,
    Split,
    SplitStatus,
)

ROWS = 101


def wish(task_type: str = "classification", **more: Any) -> ExperimentWish:
    known = {"name": "toys", "target_column": "y", "model_type": "lightgbm"}
    return ExperimentWish.model_validate(known | {"task_type": task_type} | more)


def split(strategy: str = "random", **roles: Role) -> Split:
    columns = [
        Column(name=name, type=ColumnType.INTEGER, nullable=True, role=role)
        for name, role in roles.items()
    ]
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Split(
        id="split-1",
        entity_id="toys",
        status=SplitStatus.READY,
        created_at=now,
        updated_at=now,
        source_uri="gs://uploads/toys/a.csv",
        source_generation="1",
        strategy=strategy,
        seed=0,
        columns=columns,
    )


def table() -> pl.DataFrame:
    rng = np.random.default_rng(3)
    return pl.DataFrame(
        {
            "x": rng.normal(size=ROWS),
            "y": np.where(np.arange(ROWS) % 5 == 0, "rare", "common"),
            "who": rng.integers(0, 17, ROWS),
            "fold": np.arange(ROWS) % 4,
        }
    )


def drawn(made: Split, wanted: ExperimentWish) -> Numbers:
    numbers = fold_numbers(table(), made, wanted)
    assert numbers is not None
    return numbers


def parts(rows: int = ROWS) -> dict[Part, Examples]:
    matrix = np.arange(rows, dtype=np.float64)[:, None]
    train = Examples(matrix, matrix[:, 0] % 2, (False,), weights=matrix[:, 0] + 1)
    return {"train": train, "val": Examples(matrix[:3], matrix[:3, 0], (False,))}


def test_without_folds_train_is_judged_on_val() -> None:
    assert fold_numbers(table(), split(), wish()) is None

    [fold] = folds_of(parts(), None)

    assert len(fold.train.target) == ROWS
    assert len(fold.val.target) == 3
    assert fold.places is None


def test_every_row_of_train_is_judged_once_and_never_by_what_learnt_from_it() -> None:
    numbers = drawn(split(), wish(cv_folds=5))

    folds = folds_of(parts(), numbers)

    judged = np.concatenate([fold.val.matrix[:, 0] for fold in folds])
    assert sorted(judged.tolist()) == list(range(ROWS))
    for fold in folds:
        assert not set(fold.train.matrix[:, 0]) & set(fold.val.matrix[:, 0])
        assert len(fold.train.matrix) + len(fold.val.matrix) == ROWS


def test_targets_weights_and_places_go_with_their_rows() -> None:
    for fold in folds_of(parts(), drawn(split(), wish(cv_folds=3))):
        assert fold.places is not None
        assert fold.val.weights is not None
        np.testing.assert_array_equal(fold.val.matrix[:, 0], fold.places)
        np.testing.assert_array_equal(fold.val.weights, fold.places + 1)
        np.testing.assert_array_equal(fold.val.target, fold.places % 2)


def test_classes_are_dealt_out_in_proportion() -> None:
    numbers = drawn(split(), wish(cv_folds=5))

    rare = np.bincount(numbers[table()["y"].to_numpy() == "rare"], minlength=5)
    assert rare.max() - rare.min() <= 1
    assert np.ptp(np.bincount(numbers)) <= 1


def test_numbers_are_dealt_out_evenly() -> None:
    numbers = drawn(split(), wish("regression", target_column="x", cv_folds=4))

    assert np.ptp(np.bincount(numbers)) <= 1


def test_the_same_seed_draws_the_same_folds_and_another_others() -> None:
    folds = [
        drawn(split(), wish(cv_folds=5, optuna_config={"seed": seed})).tolist()
        for seed in (1, 1, 2)
    ]

    assert folds[0] == folds[1] != folds[2]


def test_a_group_that_the_split_kept_together_stays_in_one_fold() -> None:
    numbers = drawn(split("group", who=Role.GROUP), wish(cv_folds=4))

    for who in table()["who"].unique():
        assert len(set(numbers[(table()["who"] == who).to_numpy()])) == 1
    assert np.ptp(np.bincount(numbers)) <= 10


def test_the_folds_of_the_split_are_taken_as_they_are() -> None:
    folded = split("kfold", fold=Role.FOLD)

    assert drawn(folded, wish()).tolist() == table()["fold"].to_list()
    assert drawn(folded, wish(cv_folds=4)).tolist() == table()["fold"].to_list()


@pytest.mark.parametrize(
    ("made", "more", "told"),
    [
        (split("kfold", fold=Role.FOLD), {"cv_folds": 5}, "the split has 4 folds, 5 are wanted"),
        (split("time"), {"cv_folds": 5}, "the split keeps their order"),
        (split(), {"cv_folds": 20, "target_column": "who"}, "a class of 'who' has"),
        (split("group", who=Role.GROUP), {"cv_folds": 20}, "which has 17"),
    ],
)
def test_folds_that_cannot_be_are_refused(made: Split, more: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        fold_numbers(table(), made, wish(**more))


def test_more_folds_than_rows_are_refused() -> None:
    with pytest.raises(InvalidInput, match="train has 3"):
        fold_numbers(table().head(3), split(), wish("regression", target_column="x", cv_folds=4))
