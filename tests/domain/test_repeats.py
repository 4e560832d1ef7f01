"""What stood there before is found again, whatever its type, in blocks of any size."""

from datetime import UTC, date
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.errors import TooLarge
from mlsys.domain.rules import repeats
from mlsys.domain.rules.repeats import Repeats

VALUES: dict[pl.DataType, st.SearchStrategy[Any]] = {
    pl.Int64(): st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1),
    pl.Float64(): st.sampled_from([0.0, -0.0, 0.1, float("inf")]) | st.floats(allow_nan=False),
    pl.Boolean(): st.booleans(),
    pl.String(): st.text(max_size=2),
    pl.Date(): st.dates(date(2026, 1, 1), date(2026, 1, 5)),
    pl.Datetime("us", "UTC"): st.datetimes(timezones=st.just(UTC)),
    pl.Decimal(38, 2): st.decimals(-1, 1, places=2),
}


def first_seen(rows: list[Any]) -> list[bool]:
    """Say the slow way which rows repeat an earlier one."""
    seen: list[Any] = []
    repeated = []
    for row in rows:
        missing = None in row
        repeated.append(not missing and row in seen)
        if not missing:
            seen.append(row)
    return repeated


def looked(table: pl.DataFrame, blocks: list[int]) -> list[bool]:
    remembered = Repeats()
    found: list[bool] = []
    for height in [*blocks, table.height]:
        some = table.slice(len(found), height)
        mask = remembered.look("x", some)
        found += [False] * some.height if mask is None else mask.to_list()
    return found


@pytest.mark.parametrize("dtype", VALUES, ids=str)
@given(data=st.data(), blocks=st.lists(st.integers(1, 9)))
def test_a_repeated_value_is_found(
    dtype: pl.DataType, data: st.DataObject, blocks: list[int]
) -> None:
    values = data.draw(st.lists(st.none() | VALUES[dtype], max_size=40))
    table = pl.DataFrame({"x": pl.Series(values, dtype=dtype)})

    found = looked(table, blocks)

    assert found == first_seen([(value,) for value in table["x"]])


@given(
    st.lists(st.tuples(st.none() | st.integers(0, 2), st.none() | st.sampled_from("ab"))),
    st.lists(st.integers(1, 9)),
)
def test_a_repeated_row_is_found(rows: list[tuple[Any, Any]], blocks: list[int]) -> None:
    table = pl.DataFrame(rows, {"a": pl.Int64, "b": pl.String}, orient="row")

    found = looked(table, blocks)

    assert found == first_seen(rows)


def test_many_values_are_remembered_one_by_one() -> None:
    remembered = Repeats()
    values = np.random.default_rng(7).permutation(300_000)

    fresh = [remembered.look("x", pl.DataFrame({"x": some})) for some in np.split(values, 10)]
    again = remembered.look("x", pl.DataFrame({"x": values}))

    assert fresh == [None] * 10
    assert again is not None
    assert again.all()


def test_values_that_fall_on_one_place_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "_mixed", lambda codes: codes)
    remembered = Repeats()

    found = [remembered.look("x", pl.DataFrame({"x": [1, 2, 3, 0]})) for _ in range(2)]

    assert found[0] is None
    assert found[1] is not None
    assert found[1].all()


def test_decimals_are_equal_whatever_their_places() -> None:
    remembered = Repeats()
    blocks = [pl.Series("x", [Decimal(one)]) for one in ("10", "1.50", "1.5", "10.0", "1")]

    found = [remembered.look("x", block.to_frame()) is not None for block in blocks]

    assert found == [False, False, True, True, False]


def test_columns_are_remembered_apart_and_share_the_room() -> None:
    remembered = Repeats(at_most=6)
    table = pl.DataFrame({"x": [1, 2, 3]})

    apart = [remembered.look(name, table) for name in ("a", "b")]

    assert apart == [None, None]
    with pytest.raises(
        TooLarge, match=r"column c must be unique: at most 6 .* upload less at once"
    ):
        remembered.look("column c", table)


def test_texts_are_told_apart_by_the_same_codes_on_every_machine() -> None:
    codes = pl.Series(["a"]).hash()

    assert codes.to_list() == [12015426485309150842]
