"""A table that is read block by block gets the types that it would get as a whole."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsys.domain.errors import InvalidInput
from mlsys.domain.split_records import ColumnType
from mlsys.domain.tables import missing, normal, parse, remarks, type_of
from mlsys.domain.types.told_types import ToldTypes
from tests.domain.whole_columns import guess
from tests.domain.written import cells, text, written_columns


def divided(column: pl.Series, cuts: Sequence[int]) -> list[pl.DataFrame]:
    """Cut a column into blocks; equal cuts make empty ones."""
    edges = [0, *sorted(cut % (column.len() + 1) for cut in cuts), column.len()]
    return [column[start:end].to_frame() for start, end in pairwise(edges)]


def read_on(
    types: ToldTypes, blocks: Sequence[pl.DataFrame]
) -> tuple[pl.DataFrame, dict[str, Any], int]:
    """Read every pass to its end. Return the last one, and how many there were."""
    for passes in range(1, 5):
        typed = [types.typed(block) for block in blocks]
        if not any(one.widened for one in typed):
            frame = pl.concat([one.frame for one in typed if one.frame.height] or [typed[0].frame])
            unfit = {
                name: pl.concat(
                    [
                        one.unfit.get(name, pl.repeat(value=False, n=one.frame.height, eager=True))
                        for one in typed
                    ]
                ).to_list()
                for name in frame.columns
                if any(name in one.unfit for one in typed)
            }
            return frame, unfit, passes
    raise AssertionError("it never ends")


def restarted(types: ToldTypes, blocks: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Start again as soon as a type became wider."""
    for _ in range(50):
        frames = []
        for block in blocks:
            typed = types.typed(block)
            if typed.widened:
                break
            frames.append(typed.frame)
        else:
            return pl.concat([frame for frame in frames if frame.height] or frames[:1])
    raise AssertionError("it never ends")


@settings(max_examples=400)
@given(written_columns(), st.lists(st.integers(0, 50), max_size=4), st.sampled_from([".", ","]))
def test_blocks_get_the_type_and_the_values_of_the_whole_column(
    values: list[str | None], cuts: list[int], decimal: str
) -> None:
    column = text(*values)
    whole = guess(column, decimal=decimal)
    blocks = divided(column, cuts)
    types = ToldTypes(["x"], untyped=["x"], wanted={}, decimal=decimal)
    hasty = ToldTypes(["x"], untyped=["x"], wanted={}, decimal=decimal)

    frame, unfit, passes = read_on(types, blocks)

    assert cells(frame["x"]) == cells(whole)
    assert cells(restarted(hasty, blocks)["x"]) == cells(whole)
    assert passes <= (3 if type_of(whole) in {ColumnType.DECIMAL, ColumnType.TEXT} else 2)
    assert types.schema == frame.schema
    assert types.remarks() == hasty.remarks() == remarks(column, whole)
    assert unfit == {}


@settings(max_examples=400)
@given(
    written_columns(),
    st.lists(st.integers(0, 50), max_size=4),
    st.sampled_from([".", ","]),
    st.sampled_from(ColumnType),
)
def test_blocks_are_held_to_their_type_as_the_whole_column_is(
    values: list[str | None], cuts: list[int], decimal: str, type: ColumnType
) -> None:
    column = text(*values)
    whole = parse(column, type, decimal=decimal)
    unfit = whole.is_null() & ~missing(column, type)
    types = ToldTypes(["x"], untyped=["x"], wanted={"x": type}, decimal=decimal)

    frame, found, passes = read_on(types, divided(column, cuts))

    assert cells(frame["x"]) == cells(whole)
    assert found == ({"x": unfit.to_list()} if unfit.any() else {})
    assert passes <= (2 if type is ColumnType.DECIMAL else 1)
    assert types.remarks() == remarks(column, whole)


