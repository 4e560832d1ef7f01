"""Parquet is read with its own types, a slice at a time."""

from datetime import UTC, datetime

import polars as pl
import pytest

from mlsys.domain.errors import InvalidInput, TooLarge
from mlsys.domain.formats import Limits
from mlsys.use_cases.reading.parquet_blocks import Footer, slices
from tests.use_cases.reading.tables import columns, opened, parquet_of, rows_of


def test_a_parquet_is_read_with_its_types() -> None:
    frame = pl.DataFrame(
        {
            "a": pl.Series([2**53 + 1, None], dtype=pl.Int64),
            "b": ["001", "x"],
            "c": pl.Series([1, 2], dtype=pl.UInt8),
            "d": [datetime(2026, 1, 1, tzinfo=UTC), None],
        }
    )

    table = opened({"rows.parquet": parquet_of(frame)})

    assert rows_of(table).equals(frame)
    assert rows_of(table).schema == frame.schema
    assert table.count() == opened({"rows.parquet": parquet_of(frame)}).count() == 2
    assert table.first_row == 1
    assert not table.untyped
    assert table.read_as == {"format": "parquet"}
    assert table.warnings == []


@pytest.mark.parametrize("row_group_size", [1_000, 100_000])
def test_slices_are_put_together_in_order(row_group_size: int) -> None:
    frame = pl.DataFrame({"n": range(50_000)})

    table = opened({"rows.parquet": parquet_of(frame, row_group_size=row_group_size)})

    assert [block.frame.height for block in table.blocks()] == [
        128,
        512,
        2_048,
        8_192,
        32_768,
        6_352,
    ]
    assert rows_of(table).equals(frame)


def test_long_values_make_short_blocks() -> None:
    frame = pl.DataFrame({"s": ["x" * 1_000_000] * 400})

    table = opened({"rows.parquet": parquet_of(frame)})

    heights = [block.frame.height for block in table.blocks()]
    assert heights[0] == 128
    assert max(heights[1:]) == 33
    assert sum(heights) == 400


def test_wide_rows_make_short_blocks() -> None:
    frame = pl.DataFrame({str(n): [0] * 3_000 for n in range(1_500)})

    heights = [block.frame.height for block in opened({"rows.parquet": parquet_of(frame)}).blocks()]

    assert max(heights) == 1_398


def test_several_files_may_have_their_columns_in_any_order() -> None:
    one, other = pl.DataFrame({"a": [1], "b": [2]}), pl.DataFrame({"b": [4], "a": [3]})
    files = {
        "a.parquet": parquet_of(one),
        "b.parquet": parquet_of(other),
        "c.parquet": parquet_of(one.clear()),
    }

    assert columns(files) == {"a": [1, 3], "b": [2, 4]}
    assert opened(files).count() == 2


def test_files_with_other_columns_are_refused_by_name() -> None:
    files = {
        "a.parquet": parquet_of(pl.DataFrame({"a": [1], "b": [2]})),
        "b.parquet": parquet_of(pl.DataFrame({"a": [1], "c": [2]})),
    }

    with pytest.raises(InvalidInput, match=r"^b.parquet: .* not those of a.parquet: b, c only in"):
        opened(files).count()


@pytest.mark.parametrize("kept", [4, 100, 0.5, -1, -8])
def test_a_parquet_that_is_cut_off_is_refused(kept: float) -> None:
    whole = parquet_of(pl.DataFrame({"a": list(range(1_000))}))
    cut = whole[: int(len(whole) * kept) if kept == 0.5 else int(kept)]

    with pytest.raises(InvalidInput, match="the Parquet is damaged or cut off"):
        opened({"rows.parquet": cut})


def test_damaged_pages_are_refused() -> None:
    frame = pl.DataFrame({"a": [str(n) for n in range(5_000)]})
    damaged = bytearray(parquet_of(frame))
    damaged[100:1_000] = bytes(900)
    table = opened({"rows.parquet": bytes(damaged)})

    with pytest.raises(InvalidInput, match="the Parquet is damaged"):
        rows_of(table)


def test_a_footer_that_promises_more_rows_is_refused() -> None:
    frame = pl.DataFrame({"a": [1, 2]})
    footer = Footer("rows.parquet", frame.lazy(), ["a"], rows=3)

    with pytest.raises(InvalidInput, match="rows are missing"):
        list(slices(footer, ["a"], Limits()))


def test_a_parquet_is_measured_before_and_while_it_is_decoded() -> None:
    content = parquet_of(pl.DataFrame({"a": [0] * 10_000, "b": ["xy"] * 10_000}))

    rows_of(opened({"rows.parquet": content}, unpacked_bytes=180_000, file_bytes=len(content)))

    with pytest.raises(TooLarge, match="more than 179999 bytes of values"):
        rows_of(opened({"rows.parquet": content}, unpacked_bytes=179_999))
    with pytest.raises(TooLarge, match="want at most"):
        opened({"rows.parquet": content}, file_bytes=len(content) - 1)


def test_too_many_columns_are_refused() -> None:
    content = parquet_of(pl.DataFrame({str(n): [0] for n in range(2_001)}))

    with pytest.raises(TooLarge, match="at most 2000 columns"):
        opened({"rows.parquet": content})


def test_an_empty_parquet_is_refused() -> None:
    table = opened({"rows.parquet": parquet_of(pl.DataFrame({"a": [1]}).clear())})

    with pytest.raises(InvalidInput, match="not one row"):
        table.count()
    with pytest.raises(InvalidInput, match="not one row"):
        rows_of(table)


def test_what_is_called_parquet_must_be_it() -> None:
    with pytest.raises(InvalidInput, match="promises Parquet, the file is something else"):
        opened({"rows.parquet": b"a,b\n1,2\n"})
