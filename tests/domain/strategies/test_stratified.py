"""`stratified`: each class is shared as if it were a table of its own."""

from hashlib import sha256
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.errors import InvalidInput
from mlsys.domain.split_params import Ratios, SplitParams
from mlsys.domain.splitting import assigner
from mlsys.domain.strategies import classes
from mlsys.domain.strategies.sizes import class_sizes, shares
from tests.domain.strategies.passes import CUTS, RATIOS, SEEDS, settled, sizes_of, split

CLASSES = st.lists(st.sampled_from(["no", "yes", "maybe", "é"]), max_size=200).map(
    lambda names: [*["no", "yes", "maybe", "é"] * 12, *names]
)


def shared_in_memory(names: list[str], params: SplitParams) -> list[int]:
    """Sort the rows of each class by rank, as a table in memory could be."""
    found = np.empty(len(names), dtype=np.int8)
    distinct = sorted(set(names))
    rows_of = [np.flatnonzero(np.array(names) == name) for name in distinct]
    for name, rows, sizes in zip(
        distinct, rows_of, class_sizes([len(rows) for rows in rows_of], params), strict=True
    ):
        stream = np.random.PCG64(params.seed)
        stream.advance(int.from_bytes(sha256(name.encode()).digest()[:16], "big"))
        order = np.argsort(stream.random_raw(len(rows)), kind="stable")
        found[rows[order]] = np.repeat([0, 1, 2], list(sizes.values()))
    return found.tolist()


@given(CLASSES, RATIOS, SEEDS, CUTS)
def test_rows_go_where_sorting_each_class_would_put_them(
    names: list[str], ratios: Ratios, seed: int, cuts: list[int]
) -> None:
    params = SplitParams(strategy="stratified", ratios=ratios, seed=seed)

    found = split(pl.DataFrame({"y": names}), cuts=cuts, **params.model_dump())

    assert found.codes.tolist() == shared_in_memory(names, params)
    for name in set(names):
        of_class = found.codes[np.array(names) == name]
        wanted = shares(len(of_class), ratios.exact())
        assert np.bincount(of_class, minlength=3).tolist() == list(wanted.values())


@given(st.permutations(range(90)), SEEDS)
def test_a_class_is_drawn_by_itself_alone(order: list[int], seed: int) -> None:
    mixed = pl.DataFrame({"y": [("a", "b", "c")[n % 3] for n in order]})
    alone = pl.DataFrame({"y": ["b"] * 30})

    found = split(mixed, strategy="stratified", seed=seed).codes

    of_class = found[(mixed["y"] == "b").to_numpy()]
    assert of_class.tolist() == split(alone, strategy="stratified", seed=seed).codes.tolist()


def test_sizes_that_were_asked_for_are_exact_over_all_classes() -> None:
    table = pl.DataFrame({"y": ["a"] * 61 + ["b"] * 33 + ["c"] * 17})

    found = split(table, strategy="stratified", train_only=50, test_only=30)

    assert sizes_of(found) == {"train": 50, "val": 31, "test": 30}


@given(CLASSES, st.integers(2, 6), SEEDS, CUTS)
def test_folds_are_even_in_each_class_and_in_all(
    names: list[str], folds: int, seed: int, cuts: list[int]
) -> None:
    table = pl.DataFrame({"y": names})
    held_out = split(table, strategy="stratified", seed=seed)

    found = split(table, cuts=cuts, strategy="stratified_kfold", n_splits=folds, seed=seed)

    assert found.folds is not None
    assert np.array_equal(found.codes, held_out.codes)
    learnt = found.codes == 0
    for among in (learnt, *(learnt & (np.array(names) == name) for name in set(names))):
        in_fold = np.bincount(found.folds[among], minlength=folds)
        assert in_fold.max() - in_fold.min() <= 1


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([True, False] * 20),
        pl.Series([7, 8] * 20),
        pl.Series(["7", "8"] * 20),
    ],
    ids=["booleans", "integers", "texts"],
)
def test_values_are_classes_as_they_are(values: pl.Series) -> None:
    made = settled(pl.DataFrame({"y": values}), strategy="stratified")

    told = made.describe()["classes"]

    assert told in ({"false": 20, "true": 20}, {"7": 20, "8": 20})


