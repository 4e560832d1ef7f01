"""`group`: no group in two parts, and the shares as even as groups allow."""

from datetime import date, timedelta
from itertools import product
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.errors import InvalidInput, TooLarge
from mlsys.domain.split_params import Ratios
from mlsys.domain.splitting import Assigned
from mlsys.domain.strategies import groups
from tests.domain.strategies.passes import CUTS, RATIOS, SEEDS, settled, sizes_of, split

SIZES = st.lists(st.integers(1, 12), min_size=3, max_size=60)


def grouped(sizes: list[int], *, seed: int = 0) -> pl.DataFrame:
    """Return a table with groups of these sizes, its rows shuffled."""
    names = [f"group {n}" for n, size in enumerate(sizes) for _ in range(size)]
    order = np.argsort(np.random.PCG64(seed).random_raw(len(names)))
    return pl.DataFrame({"g": [names[at] for at in order]})


def counted(number: int) -> groups.GroupCounts:
    """Count so many groups of one row."""
    counts = groups.GroupCounts("g")
    for start in range(0, number, 2**20):
        counts.add(np.arange(start, min(start + 2**20, number)))
    return counts


def farthest(found: Assigned, ratios: Ratios) -> float:
    """Return by how many rows a part misses its share."""
    sizes = sizes_of(found)
    whole = sum(sizes.values())
    return max(abs(sizes[part] - float(ratio) * whole) for part, ratio in ratios.exact().items())


def parts_of_groups(table: pl.DataFrame, found: Assigned) -> set[int]:
    """Return in how many parts groups are."""
    parts = table.with_columns(part=found.codes).group_by("g").agg(pl.col("part").n_unique())
    return set(parts["part"].to_list())


def test_a_draw_that_parts_groups_is_noticed() -> None:
    table = grouped([6] * 20)

    assert parts_of_groups(table, split(table, strategy="random")) != {1}


@given(SIZES, RATIOS, SEEDS, CUTS)
def test_no_group_is_in_two_parts_and_no_part_is_empty(
    sizes: list[int], ratios: Ratios, seed: int, cuts: list[int]
) -> None:
    table = grouped(sizes, seed=seed)

    found = split(table, cuts=cuts, strategy="group", ratios=ratios, seed=seed)

    assert parts_of_groups(table, found) == {1}
    assert min(sizes_of(found).values()) > 0


@given(st.lists(st.integers(1, 12), min_size=30, max_size=90), RATIOS, SEEDS)
def test_of_many_groups_each_part_has_its_share(
    sizes: list[int], ratios: Ratios, seed: int
) -> None:
    found = split(grouped(sizes), strategy="group", ratios=ratios, seed=seed)

    assert farthest(found, ratios) <= max(sizes)


@given(st.lists(st.integers(1, 40), min_size=3, max_size=7), SEEDS)
def test_of_few_groups_the_shares_are_within_a_group_of_the_best_there_are(
    sizes: list[int], seed: int
) -> None:
    ratios = Ratios()
    targets = np.array([float(one) for one in ratios.exact().values()]) * sum(sizes)
    best = min(
        np.abs(np.bincount(places, weights=sizes, minlength=3) - targets).max()
        for places in product(range(3), repeat=len(sizes))
        if len(set(places)) == 3
    )

    found = split(grouped(sizes), strategy="group", seed=seed)

    assert farthest(found, ratios) <= best + max(sizes)


def test_small_and_large_groups_are_as_likely_to_be_learnt_from() -> None:
    sizes = [1 + n % 8 for n in range(4000)]
    table = grouped(sizes)
    size_of = dict(zip((f"group {n}" for n in range(4000)), sizes, strict=True))

    found = split(table, strategy="group")

    learnt = set(table.filter(found.codes == 0)["g"].to_list())
    for size in range(1, 9):
        share = sum(size_of[name] == size for name in learnt) / 500
        assert 0.65 < share < 0.75


def test_a_part_gets_no_group_that_it_has_no_room_for_while_another_has() -> None:
    table = grouped([50, 30, *[1] * 20])

    found = split(table, strategy="group")

    assert sizes_of(found) == {"train": 80, "val": 10, "test": 10}


@given(SIZES, SEEDS)
def test_the_order_of_the_rows_makes_no_difference(sizes: list[int], seed: int) -> None:
    one, two = grouped(sizes, seed=1), grouped(sizes, seed=2)

    parts = [
        dict(zip(table["g"], split(table, strategy="group", seed=seed).codes.tolist(), strict=True))
        for table in (one, two)
    ]

    assert parts[0] == parts[1]


@given(st.lists(st.integers(1, 9), min_size=20, max_size=60), st.integers(2, 6), SEEDS, CUTS)
def test_no_group_is_in_two_folds_and_folds_are_even(
    sizes: list[int], folds: int, seed: int, cuts: list[int]
) -> None:
    table = grouped(sizes)
    held_out = split(table, strategy="group", seed=seed)

    found = split(table, cuts=cuts, strategy="group_kfold", n_splits=folds, seed=seed)

    assert found.folds is not None
    assert np.array_equal(found.codes, held_out.codes)
    learnt = table.with_columns(fold=found.folds).filter(found.codes == 0)
    per_group = learnt.group_by("g").agg(pl.col("fold").n_unique())
    assert set(per_group["fold"].to_list()) == {1}
    in_fold = np.bincount(learnt["fold"].to_numpy(), minlength=folds)
    assert in_fold.min() > 0
    assert in_fold.max() - in_fold.min() <= max(sizes)


def test_folds_may_do_without_val() -> None:
    found = split(
        grouped([3] * 20), strategy="group_kfold", ratios=Ratios(train=0.8, val=0, test=0.2)
    )

    assert sizes_of(found) == {"train": 48, "val": 0, "test": 12}


@pytest.mark.parametrize(
    "values",
    [
        [n % 9 - 4 for n in range(90)],
        [n % 9 / 4 for n in range(90)],
        [date(2026, 1, 1) + timedelta(days=n % 9) for n in range(90)],
        [str(n % 9) for n in range(90)],
    ],
    ids=["integers", "floats", "dates", "texts"],
)
def test_groups_may_be_of_any_type(values: list[Any]) -> None:
    table = pl.DataFrame({"g": values})

    found = split(table, cuts=[7], strategy="group")

    assert len(set(zip(values, found.codes.tolist(), strict=True))) == 9
    assert sum(settled(table, strategy="group").describe()["groups"].values()) == 9


@pytest.mark.parametrize(
    ("sizes", "wish", "said"),
    [
        ([9, 9], {"strategy": "group"}, "2 group.* too few for 3 parts: train, val, test"),
        (
            [9, 9, 9, 9, 9],
            {"strategy": "group_kfold", "n_splits": 4},
            "4 folds want as many groups of 'g' in train, and it gets 3 of 5",
        ),
    ],
)
def test_too_few_groups_are_refused_with_numbers(
    sizes: list[int], wish: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        split(grouped(sizes), **wish)


def test_too_many_groups_are_refused_naming_the_remedy() -> None:
    counts = counted(groups.MAX_GROUPS)
    counts.add(np.array([-1]))

    with pytest.raises(TooLarge, match=r"at most 5,000,000 groups .* 'g' has more: take hash"):
        counts.groups()


def test_as_many_groups_as_there_may_be_are_counted() -> None:
    keys, rows = counted(groups.MAX_GROUPS).groups()

    assert np.array_equal(keys, np.arange(groups.MAX_GROUPS))
    assert (rows == 1).all()