@pytest.mark.parametrize(
    ("blocks", "type", "read"),
    [
        ([["1"], ["0.5"]], "float", [1.0, 0.5]),
        ([["1"], ["001"]], "text", ["1", "001"]),
        ([["9007199254740993"], ["0.5"]], "text", ["9007199254740993", "0.5"]),
        ([["1", "9007199254740993"], ["0.5"]], "text", ["1", "9007199254740993", "0.5"]),
        ([[" 1", "9007199254740993"], ["0.5"]], "text", [" 1", "9007199254740993", "0.5"]),
        ([["1" * 30 + ".1"], ["0." + "1" * 30]], "text", ["1" * 30 + ".1", "0." + "1" * 30]),
        ([["NA", ""], ["7"]], "integer", [None, None, 7]),
        ([["NA", ""], ["a"]], "text", ["NA", "", "a"]),
        ([["2024-01-01"], ["2024-01-01 00:00:00"]], "text", ["2024-01-01", "2024-01-01 00:00:00"]),
        (
            [["1.5"], ["0.123456789012345678"]],
            "decimal",
            [Decimal("1.5"), Decimal("0.123456789012345678")],
        ),
        ([["1e5"], ["0.123456789012345678"]], "text", ["1e5", "0.123456789012345678"]),
        ([["0." + "1" * 30], ["1" * 30 + ".1"]], "text", ["0." + "1" * 30, "1" * 30 + ".1"]),
    ],
)
def test_a_type_becomes_wider_and_says_so(
    blocks: list[list[str]], type: str, read: list[Any]
) -> None:
    types = ToldTypes(["x"], untyped=["x"], wanted={})
    frames = [text(*block).to_frame() for block in blocks]

    widened = [types.typed(frame).widened for frame in frames]
    column = restarted(types, frames)["x"]

    assert widened == [False, blocks[0] != ["NA", ""] or type != "text"]
    assert type_of(column) == type
    assert column.to_list() == read


@pytest.mark.parametrize(
    ("blocks", "passes"),
    [
        ([["1"], ["2"]], 1),
        ([["1"], ["0.5"], ["a"]], 2),
        ([["9007199254740993"], ["0.5"]], 2),
        ([["-9007199254740993"], ["0.5"]], 2),
        ([[" 9007199254740993"], ["0.5"]], 2),
        ([["1.5"], ["0.123456789012345678"]], 2),
        ([["1" * 30 + ".1"], ["0." + "1" * 30]], 2),
        ([["1e5"], ["0.123456789012345678"]], 3),
    ],
)
def test_what_one_whole_pass_has_seen_the_next_need_not_learn(
    blocks: list[list[str]], passes: int
) -> None:
    types = ToldTypes(["x"], untyped=["x"], wanted={})

    assert read_on(types, [text(*block).to_frame() for block in blocks])[2] == passes


@pytest.mark.parametrize(
    ("dtype", "first", "second"),
    [
        (pl.Int8(), [1], [None]),
        (pl.UInt64(), [1], [2**63]),
        (pl.Float32(), [0.5], [float("nan")]),
        (pl.Datetime("ns"), [1_000], [1_001]),
        (pl.Datetime("ms", "Europe/Berlin"), [1], [None]),
        (pl.Enum(["a", "b"]), ["a"], ["b"]),
        (pl.Null(), [None], [None]),
        (pl.Decimal(20, 2), [Decimal("1.10")], [None]),
        (pl.String(), ["1"], ["NA"]),
        (pl.Date(), [1], [2]),
    ],
)
def test_a_typed_column_becomes_in_blocks_what_it_becomes_as_a_whole(
    dtype: pl.DataType, first: list[Any], second: list[Any]
) -> None:
    column = pl.Series("x", first + second, dtype=dtype)
    types = ToldTypes(["x"], untyped=[], wanted={})

    frame, unfit, passes = read_on(types, [column[:1].to_frame(), column[1:].to_frame()])

    assert frame["x"].equals(normal(column), check_dtypes=True)
    assert unfit == {}
    assert passes <= 2
    assert types.remarks() == []


@pytest.mark.parametrize(
    "dtype", [pl.Int16(), pl.UInt64(), pl.Float32(), pl.Float64(), pl.Boolean()]
)
@pytest.mark.parametrize("type", ColumnType)
def test_a_typed_column_is_held_to_what_is_wanted(dtype: pl.DataType, type: ColumnType) -> None:
    column = pl.Series("x", [1, 0, None]).cast(dtype)
    whole = parse(normal(column), type)
    types = ToldTypes(["x"], untyped=[], wanted={"x": type})

    frame, unfit, _ = read_on(types, [column[:1].to_frame(), column[1:].to_frame()])

    lost = whole.is_null() & column.is_not_null()
    assert cells(frame["x"]) == cells(whole)
    assert unfit == ({"x": lost.to_list()} if lost.any() else {})


