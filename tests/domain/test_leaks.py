"""What would spoil a test is told, with figure and remedy; ordinary tables are left alone."""

import re
from collections import Counter

import numpy as np
import polars as pl
import pytest
from sklearn import datasets

from mlsys.domain.choices import TaskType
from mlsys.domain.split_records import Role
from tests.domain.parting import (
    BINARY,
    CLASSES,
    NUMBER,
    ROWS,
    TENS,
    chance,
    drawn,
    kinds,
    leaks,
    only,
    table,
)


@pytest.mark.parametrize("target", [BINARY, CLASSES, NUMBER], ids=["binary", "classes", "number"])
def test_an_ordinary_table_raises_no_warning(target: pl.Series) -> None:
    assert leaks(table(target)) == []


@pytest.mark.parametrize("name", ["breast_cancer", "wine", "diabetes"])
def test_well_known_tables_raise_no_warning(name: str) -> None:
    assert kinds(leaks(well_known(name))) == []


def test_iris_has_one_flower_twice_which_may_fall_apart() -> None:
    found = [leaks(well_known("iris"), drawn(150, seed=seed)) for seed in range(8)]

    told = {tuple(kinds(one)) for one in found}
    assert told == {(), ("duplicate_rows",)}


def well_known(name: str) -> pl.DataFrame:
    loaded = getattr(datasets, f"load_{name}")()
    features = pl.DataFrame(loaded.data, schema=list(loaded.feature_names))
    return features.with_columns(y=pl.Series(loaded.target))


def test_small_tables_of_noise_raise_no_warning_but_of_absent_classes() -> None:
    told: Counter[str] = Counter()

    for seed in range(100):
        r = np.random.default_rng(seed)
        small = pl.DataFrame(
            {
                "age": r.integers(18, 80, 20),
                "income": r.integers(10_000, 90_000, 20),
                "plan": r.choice(["basic", "plus"], 20),
                "name": [f"{r.choice(list('abcdef'))}{r.integers(100)}" for _ in range(20)],
                "y": r.integers(0, 2, 20),
            }
        )
        told.update(kinds(leaks(small, drawn(20, seed=seed))))

    assert told.keys() <= {"class_absent", "copy_of_target"}
    assert told["copy_of_target"] <= 3


def test_a_table_without_target_is_looked_at_all_the_same() -> None:
    found = leaks(table(BINARY, one=pl.lit("same")).drop("y"))

    assert kinds(found) == ["constant"]


def test_a_class_whose_share_differs_is_named() -> None:
    codes = drawn(ROWS)
    rest = chance().choice(["b", "c"], ROWS)
    target = np.where(
        np.random.default_rng(1).random(ROWS) < np.where(codes == 2, 0.6, 0.2), "a", rest
    )

    found = only(leaks(table(pl.Series("y", target)), codes))

    assert (found.kind, found.columns) == ("class_shares", ["y"])
    assert re.match(r"class 'a' of the target 'y' is [56]\d\.\d% of test and [12]", found.message)


def test_shares_that_differ_by_chance_are_not_told() -> None:
    told: Counter[str] = Counter()

    for seed in range(60):
        target = np.random.default_rng(seed).choice(list("abcd"), 300, p=[0.6, 0.3, 0.05, 0.05])
        told.update(kinds(leaks(pl.DataFrame({"y": target}), drawn(300, seed=seed))))

    assert told["class_shares"] == 0


def test_a_class_that_a_part_lacks_is_named() -> None:
    codes = np.repeat(np.array([0, 1, 2], np.int8), [60, 20, 20])
    target = ["a", "b"] * 40 + ["a"] * 19 + ["z"]

    found = leaks(pl.DataFrame({"y": target, "x": chance().normal(size=100)}), codes)

    assert kinds(found)[:3] == ["class_absent"] * 3
    assert [leak.message.split(" of the target")[0] for leak in found[:3]] == [
        "train has no row of class 'z'",
        "val has no row of class 'z'",
        "test has no row of class 'b'",
    ]