@given(
    st.lists(st.floats(-1e9, 1e9), min_size=60, max_size=200, unique=True),
    st.integers(2, 5),
    CUTS,
)
def test_a_number_is_shared_by_bins_of_equally_many_rows(
    values: list[float], bins: int, cuts: list[int]
) -> None:
    table = pl.DataFrame({"y": values})

    found = split(table, cuts=cuts, strategy="stratified", bins=bins)

    made = settled(table, strategy="stratified", bins=bins).describe()
    rows = list(made["classes"].values())
    assert len(rows) == bins
    assert max(rows) - min(rows) <= 1
    bin_of = np.searchsorted(made["bin_edges"], values)
    for number, size in enumerate(rows):
        wanted = shares(size, Ratios().exact())
        in_bin = np.bincount(found.codes[bin_of == number], minlength=3)
        assert in_bin.tolist() == list(wanted.values())


@pytest.mark.parametrize("dtype", [pl.Float64(), pl.Decimal(10, 2)])
def test_a_number_that_is_no_integer_gets_ten_bins(dtype: pl.DataType) -> None:
    table = pl.DataFrame({"y": pl.Series(range(200)).cast(dtype)})

    told = settled(table, strategy="stratified").describe()

    assert set(told["classes"].values()) == {20}
    assert told["bin_edges"] == [float(20 * n - 1) for n in range(1, 10)]


def test_bins_of_one_value_are_one_bin() -> None:
    table = pl.DataFrame({"y": [0] * 80 + list(range(1, 21))})

    told = settled(table, strategy="stratified", bins=5).describe()

    assert told["classes"] == {"bin 0": 80, "bin 1": 20}
    assert told["bin_edges"] == [0]


def test_a_class_that_cannot_be_in_each_part_is_named_with_its_count() -> None:
    table = pl.DataFrame({"y": ["a"] * 20 + ["rare"] * 3 + ["b"] * 20})

    with pytest.raises(InvalidInput, match="class 'rare' has 3 row") as caught:
        split(table, strategy="stratified")

    assert [one.field for one in caught.value.violations] == ["y"]


def test_sensitive_classes_are_counted_but_not_told() -> None:
    table = pl.DataFrame({"y": ["secret"] * 20 + ["open"] * 3})
    params = SplitParams(strategy="stratified")
    made = assigner(params, names=["y"], target="y", sensitive=["y"])

    made.survey(table[:20], 0)
    made.settle(20)
    told = made.describe()
    made.survey(table[20:], 20)
    with pytest.raises(InvalidInput, match="a class has 3 row") as caught:
        made.settle(23)

    assert told["classes"] == 1
    assert "open" not in str(caught.value)


def test_a_class_that_cannot_be_in_each_fold_is_named_with_its_count() -> None:
    table = pl.DataFrame({"y": ["a"] * 200 + ["rare"] * 10})

    with pytest.raises(InvalidInput, match=r"in each of 9 folds .*class 'rare' has 10 row"):
        split(table, strategy="stratified_kfold", n_splits=9)


@pytest.mark.parametrize(
    ("values", "wish", "said"),
    [
        ([None] * 30, {}, "a target in every row, and 30 row"),
        (["a"] * 30, {"bins": 3}, "bins are for a numeric target, and 'y' is none"),
        (range(classes.MAX_CLASSES + 1), {}, "at most 10,000 classes.*give `bins`"),
        (range(2 * classes.MAX_CLASSES), {}, "at most 10,000 classes.*give `bins`"),
    ],
)
def test_what_cannot_be_classes_is_refused(values: Any, wish: dict[str, Any], said: str) -> None:
    table = pl.DataFrame({"y": pl.Series(values)})

    with pytest.raises(InvalidInput, match=said):
        split(table, cuts=[classes.MAX_CLASSES + 1], strategy="stratified", **wish)


def test_as_many_classes_as_there_may_be_are_shared() -> None:
    table = pl.DataFrame({"y": list(range(classes.MAX_CLASSES)) * 3})

    found = split(
        table, strategy="stratified", ratios=Ratios(train=0.4, val=0.3, test=0.3), train_only=10_000
    )

    assert set(sizes_of(found).values()) == {10_000}
    assert len(settled(table, strategy="stratified", train_only=10_000).describe()["classes"]) == (
        classes.MAX_CLASSES_DESCRIBED
    )