def test_text_and_categories_of_a_typed_file_are_held_to_what_is_wanted() -> None:
    blocks = [
        pl.DataFrame(
            {"x": ["1", "NA"], "y": pl.Series(["2024-01-01", "x"], dtype=pl.Categorical())}
        )
    ]
    wanted = {"x": ColumnType.INTEGER, "y": ColumnType.DATE}
    types = ToldTypes(["x", "y"], untyped=[], wanted=wanted, decimal=",")

    frame, unfit, _ = read_on(types, blocks)

    assert frame["x"].to_list() == [1, None]
    assert frame["y"].is_null().to_list() == [False, True]
    assert unfit == {"y": [False, True]}
    assert types.remarks() == ["column 'x': NA read as missing"]


def test_an_integer_that_a_wanted_float_cannot_hold_is_unfit_in_every_division() -> None:
    column = pl.Series("x", [2**53 + 1, 2**63, 2**64 - 1], dtype=pl.UInt64)
    types = ToldTypes(["x"], untyped=[], wanted={"x": ColumnType.FLOAT})

    frame, unfit, passes = read_on(types, [column[:1].to_frame(), column[1:].to_frame()])

    assert frame["x"].to_list() == [None, float(2**63), None]
    assert unfit == {"x": [True, False, True]}
    assert passes == 1


def test_nanoseconds_stay_where_a_time_is_wanted_and_needs_them() -> None:
    column = pl.Series("x", [1_000, 1_001], dtype=pl.Datetime("ns"))
    types = ToldTypes(["x"], untyped=[], wanted={"x": ColumnType.DATETIME})

    frame, _, passes = read_on(types, [column[:1].to_frame(), column[1:].to_frame()])

    assert frame["x"].dt.timestamp("ns").to_list() == [1_000, 1_001]
    assert passes == 2


def test_nested_cells_are_refused() -> None:
    types = ToldTypes(["x"], untyped=[], wanted={})

    with pytest.raises(InvalidInput, match="column 'x' holds"):
        types.typed(pl.DataFrame({"x": [[1]]}))


def test_a_decimal_comma_is_read_in_columns_of_numbers_only() -> None:
    block = pl.DataFrame(
        {
            "price": ["1234,5", "-0,5"],
            "text": ["1,5", "a"],
            "point": ["1.234", "5,0"],
            "n": ["1", "2"],
        }
    )
    types = ToldTypes(block.columns, untyped=block.columns, wanted={}, decimal=",")

    frame = types.typed(block).frame

    assert frame["price"].to_list() == [1234.5, -0.5]
    assert frame["text"].to_list() == ["1,5", "a"]
    assert frame["point"].to_list() == ["1.234", "5,0"]
    assert frame["n"].to_list() == [1, 2]


def test_what_was_taken_for_granted_is_said_of_all_blocks() -> None:
    blocks = [
        pl.DataFrame({"n": ["NA"], "at": ["2024-01-01 00:00:00"], "word": ["NA"]}),
        pl.DataFrame({"n": ["1"], "at": ["null"], "word": ["a"]}),
    ]
    types = ToldTypes(["n", "at", "word"], untyped=["n", "at", "word"], wanted={})

    frame, _, _ = read_on(types, blocks)

    assert types.schema == frame.schema
    assert frame["at"].to_list() == [datetime(2024, 1, 1, tzinfo=UTC), None]
    assert types.remarks() == [
        "column 'n': NA read as missing",
        "column 'at': null read as missing",
        "column 'at': times without an offset are taken as UTC",
    ]


def test_blocks_without_rows_widen_nothing() -> None:
    empty = pl.DataFrame({"x": []}, schema={"x": pl.String})
    types = ToldTypes(["x"], untyped=["x"], wanted={})

    widened = [types.typed(block).widened for block in (empty, text("1").to_frame(), empty)]

    assert widened == [False, False, False]
    assert types.schema == pl.Schema({"x": pl.Int64})
