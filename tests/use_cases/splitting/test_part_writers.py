"""Parquet files come out as their rows went in, however they went in."""

import hashlib
import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsys.use_cases.reading.row_groups import row_group_rows
from mlsys.use_cases.splitting.part_writers import PartWriters

NAMES = ("train", "val", "test")
ROWS = 5_000
TABLE = pl.DataFrame(
    {
        "whole": range(ROWS),
        "real": [row / 7 if row % 11 else None for row in range(ROWS)],
        "text": [f"row {row % 97}" if row % 5 else None for row in range(ROWS)],
        "truth": [row % 3 == 0 for row in range(ROWS)],
        "day": [date(2026, 1 + row % 12, 1) for row in range(ROWS)],
        "moment": [datetime(2026, 1, 1, row % 24, tzinfo=UTC) for row in range(ROWS)],
        "price": [Decimal(row) / 100 for row in range(ROWS)],
        "nothing": pl.Series([None] * ROWS, dtype=pl.String),
    }
)
WRITE_WITH_MEMORY_SAID = """
import resource, sys
from contextlib import contextmanager
import polars as pl
from mlsys.use_cases.splitting.part_writers import PartWriters

@contextmanager
def nowhere(name):
    with open("/dev/null", "wb", buffering=0) as part:
        yield part

block = pl.DataFrame({f"x{i}": range(i, 100_000 + i) for i in range(10)})
with PartWriters(block.schema, names=["a", "b"], open_part=nowhere) as writers:
    for _ in range(int(sys.argv[1])):
        writers.write("a", block)
        writers.write("b", block)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
WRITE_WITH_HASH_SAID = """
import hashlib, sys
from contextlib import contextmanager
from pathlib import Path
import polars as pl
from mlsys.use_cases.splitting.part_writers import PartWriters

@contextmanager
def open_part(name):
    with Path(sys.argv[1], name).open("wb", buffering=0) as part:
        yield part

table = pl.DataFrame({f"x{i}": range(i, 20_000 + i) for i in range(9)}).cast({"x1": pl.String})
with PartWriters(table.schema, names=["a", "b"], open_part=open_part, row_group_rows=999) as parts:
    for block in table.iter_slices(1_234):
        parts.write("a", block)
        parts.write("b", block.reverse())
print([hashlib.sha256(Path(sys.argv[1], name).read_bytes()).hexdigest() for name in "ab"])
"""


class Parts:
    """Files in a folder, and which of them were left by an exception."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.failed: list[str] = []

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        with (self.folder / name).open("wb", buffering=0) as part:
            try:
                yield part
            except BaseException:
                self.failed.append(name)
                raise

    def writers(self, **fields: Any) -> PartWriters:
        return PartWriters(TABLE.schema, names=NAMES, open_part=self.open, **fields)

    def written(self, blocks: Sequence[pl.DataFrame], *, rows: int = 1_000) -> list[str]:
        """Deal the rows out to the parts, and return the sha256 of each."""
        with self.writers(row_group_rows=rows) as writers:
            for block in blocks:
                for number, name in enumerate(NAMES):
                    writers.write(name, block.filter(pl.col("whole") % 3 == number))
        return [hashlib.sha256((self.folder / name).read_bytes()).hexdigest() for name in NAMES]


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path)


def test_each_part_has_its_rows_in_their_order(parts: Parts) -> None:
    parts.written([TABLE[:2_222], TABLE[2_222:]])

    for number, name in enumerate(NAMES):
        expected = TABLE.filter(pl.col("whole") % 3 == number)
        assert pl.read_parquet(parts.folder / name).equals(expected)


def test_a_part_without_rows_is_a_table_with_columns(parts: Parts) -> None:
    with parts.writers() as writers:
        writers.write("train", TABLE)
        writers.write("val", TABLE.clear())

    for name in ("val", "test"):
        assert pl.read_parquet(parts.folder / name).schema == TABLE.schema
        assert pl.scan_parquet(parts.folder / name).collect().height == 0


@settings(max_examples=15)
@given(cuts=st.sets(st.integers(1, ROWS - 1), max_size=12))
def test_the_bytes_do_not_depend_on_the_blocks(
    tmp_path_factory: pytest.TempPathFactory, cuts: set[int]
) -> None:
    ends = [0, *sorted(cuts), ROWS]
    blocks = [TABLE[begin:end] for begin, end in pairwise(ends)]

    written = [Parts(tmp_path_factory.mktemp("parts")).written(some) for some in ([TABLE], blocks)]

    assert written[0] == written[1]


