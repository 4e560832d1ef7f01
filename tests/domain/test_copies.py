"""Rows that stand in several parts are counted, exactly or nearly, in bounded memory."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsys.domain.profiling.class_counts import ClassCounts
from mlsys.domain.profiling.column_tallies import Tally
from mlsys.domain.profiling.copies import Copies, among
from mlsys.domain.profiling.leaks import Wanted, find_leaks
from mlsys.domain.profiling.seen_parts import Seen
from mlsys.domain.records import Part
from mlsys.domain.split_records import Role
from tests.domain.parting import BINARY, ROWS, columns_of, drawn, leaks, only, table


def test_copies_across_parts_are_counted() -> None:
    plain = table(BINARY, key=pl.int_range(ROWS))
    codes = drawn(ROWS)
    [test_rows] = np.nonzero(codes == 2)
    copied = pl.concat([plain, plain[test_rows[:30]].with_columns(key=pl.lit(-1, pl.Int64))])
    apart = np.concatenate([codes, np.zeros(30, np.int8)])
    together = np.concatenate([codes, np.full(30, 2, np.int8)])

    leak = only(leaks(copied, apart, roles={"key": Role.KEY}))

    assert leak.kind == "duplicate_rows"
    assert leak.message.startswith(
        "30 row(s) have exact copies in other parts (0 of 150 rows of val, 30 of 150 rows of test)"
    )
    assert leaks(copied, together, roles={"key": Role.KEY}) == []


def test_rows_of_few_values_are_no_copies() -> None:
    coarse = table(BINARY).select("plan", "y", old=pl.col("age") > 40)

    assert leaks(coarse) == []


def test_a_table_of_keys_alone_has_no_copies() -> None:
    keys = pl.DataFrame({"key": [1, 1, 1, 1] * 10})

    assert leaks(keys, roles={"key": Role.KEY}) == []


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 400)), min_size=1, max_size=400),
    st.integers(1, 100),
    st.integers(5, 500),
)
def test_copies_are_exact_until_there_are_too_many_rows(
    rows: list[tuple[int, int]], block: int, room: int
) -> None:
    hashes = np.random.default_rng(0).integers(0, 2**64, 401, dtype=np.uint64)
    parts = [{row for part, row in rows if part == code} for code in range(3)]
    copies = Copies(max_kept=room)

    for start in range(0, len(rows), block):
        for code in range(3):
            some = [row for part, row in rows[start : start + block] if part == code]
            copies.look(code, hashes[some])
    spread = copies.spread()

    kept = {row for row in range(401) if copies.keeps(hashes[[row]])[0]}
    wanted = {row for row in kept if sum(row in part for part in parts) > 1}
    different = sum(map(len, parts))
    assert {row for row in range(401) if among(hashes[[row]], spread)[0]} == wanted
    assert (copies.share == 1) == (different <= room)
    assert sum(len(part & kept) for part in parts) <= room


def test_too_many_rows_are_estimated() -> None:
    copies = Copies(max_kept=2_000)
    hashes = np.random.default_rng(0).integers(0, 2**64, 60_000, dtype=np.uint64)

    for start in range(0, 60_000, 7_000):
        copies.look(0, hashes[start : start + 7_000])
    copies.look(2, hashes[:12_000])
    spread = copies.spread()

    assert copies.share == 1 / 64
    assert len(spread) / copies.share == pytest.approx(12_000, rel=0.2)


def test_an_estimate_says_so() -> None:
    plain = table(BINARY)
    copies = Copies(max_kept=400)
    parts: dict[Part, pl.DataFrame] = {"train": plain, "val": plain[:1], "test": plain[:300]}
    hashes = {part: rows.hash_rows().to_numpy() for part, rows in parts.items()}
    for code, one in enumerate(hashes.values()):
        copies.look(code, one)
    seen = {
        part: Seen(rows.height, rows, hashes[part], tallies_of(rows))
        for part, rows in parts.items()
    }
    columns = {one.name: one for one in columns_of(plain, {})}

    leak = only(find_leaks(seen, Wanted(columns, None), copies, ClassCounts()))

    assert leak.message.startswith("about 2")
    assert " (about 300 of 300 rows of test): " in leak.message


def tallies_of(rows: pl.DataFrame) -> dict[str, Tally]:
    tallies = {cells.name: Tally(cap=50) for cells in rows}
    for cells in rows:
        tallies[cells.name].look(cells)
    return tallies
