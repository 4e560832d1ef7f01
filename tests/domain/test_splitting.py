"""Rows go to train, val and test in exact shares, the same for the same seed."""

from collections import Counter
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.contract import Ratios, SplitParams
from mlsys.domain.errors import InvalidInput
from mlsys.domain.records import PARTS
from mlsys.domain.splitting import assign_parts, classes_absent, duplicates_across, shares

PERCENT = st.tuples(st.integers(10, 80), st.integers(10, 80)).filter(lambda two: sum(two) <= 90)
RATIOS = PERCENT.map(
    lambda two: Ratios(train=two[0] / 100, val=two[1] / 100, test=(100 - sum(two)) / 100)
)


def numbered(rows: int) -> pl.DataFrame:
    return pl.DataFrame({"x": range(rows)})


@given(st.integers(0, 10_000), RATIOS)
def test_shares_add_up_and_are_within_one_row(rows: int, ratios: Ratios) -> None:
    sizes = shares(rows, ratios.exact())

    assert sum(sizes.values()) == rows
    assert all(abs(sizes[part] - rows * ratios.exact()[part]) < 1 for part in PARTS)


@given(st.integers(30, 300), RATIOS, st.integers(0, 2**31 - 1))
def test_a_random_split_has_exact_sizes_and_is_repeatable(
    rows: int, ratios: Ratios, seed: int
) -> None:
    params = SplitParams(ratios=ratios, seed=seed)

    labels = assign_parts(numbered(rows), params, target=None)

    assert Counter(labels) == Counter(shares(rows, ratios.exact()))
    assert labels.equals(assign_parts(numbered(rows), params, target=None))


@given(st.lists(st.integers(10, 60), min_size=2, max_size=5), RATIOS, st.integers(0, 9))
def test_each_class_of_a_stratified_split_has_exact_sizes(
    sizes: list[int], ratios: Ratios, seed: int
) -> None:
    classes = [f"class {n}" for n, size in enumerate(sizes) for _ in range(size)]
    table = pl.DataFrame({"y": classes})
    params = SplitParams(strategy="stratified", ratios=ratios, seed=seed)

    labels = assign_parts(table, params, target="y")

    for n, size in enumerate(sizes):
        found = Counter(labels.filter(table["y"] == f"class {n}"))
        assert found == Counter(shares(size, ratios.exact()))


def test_labels_never_change_from_release_to_release() -> None:
    table = pl.DataFrame({"y": ["a", "b"] * 10})
    second = {part: part[1] for part in PARTS}

    drawn = assign_parts(table, SplitParams(seed=7), target=None)
    stratified = assign_parts(table, SplitParams(strategy="stratified", seed=7), target="y")

    assert "".join(second[part] for part in drawn) == "rerrraraarrrrrrrerre"
    assert "".join(second[part] for part in stratified) == "raarrarrarrrrrrrerre"


def test_another_seed_is_another_split() -> None:
    one, two = (assign_parts(numbered(100), SplitParams(seed=n), target=None) for n in (1, 2))

    assert not one.equals(two)


def test_every_row_is_as_likely_to_be_tested() -> None:
    tested = Counter[int]()
    for seed in range(400):
        labels = assign_parts(numbered(20), SplitParams(seed=seed), target=None)
        tested.update((labels == "test").arg_true().to_list())

    assert sum(tested.values()) == 400 * 3
    assert all(25 <= tested[row] <= 100 for row in range(20))


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_too_few_rows_are_refused_saying_how_they_would_be_shared(rows: int) -> None:
    with pytest.raises(InvalidInput, match=r"too few: they would be shared as train"):
        assign_parts(numbered(rows), SplitParams(), target=None)


def test_a_class_that_cannot_be_in_each_part_is_named_with_its_count() -> None:
    table = pl.DataFrame({"y": ["a"] * 20 + ["rare"] * 3 + ["b"] * 20})

    with pytest.raises(InvalidInput, match="class 'rare' has 3 row") as caught:
        assign_parts(table, SplitParams(strategy="stratified"), target="y")

    assert len(caught.value.violations) == 1


@pytest.mark.parametrize(
    ("values", "target", "said"),
    [
        (["a", "b"], "z", "no column 'z'"),
        (["a", "b"], None, "stratified needs the target"),
        ([0.5, 1.5], "y", "the target 'y' is float"),
        (["a", None], "y", "a class in every row"),
    ],
)
def test_stratified_wants_classes(values: list[Any], target: str | None, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        assign_parts(pl.DataFrame({"y": values}), SplitParams(strategy="stratified"), target=target)


def test_copies_in_other_parts_are_counted() -> None:
    table = pl.DataFrame({"x": [1, 1, 1, 2, 2, None, None], "y": [0, 0, 0, 1, 1, 5, 5]})
    parts = pl.Series(["train", "train", "test", "val", "val", "train", "val"])

    assert duplicates_across(table, parts) == 5
    assert duplicates_across(table.drop("x", "y"), parts) == 0


def test_classes_that_a_part_lacks_are_named() -> None:
    target = pl.Series("y", ["a", "b", "a", "b", "a"])
    parts = pl.Series(["train", "train", "val", "val", "test"])

    assert classes_absent(target, parts) == {"test": ["b"]}
