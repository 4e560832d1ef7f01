"""What is read quickly is what is read cell by cell; and most of it is read quickly."""

import polars as pl
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from mlsys.domain.split_records import ColumnType
from mlsys.domain.types import quick_cells
from mlsys.domain.types.cells import fitted, missing_words, present, read
from mlsys.domain.types.quick_cells import QUICK, read_quickly
from tests.domain.written import cells, text, written_columns

BARE = {ColumnType.INTEGER: pl.Int64(), ColumnType.FLOAT: pl.Float64()}


@settings(max_examples=500)
@given(written_columns(), st.sampled_from(sorted(QUICK)))
def test_what_is_read_quickly_is_read_as_exactly(
    values: list[str | None], type: ColumnType
) -> None:
    column = text(*values)
    known = present(column)

    (quick,) = read_quickly([column], [type])

    if quick is not None:
        assert cells(quick.values) == cells(read(known, type))
        assert quick.values.null_count() == known.null_count()
        assert quick.fits() == (fitted(known, type) is not None)
        assert list(quick.words) == missing_words(column)


@pytest.mark.parametrize("type", BARE)
def test_reading_without_a_second_look_takes_what_is_no_number(type: ColumnType) -> None:
    def is_misread(values: list[str | None]) -> bool:
        bare = text(*values).cast(BARE[type], strict=False)
        exact = read(present(text(*values)), type)
        return bare.null_count() == text(*values).null_count() and cells(bare) != cells(exact)

    assert find(written_columns(), is_misread)


@pytest.mark.parametrize(
    ("type", "values"),
    [
        (ColumnType.INTEGER, ["0", "-7", "10", str(2**63 - 1), str(-(2**63)), None]),
        (ColumnType.INTEGER, ["1", " NA", "", "NaN"]),
        (ColumnType.FLOAT, ["0.5", "-0.5", ".5", "5.", "-0", "1e-05", "0.1234567890123456", None]),
        (ColumnType.FLOAT, ["1e300", "-1.5", "nan", "NA"]),
        (ColumnType.FLOAT, ["0.012345678901234567", "-1.2345678901234567"]),
        (ColumnType.BOOLEAN, ["true", "False", "TRUE", "null", None]),
        (ColumnType.DATE, ["2024-02-29", "1000-01-01", "9999-12-31", "NA", None]),
        (ColumnType.DATETIME, ["2024-01-01 23:59:59", "1000-01-01 00:00:00", "", None]),
        (ColumnType.DATETIME, ["2024-01-01T23:59:59.123Z", "1969-12-31T00:00:00.001Z"]),
        (ColumnType.DATETIME, ["2024-01-01T23:59:59.5-05:30", "1969-12-31T00:00:00.0-05:30"]),
    ],
)
def test_common_columns_are_read_quickly(type: ColumnType, values: list[str | None]) -> None:
    (quick,) = read_quickly([text(*values)], [type])

    assert quick is not None
    assert quick.fits()
    assert cells(quick.values) == cells(read(present(text(*values)), type))


@pytest.mark.parametrize(
    "values",
    [
        ["9007199254740992", "0.5"],
        ["1e300", "-9007199254740993", "0.5"],
        ["0.123456789012345678"],
        ["-.123456789012345678", "0.1"],
        ["1.23456789012345678e-4"],
        ["123456789012345678e-20"],
    ],
)
def test_floats_that_would_lose_something_do_not_fit(values: list[str]) -> None:
    (quick,) = read_quickly([text(*values)], [ColumnType.FLOAT])

    assert quick is not None
    assert not quick.fits()


@pytest.mark.parametrize("bad", ["00", "-00", "+1", "-01.5", "007", "-09"])
@pytest.mark.parametrize("type", BARE)
def test_a_zero_too_many_is_seen_wherever_it_stands(
    bad: str, type: ColumnType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quick_cells, "IN_CACHE", 16)
    for before in range(60):
        column = ["1" * (before % 7 + 1), *["-7"] * (before // 7), bad]

        assert read_quickly([text(*column)], [type]) == [None]
        assert read_quickly([text(*column, "-70", "10")], [type]) == [None]


def test_columns_of_every_type_are_read_side_by_side() -> None:
    columns = [
        pl.Series("^a$", ["1", "NA"]),
        pl.Series("0", ["1.5", None]),
        pl.Series("b", ["2024-01-01", "x"]),
        pl.Series("c", ["true", "false"]),
    ]
    types = [ColumnType.INTEGER, ColumnType.FLOAT, ColumnType.DATE, ColumnType.BOOLEAN]

    quicks = read_quickly(columns, types)

    assert [quick and (quick.values.name, quick.values.to_list()) for quick in quicks] == [
        ("^a$", [1, None]),
        ("0", [1.5, None]),
        None,
        ("c", [True, False]),
    ]


@pytest.mark.parametrize(
    "second",
    [
        "2024-01-01 00:00:00.5",
        "2024-01-01T00:00:00",
        "2024-02-30 00:00:00",
        "2024-01-01 24:00:00",
        "2024-01-01 00:60:00",
        "2024-13-01 00:00:00",
        "0999-01-01 00:00:00",
        "2024-01-01 00:00:0x",
    ],
)
def test_times_that_are_not_written_like_the_first_are_left_to_the_exact_way(second: str) -> None:
    assert read_quickly([text("2024-01-01 00:00:00", second)], [ColumnType.DATETIME]) == [None]


@pytest.mark.parametrize("zone", ["+24:00", "-01:60"])
def test_an_offset_that_cannot_be_is_left_to_the_exact_way(zone: str) -> None:
    column = text(f"2024-01-01T00:00:00{zone}")

    assert read_quickly([column], [ColumnType.DATETIME]) == [None]


def test_long_columns_of_times_are_read_piece_by_piece() -> None:
    hours = pl.datetime_range(
        pl.datetime(1999, 12, 31), pl.datetime(2001, 3, 1), "1h", time_zone="UTC", eager=True
    )

    (quick,) = read_quickly([hours.dt.to_string("%Y-%m-%dT%H:%M:%S")], [ColumnType.DATETIME])

    assert quick is not None
    assert quick.naive
    assert quick.values.equals(hours)
