"""Whole rows are shared as nearly as they can be, and what cannot be is refused with numbers."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.errors import InvalidInput
from mlsys.domain.records import PARTS
from mlsys.domain.split_params import Ratios, SplitParams
from mlsys.domain.strategies.sizes import class_sizes, layout, shares, sizes
from tests.domain.strategies.passes import RATIOS

NO_VAL = {"ratios": Ratios(train=0.8, val=0, test=0.2), "strategy": "kfold"}


@given(st.integers(0, 10_000), RATIOS)
def test_shares_add_up_and_are_within_one_row(rows: int, ratios: Ratios) -> None:
    found = shares(rows, ratios.exact())

    assert sum(found.values()) == rows
    assert all(abs(found[part] - rows * ratios.exact()[part]) < 1 for part in PARTS)


@pytest.mark.parametrize(
    ("wish", "wanted"),
    [
        ({"train_only": 60}, (60, 20, 20)),
        ({"test_only": 15}, (70, 15, 15)),
        ({"train_only": 10, "test_only": 20}, (10, 70, 20)),
        ({"test_only": 1, "ratios": Ratios(train=0.5, val=0.25, test=0.25)}, (66, 33, 1)),
        (NO_VAL, (80, 0, 20)),
        ({**NO_VAL, "train_only": 95}, (95, 0, 5)),
        ({**NO_VAL, "train_only": 95, "test_only": 5}, (95, 0, 5)),
    ],
)
def test_sizes_that_were_asked_for_are_exact(
    wish: dict[str, Any], wanted: tuple[int, int, int]
) -> None:
    assert tuple(sizes(100, SplitParams(**wish)).values()) == wanted


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"train_only": 101}, "train_only 101 cannot be met: the table has 100 row"),
        ({"train_only": 60, "test_only": 41}, "train_only 60 and test_only 41 cannot be met"),
        ({"test_only": 100}, "would be shared as train 0, val 0, test 100"),
        ({"train_only": 50, "test_only": 50}, "shared as train 50, val 0, test 50"),
        ({**NO_VAL, "train_only": 60, "test_only": 30}, "and the ratio of val is 0"),
        ({**NO_VAL, "train_only": 4}, "5 folds want as many rows of train, and it gets 4"),
        ({**NO_VAL, "n_splits": 81}, "81 folds want as many rows of train, and it gets 80"),
    ],
)
def test_sizes_that_cannot_be_are_refused_with_numbers(wish: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        sizes(100, SplitParams(**wish))


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_too_few_rows_are_refused_saying_how_they_would_be_shared(rows: int) -> None:
    with pytest.raises(InvalidInput, match=r"too few: they would be shared as train"):
        sizes(rows, SplitParams())


@given(st.lists(st.integers(1, 90), min_size=1, max_size=30), st.data())
def test_sizes_that_were_asked_for_are_exact_over_all_classes(
    rows: list[int], data: st.DataObject
) -> None:
    whole = sum(rows) + 30
    train = data.draw(st.integers(1, whole - 2))
    test = data.draw(st.integers(1, whole - train - 1))
    params = SplitParams(strategy="stratified", train_only=train, test_only=test)

    found = class_sizes([30, *rows], params)

    for had, got in zip([30, *rows], found, strict=True):
        assert sum(got.values()) == had
        assert min(got.values()) >= 0
        assert abs(got["train"] - had * train / whole) < 1
        assert abs(got["test"] - had * test / whole) < 2
    assert sum(got["train"] for got in found) == train
    assert sum(got["test"] for got in found) == test


@given(st.lists(st.integers(1, 90), min_size=1, max_size=9), RATIOS)
def test_each_class_is_shared_like_a_table(rows: list[int], ratios: Ratios) -> None:
    params = SplitParams(strategy="stratified", ratios=ratios)

    found = class_sizes([30, *rows], params)

    assert found == [shares(one, ratios.exact()) for one in [30, *rows]]


@given(st.integers(0, 500), st.integers(1, 100), st.integers(0, 200))
def test_folds_differ_by_one_row_the_larger_ones_in_a_row(
    train: int, folds: int, first: int
) -> None:
    made = layout({"train": train, "val": 3, "test": 4}, folds=folds, first=first)

    lengths = [end - start for start, end in pairwise((0, *made.ends))]
    whole, over = divmod(train, folds)
    larger = {(first + at) % folds for at in range(over)}
    assert lengths == [whole + (fold in larger) for fold in range(folds)] + [3, 4]
    assert made.codes.tolist() == [0] * folds + [1, 2]
    assert made.folds.tolist() == [*range(folds), -1, -1]
