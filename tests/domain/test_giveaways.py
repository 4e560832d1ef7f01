"""Features that are the target, or tell it all alone, are found; good features are not."""

from collections import Counter

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

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
    shuffled,
    table,
)


@pytest.mark.parametrize(
    ("target", "leak"),
    [
        (BINARY, BINARY),
        (BINARY, BINARY.cast(pl.String)),
        (BINARY, BINARY == 0),
        (BINARY, BINARY.replace_strict({0: "no", 1: "yes"})),
        (BINARY, BINARY * 3.5 - 1),
        (CLASSES, CLASSES),
        (CLASSES, CLASSES.str.slice(0, 1)),
        (CLASSES, CLASSES.replace_strict({"low": 7, "middle": 1, "high": 3})),
        (NUMBER, NUMBER),
        (NUMBER, NUMBER.cast(pl.String)),
        (TENS, TENS.cast(pl.Int64)),
        (TENS, "about " + TENS.cast(pl.String)),
    ],
)
def test_a_copy_of_the_target_is_found_and_not_once_it_is_shuffled(
    target: pl.Series, leak: pl.Series
) -> None:
    found, *more = leaks(table(target, leak=leak))

    assert (found.kind, found.columns) == ("copy_of_target", ["leak", "y"])
    assert "'leak'" in found.message
    assert "700 rows" in found.message
    assert kinds(more) in ([], ["id_like"])
    assert kinds(leaks(table(shuffled(target), leak=leak))) in ([], ["id_like"])


def test_a_copy_with_holes_is_a_copy() -> None:
    holes = pl.Series(chance().random(ROWS) < 0.3)

    found = leaks(table(CLASSES, leak=CLASSES.set(holes, None)))

    assert kinds(found) == ["copy_of_target"]


def test_what_is_nearly_always_missing_is_no_copy() -> None:
    found = leaks(table(CLASSES, rare=CLASSES.set(pl.Series(chance().random(ROWS) < 0.9), None)))

    assert found == []


def test_rows_without_target_are_no_evidence() -> None:
    unknown = BINARY.set(pl.Series(chance().random(ROWS) < 0.4), None)

    assert kinds(leaks(table(unknown, leak=BINARY))) == ["copy_of_target"]


def test_few_rows_are_enough_for_a_copy_but_not_for_chance() -> None:
    codes = np.repeat(np.array([0, 1, 2], np.int8), [14, 3, 3])
    target = [0, 1] * 10

    small = leaks(pl.DataFrame({"y": target, "leak": target}), codes)
    tiny = leaks(pl.DataFrame({"y": target, "leak": target}), np.r_[[0] * 4, [1] * 8, [2] * 8])

    assert kinds(small) == ["copy_of_target"]
    assert kinds(tiny) == []


def noisy(cells: pl.Series, noise: float) -> pl.Series:
    spread = float(cells.cast(pl.Float64).to_numpy().std()) * noise
    return cells + np.random.default_rng(2).normal(0, spread, ROWS)


@pytest.mark.parametrize(
    ("target", "leak", "figure"),
    [
        (BINARY, noisy(BINARY, 0.2), "AUC 1.000"),
        (BINARY, -noisy(BINARY, 0.2), "AUC 1.000"),
        (BINARY, pl.Series(chance().random(ROWS)).set(BINARY == 1, None), "missing: AUC 1.000"),
        (BINARY, BINARY.replace_strict({0: "n", 1: "y"}) + table(BINARY)["plan"], "100.0% told"),
        (CLASSES, CLASSES.str.slice(0, 1) + table(CLASSES)["plan"], "100.0% told right, 3"),
        (
            CLASSES,
            pl.Series(chance().random(ROWS)).set(CLASSES == "low", None),
            "missing: AUC 1.000",
        ),
        (NUMBER, NUMBER.exp().log() * 2, "rank correlation 1.0000"),
        (NUMBER, -noisy(NUMBER, 0.001), "rank correlation -1.0000"),
        (NUMBER, pl.Series(chance().random(ROWS)).set(NUMBER > 100, None), "missing: AUC 1.000"),
    ],
)
def test_a_feature_that_tells_the_target_alone_is_found_and_not_once_it_is_shuffled(
    target: pl.Series, leak: pl.Series, figure: str
) -> None:
    found = leaks(table(target, leak=leak))
    alone = leaks(table(shuffled(target), leak=leak))

    assert (only(found).kind, only(found).columns) == ("predicts_target", ["leak", "y"])
    assert figure in only(found).message
    assert alone == []


