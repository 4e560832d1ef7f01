"""Text becomes values, and no value is lost on the way."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.errors import InvalidInput, TooLarge
from mlsys.domain.split_records import ColumnType
from mlsys.domain.tables import check_names, missing, normal, parse, remarks, type_of
from tests.domain.whole_columns import guess

INT64 = st.integers(min_value=-(2**63), max_value=2**63 - 1)


def text(*values: str | None) -> pl.Series:
    return pl.Series("x", values, dtype=pl.String)


@pytest.mark.parametrize(
    ("values", "type", "read"),
    [
        (["1", None, "3"], "integer", [1, None, 3]),
        (["1", "", "NA"], "integer", [1, None, None]),
        ([" 1", "2 "], "integer", [1, 2]),
        (["9007199254740993"], "integer", [9007199254740993]),
        (["-9223372036854775808"], "integer", [-(2**63)]),
        (["9223372036854775808", "1"], "text", ["9223372036854775808", "1"]),
        (["9007199254740993", "0.5"], "text", ["9007199254740993", "0.5"]),
        (["001", "2"], "text", ["001", "2"]),
        (["+5"], "text", ["+5"]),
        (["1_000"], "text", ["1_000"]),
        (["0x10"], "text", ["0x10"]),
        (["1.5", "-.5", "2", "1e3", "NaN"], "float", [1.5, -0.5, 2.0, 1000.0, None]),
        (["5.0", ""], "float", [5.0, None]),
        (["1.5", "0.12345678901234567"], "float", [1.5, 0.12345678901234567]),
        (["1.50000000000000000000", "-2"], "float", [1.5, -2.0]),
        (
            ["2.5", "0.123456789012345678"],
            "decimal",
            [Decimal("2.5"), Decimal("0.123456789012345678")],
        ),
        (["12345678901234567.89"], "decimal", [Decimal("12345678901234567.89")]),
        (["1" * 30 + ".5", "0." + "1" * 9], "text", ["1" * 30 + ".5", "0." + "1" * 9]),
        (["0.123456789012345678", "1e5"], "text", ["0.123456789012345678", "1e5"]),
        (["0.123456789012345678", "9007199254740992"], "text", None),
        (["1e999"], "text", ["1e999"]),
        (["inf"], "text", ["inf"]),
        (["true", "False", None], "boolean", [True, False, None]),
        (["yes", "no"], "text", ["yes", "no"]),
        (["2024-02-29", ""], "date", [date(2024, 2, 29), None]),
        (["2023-02-29"], "text", ["2023-02-29"]),
        (["01/02/2024"], "text", ["01/02/2024"]),
        (["2024-01-01T00:30:00+02:00"], "datetime", [datetime(2023, 12, 31, 22, 30, tzinfo=UTC)]),
        (["2024-01-01 00:30:00.25"], "datetime", [datetime(2024, 1, 1, 0, 30, 0, 250_000, UTC)]),
        (["2024-01-01T00:00:00.123456789Z"], "text", ["2024-01-01T00:00:00.123456789Z"]),
        (["NA", "a"], "text", ["NA", "a"]),
        ([None, None], "text", [None, None]),
        (["NA", ""], "text", ["NA", ""]),
    ],
)
def test_a_column_of_text_gets_the_narrowest_type_that_loses_nothing(
    values: list[str | None], type: str, read: list[Any] | None
) -> None:
    guessed = guess(text(*values))

    assert type_of(guessed) == type
    assert guessed.to_list() == (read or values)


def test_a_surprise_far_down_keeps_the_column_as_text() -> None:
    column = text(*["1"] * 5_000, "001")

    assert guess(column).to_list() == column.to_list()


@pytest.mark.parametrize(
    ("values", "type", "read"),
    [
        (["1234,5", "-,5", "7"], "float", [1234.5, -0.5, 7.0]),
        (["1,234", "5"], "float", [1.234, 5.0]),
        (["1.234", "5"], "text", ["1.234", "5"]),
        (["1.234,5"], "text", ["1.234,5"]),
        (["0,123456789012345678"], "decimal", [Decimal("0.123456789012345678")]),
        (["12", "NA"], "integer", [12, None]),
        (["2024-01-01"], "date", [date(2024, 1, 1)]),
    ],
)
def test_a_comma_may_stand_before_the_decimals(
    values: list[str], type: str, read: list[Any]
) -> None:
    guessed = guess(text(*values), decimal=",")

    assert type_of(guessed) == type
    assert guessed.to_list() == read


@given(st.lists(INT64, min_size=1))
def test_every_integer_of_64_bits_is_read_back(values: list[int]) -> None:
    assert guess(text(*map(str, values))).to_list() == values


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_every_float_is_read_back(values: list[float]) -> None:
    assert parse(text(*map(repr, values)), ColumnType.FLOAT).to_list() == values


@given(st.lists(st.none() | st.text(st.characters(codec="utf-8"))))
def test_what_stays_text_is_not_changed(values: list[str | None]) -> None:
    column = text(*values)

    guessed = guess(column)

    assert type_of(guessed) is not ColumnType.TEXT or guessed.to_list() == values
    assert parse(column, ColumnType.TEXT).to_list() == values


@pytest.mark.parametrize(
    ("type", "fits"),
    [
        (ColumnType.INTEGER, [12, 8, None, None, None]),
        (ColumnType.FLOAT, [12.0, 8.0, 1.5, None, None]),
        (ColumnType.DECIMAL, [Decimal("12.0"), Decimal("8.0"), Decimal("1.5"), None, None]),
        (ColumnType.BOOLEAN, [None, None, None, True, None]),
        (ColumnType.DATE, [None, None, None, None, date(2024, 1, 1)]),
        (ColumnType.DATETIME, [None] * 5),
        (ColumnType.TEXT, ["12", "8.0", "1.5", "true", "2024-01-01"]),
    ],
)
def test_a_cell_that_does_not_fit_its_type_becomes_missing(
    type: ColumnType, fits: list[Any]
) -> None:
    column = text("12", "8.0", "1.5", "true", "2024-01-01")

    assert parse(column, type).to_list() == fits


def test_a_number_changes_its_type_only_where_it_keeps_its_value() -> None:
    floats = pl.Series("x", [1.0, 2.5, 1e300])
    integers = pl.Series("x", [2**53, 2**53 + 1])
    largest = pl.Series("x", [2**63 - 1, -(2**63)])

    assert parse(floats, ColumnType.INTEGER).to_list() == [1, None, None]
    assert parse(integers, ColumnType.FLOAT).to_list() == [float(2**53), None]
    assert parse(largest, ColumnType.FLOAT).to_list() == [None, -float(2**63)]
    assert parse(integers, ColumnType.TEXT).to_list() == ["9007199254740992", "9007199254740993"]


@pytest.mark.parametrize(
    ("dtype", "values", "type", "read"),
    [
        (pl.Int8(), [1, None], "integer", [1, None]),
        (pl.UInt64(), [2**63 - 1], "integer", [2**63 - 1]),
        (pl.UInt64(), [2**63], "text", ["9223372036854775808"]),
        (pl.Float32(), [0.5, float("nan")], "float", [0.5, None]),
        (pl.Enum(["a", "b"]), ["b"], "text", ["b"]),
        (pl.Null(), [None], "text", [None]),
        (pl.Decimal(20, 2), [Decimal("1.10")], "decimal", [Decimal("1.10")]),
        (pl.Datetime("ms"), [datetime(2024, 1, 1)], "datetime", [datetime(2024, 1, 1, tzinfo=UTC)]),  # noqa: DTZ001
    ],
)
def test_a_typed_column_becomes_one_of_our_types(
    dtype: pl.DataType, values: list[Any], type: str, read: list[Any]
) -> None:
    column = normal(pl.Series("x", values, dtype=dtype))

    assert type_of(column) == type
    assert column.to_list() == read


def test_nanoseconds_are_kept_where_they_are_needed() -> None:
    whole = normal(pl.Series("x", [1_000], dtype=pl.Datetime("ns")))
    odd = normal(pl.Series("x", [1_001], dtype=pl.Datetime("ns")))

    assert whole.dtype == pl.Datetime("us", "UTC")
    assert odd.dtype == pl.Datetime("ns", "UTC")
    assert odd.dt.timestamp("ns").to_list() == [1_001]


@pytest.mark.parametrize("value", [[1], {"a": 1}, b"x"])
def test_nested_cells_are_refused(value: Any) -> None:
    with pytest.raises(InvalidInput, match="column 'x' holds"):
        normal(pl.Series("x", [value]))


def test_a_missing_word_is_missing_in_every_type_but_text() -> None:
    column = text("NA", "1", None)

    assert missing(column, ColumnType.INTEGER).to_list() == [True, False, True]
    assert missing(column, ColumnType.TEXT).to_list() == [False, False, True]
    assert missing(pl.Series([1, None]), ColumnType.INTEGER).to_list() == [False, True]


def test_what_was_taken_for_granted_is_said() -> None:
    numbers = text("1", "NA", "null", "")
    times = text("2024-01-01T00:00:00", None)

    assert remarks(numbers, guess(numbers)) == ["column 'x': NA, null read as missing"]
    assert remarks(times, guess(times)) == ["column 'x': times without an offset are taken as UTC"]
    assert remarks(text("a", "NA"), text("a", "NA")) == []
    zoned = text("2024-01-01T00:00:00Z")
    assert remarks(zoned, guess(zoned)) == []


def test_all_unusable_column_names_are_named_at_once() -> None:
    names = ["a", "a", " ", "b" * 201]

    with pytest.raises(InvalidInput) as caught:
        check_names(names)

    assert [one.description for one in caught.value.violations] == [
        "column 3 has no name",
        "column 4 has a name of 201 characters, more than 200",
        "'a' is the name of 2 columns",
    ]


def test_columns_are_bounded() -> None:
    check_names([f"c{n}" for n in range(2_000)])

    with pytest.raises(TooLarge, match="at most 2000 columns, got 2001"):
        check_names([f"c{n}" for n in range(2_001)])
    with pytest.raises(InvalidInput, match="no columns"):
        check_names([])
