"""Every row is in one slice of a column, whatever its values are."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.evaluation.slicing import slicing_of

CELLS = st.one_of(
    st.lists(st.none() | st.text("abcde", max_size=3), min_size=1, max_size=60),
    st.lists(st.none() | st.integers(-50, 50), min_size=1, max_size=60),
    st.lists(st.none() | st.floats(-9, 9) | st.just(float("nan")), min_size=1, max_size=60),
    st.lists(st.none() | st.booleans(), min_size=1, max_size=60),
)


@given(CELLS, st.data())
def test_every_row_is_in_one_slice(cells: list[object], data: st.DataObject) -> None:
    train = pl.Series("x", cells, strict=False)
    cut = data.draw(st.integers(0, len(cells)))
    slicing = slicing_of(train[:cut])

    slices = list(slicing.rows_of(train))

    assert (np.sum([rows for _, rows in slices], axis=0) == 1).all()
    assert all(rows.any() for _, rows in slices)


def test_the_most_frequent_values_stand_alone_and_the_rest_together() -> None:
    train = pl.Series("plan", [f"p{value:02}" for value in range(30) for _ in range(30 - value)])

    slices = {name: int(rows.sum()) for name, rows in slicing_of(train).rows_of(train)}

    assert list(slices) == [f"p{value:02}" for value in range(20)] + ["others"]
    assert slices["p00"] == 30
    assert slices["others"] == sum(range(1, 11))


def test_numbers_are_cut_into_bins_as_train_has_them() -> None:
    train = pl.Series("age", np.arange(100.0))
    val = pl.Series("age", [-5.0, 0.0, 9.9, 10.0, 99.0, 300.0, None])

    slicing = slicing_of(train)

    assert len(list(slicing.rows_of(train))) == 10
    assert {name: int(rows.sum()) for name, rows in slicing.rows_of(val)} == {
        "0 to 10": 3,
        "10 to 20": 1,
        "89 to 99": 2,
        "missing": 1,
    }


def test_numbers_that_repeat_much_make_fewer_bins() -> None:
    train = pl.Series("visits", [0] * 900 + list(range(100)))

    names = [name for name, _ in slicing_of(train).rows_of(train)]

    assert names == ["0 to 99"]


def test_times_are_cut_into_bins() -> None:
    train = pl.Series("day", [date(2026, 1, 1) + timedelta(days) for days in range(50)])

    names = [name for name, _ in slicing_of(train).rows_of(train)]

    assert len(names) == 10
    assert names[0] == "2026-01-01 to 2026-01-06"


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (pl.Series([True, False, True]), ["true", "false"]),
        (pl.Series([1.5, 1.5, float("nan")]), ["1.5", "missing"]),
        (pl.Series(["b", "a"], dtype=pl.Categorical), ["a", "b"]),
        (pl.Series([None, None], dtype=pl.String), ["missing"]),
    ],
    ids=str,
)
def test_slices_are_named_after_their_values(cells: pl.Series, names: list[str]) -> None:
    assert [name for name, _ in slicing_of(cells).rows_of(cells)] == names