def test_the_auc_is_that_of_scikit_learn() -> None:
    told = noisy(BINARY, 0.52)
    train = drawn(ROWS) == 0

    message = only(leaks(table(BINARY, leak=told))).message

    auc = roc_auc_score(BINARY.to_numpy()[train], told.to_numpy()[train])
    assert 0.995 < auc < 0.9995
    assert f"AUC {auc:.3f}" in message


def test_what_is_told_right_leaves_the_row_itself_out() -> None:
    flipped = CLASSES.set(pl.Series(chance().random(ROWS) < 0.006), "low")
    told = flipped + table(CLASSES)["plan"]
    rows = list(zip(told, CLASSES, strict=True))
    train = [row for row, code in zip(rows, drawn(ROWS), strict=True) if code == 0]

    message = only(leaks(table(CLASSES, leak=told))).message

    right = 0
    for at, (value, wanted) in enumerate(train):
        others = Counter(one for value_, one in train[:at] + train[at + 1 :] if value_ == value)
        right += others.most_common(1)[0][0] == wanted
    assert 0.99 < right / len(train) < 1
    assert f"{right / len(train):.1%} told right" in message


@pytest.mark.parametrize("order", [["b", "a", "c"], ["a", "b", "a"]])
def test_classes_that_are_ranges_of_a_number_are_found(order: list[str]) -> None:
    r = np.random.default_rng(0)
    number = r.uniform(0, 3, 9_000)
    given = pl.DataFrame({"number": number, "y": [order[int(one)] for one in number]})

    found = only(leaks(given))

    assert (found.kind, found.columns) == ("predicts_target", ["number", "y"])
    assert "100.0% told right" in found.message
    assert leaks(given.with_columns(shuffled(given["y"]))) == []


@pytest.mark.parametrize(
    ("target", "feature"),
    [
        (BINARY, noisy(BINARY, 0.6)),
        (CLASSES, CLASSES.set(pl.Series(chance().random(ROWS) < 0.05), "low")),
        (NUMBER, noisy(NUMBER, 0.1)),
        (NUMBER, pl.Series([1.0] * 999 + [None])),
        (
            BINARY,
            pl.Series(chance().random(ROWS)).set(pl.Series(chance().random(ROWS) < 0.5), None),
        ),
    ],
)
def test_a_good_feature_is_no_leak(target: pl.Series, feature: pl.Series) -> None:
    assert "predicts_target" not in kinds(leaks(table(target, good=feature)))


def test_a_rare_class_takes_twenty_rows_to_be_told() -> None:
    rare = pl.Series("y", [1] * 12 + [0] * (ROWS - 12))
    codes = np.resize(np.array([0, 0, 0, 1, 2, 0], np.int8), ROWS)

    found = leaks(table(rare, told=noisy(rare, 0.2)), codes)

    assert found == []


def test_a_feature_that_is_there_for_few_rows_of_a_number_is_not_judged() -> None:
    seldom = NUMBER.set(pl.Series(chance().random(ROWS) < 0.7), None) * 2

    assert leaks(table(NUMBER, seldom=seldom)) == []


def test_a_target_of_one_value_tells_nothing() -> None:
    constant = pl.Series("y", [1] * ROWS)

    assert leaks(table(constant, leak=constant), task=TaskType.CLASSIFICATION)[0].kind == "constant"


def test_only_features_are_judged() -> None:
    given = table(BINARY, leak=BINARY, weight=pl.int_range(ROWS))

    found = leaks(given, roles={"leak": Role.IGNORE, "weight": Role.WEIGHT})

    assert found == []