def test_the_bytes_depend_on_the_rows_and_on_the_row_groups(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    other = TABLE.with_columns(pl.col("real") + (pl.col("whole") == ROWS - 1))

    tables = (([TABLE], 1_000), ([other], 1_000), ([TABLE], 999))
    written = [
        Parts(tmp_path_factory.mktemp("parts")).written(blocks, rows=rows)
        for blocks, rows in tables
    ]

    assert len({tuple(hashes) for hashes in written}) == 3


def test_the_bytes_do_not_depend_on_the_number_of_threads(tmp_path: Path) -> None:
    hashes = {
        _run(WRITE_WITH_HASH_SAID, str(tmp_path), POLARS_MAX_THREADS=str(threads))
        for threads in (1, 2, 8)
    }

    assert len(hashes) == 1


def test_memory_does_not_grow_with_the_rows() -> None:
    few, many = (int(_run(WRITE_WITH_MEMORY_SAID, blocks)) for blocks in ("5", "20"))

    assert many < 1.3 * few


def test_long_rows_make_small_row_groups() -> None:
    wide = pl.DataFrame({f"x{number}": [0.0] * 10 for number in range(2_000)})
    long = pl.DataFrame({"x": ["x" * 10**6] * 10})
    cell = pl.DataFrame({"x": ["x" * 1_000] * 10})
    longer = pl.DataFrame({"x": ["x" * 1_100] * 10})
    empty = pl.DataFrame(
        {f"x{number}": pl.Series([None] * 10, dtype=pl.String) for number in range(2_000)}
    )

    assert row_group_rows(TABLE) == row_group_rows(TABLE.clear()) == 131_072
    assert row_group_rows(wide) == 4_096
    assert row_group_rows(long) == 64
    assert row_group_rows(empty) == 2_048
    assert row_group_rows(cell) == 65_536
    assert row_group_rows(longer) == 8_192


def test_the_size_of_row_groups_stays_until_rows_are_much_wider() -> None:
    text = pl.DataFrame({"text": ["a" * 496] * 10})

    assert row_group_rows(text) == 131_072
    assert row_group_rows(text.select("text", b="text"), so_far=131_072) == 131_072
    assert row_group_rows(text.select("text", b="text", c="text"), so_far=131_072) == 32_768
    assert row_group_rows(text, so_far=64) == 64


def test_a_target_that_breaks_is_told(parts: Parts) -> None:
    reading, writing = os.pipe()
    os.close(reading)

    @contextmanager
    def open_part(name: str) -> Iterator[BinaryIO]:
        with parts.open(name) as part:
            yield io.FileIO(writing, "wb") if name == "val" else part

    def write() -> None:
        with PartWriters(
            TABLE.schema, names=NAMES, open_part=open_part, row_group_rows=1_000
        ) as writers:
            for _ in range(10):
                for name in NAMES:
                    writers.write(name, TABLE)

    with pytest.raises(pl.exceptions.ComputeError, match="Broken pipe"):
        write()

    assert "val" in parts.failed
    assert not _threads()


def test_a_target_that_cannot_be_opened_is_told(parts: Parts) -> None:
    @contextmanager
    def open_part(name: str) -> Iterator[BinaryIO]:
        if name == "test":
            raise ZeroDivisionError
        with parts.open(name) as part:
            yield part

    with (
        pytest.raises(ZeroDivisionError),
        PartWriters(TABLE.schema, names=NAMES, open_part=open_part),
    ):
        pass

    assert not _threads()


@pytest.mark.parametrize("reason", [ValueError, KeyboardInterrupt])
def test_leaving_by_an_exception_ends_all_parts_with_one(
    parts: Parts, reason: type[BaseException]
) -> None:
    def write() -> None:
        with parts.writers() as writers:
            writers.write("train", TABLE)
            raise reason

    with pytest.raises(reason):
        write()

    assert set(parts.failed) == set(NAMES)
    assert not _threads()


def test_other_columns_than_promised_are_not_written(parts: Parts) -> None:
    def write() -> None:
        with parts.writers() as writers:
            writers.write("train", TABLE.with_columns(pl.col("whole").cast(pl.Float64)))

    with pytest.raises(pl.exceptions.SchemaError):
        write()

    assert "train" in parts.failed


def _threads() -> list[str]:
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("part")]


def _run(code: str, *arguments: str, **environment: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout
