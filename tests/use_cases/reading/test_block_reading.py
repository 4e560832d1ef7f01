"""What holds for one block of a pass holds for all of them, or the pass is made again."""

import polars as pl
import pytest

from mlsys.domain.errors import InvalidInput
from mlsys.domain.types.told_types import ToldTypes
from mlsys.use_cases.reading.block_reading import Block, Reading, until_types_hold
from tests.use_cases.reading.tables import opened

BLOCK_BYTES = 2**12


def reading_of(content: str) -> Reading:
    """Read a CSV in blocks of 4 KiB."""
    table = opened({"rows.csv": content.encode()}, block_bytes=BLOCK_BYTES)
    return Reading(table, ToldTypes(table.names, untyped=table.untyped, wanted={}))


def passes_over(reading: Reading) -> list[list[Block]]:
    """Return the blocks of every pass that was begun."""
    passes: list[list[Block]] = []

    def look() -> None:
        passes.append([])
        for block in reading.blocks():
            passes[-1].append(block)

    until_types_hold(look)
    return passes


def test_blocks_follow_each_other_and_are_typed_alike() -> None:
    rows = "".join(f"{n},{n}\n" for n in range(2_000))

    [blocks] = passes_over(reading_of(f"a,b\n{rows}"))

    assert len(blocks) > 3
    assert [one.start for one in blocks[1:]] == [
        one.start + one.typed.height for one in blocks[:-1]
    ]
    assert pl.concat(one.typed for one in blocks)["a"].to_list() == list(range(2_000))


def test_a_type_that_becomes_wider_makes_another_pass() -> None:
    rows = "".join(f"{n}\n" for n in range(2_000))

    void, blocks = passes_over(reading_of(f"a\n{rows}0.5\n"))

    assert len(void) == len(blocks) - 1
    assert {one.typed.schema["a"] for one in blocks} == {pl.Float64}


def test_rows_that_become_much_wider_make_another_pass_with_smaller_row_groups() -> None:
    """A writer that keeps 131,072 rows would else keep 500 MB of them."""
    rows = "a\n" * 2_000 + f"{'b' * 4_000}\n" * 10 + "a\n" * 2_000

    void, blocks = passes_over(reading_of(f"text\n{rows}"))

    assert {one.row_group_rows for one in void} == {131_072}
    assert {one.row_group_rows for one in blocks} == {4_096}


def test_types_that_never_hold_are_refused() -> None:
    def look() -> None:
        """Know nothing of the pass before."""
        list(reading_of("a\n" + "1\n" * 3_000 + "0.5\n").blocks())

    with pytest.raises(InvalidInput, match="one type in one file and another in the next"):
        until_types_hold(look)