def test_many_absent_classes_are_cut_short() -> None:
    codes = np.repeat(np.array([0, 2], np.int8), [900, 100])
    target = [f"class {n % 30:02}" for n in range(900)] + ["class 00"] * 100

    found = leaks(table(pl.Series("y", target)), codes)

    absent = next(leak for leak in found if leak.kind == "class_absent")
    shares = next(leak for leak in found if leak.kind == "class_shares")
    assert "'class 10' and 19 more" in absent.message
    assert "(so differ 30 classes)" in shares.message or "100.0% of test" in shares.message


@pytest.mark.parametrize(
    ("target", "task", "classes"),
    [
        (BINARY, None, True),
        (BINARY.cast(pl.Float64), None, True),
        (BINARY == 1, None, True),
        (BINARY, TaskType.REGRESSION, False),
        (NUMBER, None, False),
        (TENS, None, False),
        (TENS, TaskType.CLASSIFICATION, True),
        (pl.Series(range(ROWS)).cast(pl.Int64), None, False),
        (pl.Series(chance().integers(0, 10**6, ROWS)), TaskType.CLASSIFICATION, True),
    ],
)
def test_only_classes_can_be_absent(
    target: pl.Series, task: TaskType | None, *, classes: bool
) -> None:
    codes = np.repeat(np.array([0, 2], np.int8), [900, 100])
    moved = target.set(pl.Series(codes == 2), target[0])

    found = leaks(table(moved.alias("y")), codes, task=task)

    assert ("class_absent" in kinds(found)) == classes


def test_a_target_of_very_many_values_has_no_classes() -> None:
    rows = 4_000
    target = pl.Series([f"class {n}" for n in range(rows)])
    codes = np.repeat(np.array([0, 2], np.int8), [3_500, 500])

    at_once = leaks(pl.DataFrame({"y": target}), codes)
    in_blocks = leaks(pl.DataFrame({"y": target}), codes, cuts=[900, 1_800, 2_700, 3_600])

    assert at_once == in_blocks == []


def test_a_part_without_rows_lacks_no_class() -> None:
    assert leaks(table(BINARY), np.resize(np.array([0, 0, 2], np.int8), ROWS)) == []


def test_no_value_of_a_sensitive_column_is_told() -> None:
    codes = np.repeat(np.array([0, 2], np.int8), [900, 100])
    target = pl.Series("y", ["ill", "well"] * 450 + ["ill"] * 100)
    time = pl.Series(range(20_000, 20_000 + ROWS)).cast(pl.Date).reverse()

    found = leaks(table(target, at=time), codes, sensitive=["y", "at"], roles={"at": Role.TIME})

    assert kinds(found) == ["class_absent", "class_shares", "time_overlap"]
    assert not any("ill" in leak.message.replace("will", "") for leak in found)
    assert not any("20" in leak.message.split("train ends")[-1] for leak in found[2:])


def test_parts_that_overlap_in_time_are_told() -> None:
    days = pl.Series(range(20_000, 20_000 + ROWS)).cast(pl.Date)
    codes = np.repeat(np.array([0, 1, 2], np.int8), [700, 150, 150])
    dated = table(BINARY, day=days)

    apart = leaks(dated, codes, roles={"day": Role.TIME})
    mixed = leaks(dated, roles={"day": Role.TIME})
    meant = leaks(dated, roles={"day": Role.TIME}, by_time=True)

    assert apart == meant == []
    assert kinds(mixed) == ["time_overlap", "time_overlap"]
    assert "(2027-06-" in mixed[0].message


def test_a_time_that_is_missing_or_text_overlaps_nothing() -> None:
    gone = pl.lit(None, pl.Date)
    text = pl.Series([f"day {n % 300}" for n in range(ROWS)])

    assert leaks(table(BINARY, day=gone), roles={"day": Role.TIME}) == []
    assert leaks(table(BINARY, day=text), roles={"day": Role.TIME}) == []
