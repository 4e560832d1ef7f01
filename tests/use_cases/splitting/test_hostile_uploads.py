"""Files made to do harm are FAILED with the reason, in bounded memory, and the server lives on.

One process gets them all, and then a good one.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlsys.domain.messages import UploadFinished
from mlsys.domain.split_records import Split, SplitStatus
from tests.use_cases.reading.tables import parquet_of
from tests.use_cases.splitting import hostile_uploads as hostile
from tests.use_cases.splitting.hostile_uploads import MIB, gzipped, zstandard
from tests.use_cases.splitting.uploads import Platform, csv_rows, failure_of, ready

PARENT_MIB = 100
CHILD_MIB = 1000
SMALL = {"unpacked_bytes": 96 * MIB}


@dataclass(frozen=True)
class Answer:
    """What became of an upload, and the most that the server and its children took so far."""

    split: Split
    parent_mib: float
    child_mib: float


@dataclass(frozen=True)
class Server:
    """A process that splits what it is told of."""

    platform: Platform
    process: subprocess.Popen[str]

    def split(self, name: str, content: bytes, **limits: int) -> Answer:
        """Drop a file, and wait for its split."""
        return self.deliver(self.platform.drop(f"churn/{name}", content), **limits)

    def deliver(self, event: UploadFinished, **limits: int) -> Answer:
        """Wait for the split of an event."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        asked = {"upload": event.model_dump(), "limits": limits}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        said = json.loads(self.process.stdout.readline())
        split = Split.model_validate(said.pop("split"))
        return Answer(split, **said)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("home")
    with subprocess.Popen(
        [sys.executable, "-m", "tests.use_cases.splitting.hostile_server", str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": "shared:.", "PATH": ""},
        cwd=Path(__file__).parents[3],
    ) as process:
        yield Server(Platform(home), process)


@pytest.mark.parametrize(
    ("name", "content", "limits", "said"),
    [
        ("rows.csv.gz", lambda: hostile.of_rows(gzipped), SMALL, "more than .* inside gzip"),
        ("rows.csv.zst", lambda: hostile.of_rows(zstandard), SMALL, "more than .* inside zstd"),
        ("line.csv.gz", lambda: hostile.of_one_line(gzipped), {}, "line 2 is longer than"),
        (
            "line.jsonl.zst",
            lambda: hostile.of_one_line(zstandard, b'{"a": 1}\n{"a": '),
            {},
            "line 2 is longer than",
        ),
        ("quote.csv.gz", hostile.of_an_open_quote, {}, "row from line 2 .* a quote not closed"),
        ("columns.csv", hostile.of_columns, {}, "at most 2000 columns, got 100000"),
        ("columns.parquet", hostile.parquet_of_columns, {}, "at most 2000 columns, got 10000"),
        ("keys.jsonl", hostile.of_keys, {}, "at most 2000 columns, got 100000"),
        ("depth.jsonl", hostile.of_depth, {}, "line 2 is not JSON"),
        ("nul.csv", lambda: csv_rows(90_000) + b"1,\0,yes\n", {}, "line 90002 has a NUL at byte"),
        ("mixed.csv", hostile.of_mixed_encodings, {}, r"line 400002 is not UTF-8 .*\(0xe4\)"),
        ("texts.parquet", hostile.parquet_of_texts, {"memory_mib": 512}, "512 MiB of memory"),
        ("values.parquet", hostile.parquet_of_texts, SMALL, "more than .* bytes of values"),
        ("runs.parquet", hostile.parquet_of_runs, SMALL, "more than .* bytes of values"),
        (
            "cut.parquet",
            lambda: parquet_of(pl.DataFrame({"x": range(100_000)}))[:-1],
            {},
            "the Parquet is damaged or cut off",
        ),
    ],
)
def test_a_hostile_file_fails_with_the_reason_in_bounded_memory(
    server: Server, name: str, content: Any, limits: dict[str, int], said: str
) -> None:
    written = content()

    answer = server.split(name, written, **limits)

    failure = failure_of(answer.split)
    assert len(written) < 5 * MIB
    assert failure.code in {"too_large", "invalid_input"}
    assert re.search(said, failure.message)
    assert answer.parent_mib < PARENT_MIB
    assert answer.child_mib < CHILD_MIB
    assert not any(answer.split.id in name for name in server.platform.artifacts())


@pytest.mark.parametrize("damaged", ["part-1.parquet", "part-1.csv.gz"])
def test_a_batch_names_the_part_that_is_damaged(server: Server, damaged: str) -> None:
    table = pl.DataFrame({"x": range(10_000)})
    good = parquet_of(table) if "parquet" in damaged else gzipped(table.write_csv().encode())
    folder = f"churn/{damaged.partition('.')[2]}"
    for name in ("part-0", "part-1", "part-2"):
        whole = f"{name}{damaged.removeprefix('part-1')}"
        server.platform.drop(f"{folder}/{whole}", good[:-9] if whole == damaged else good)

    answer = server.deliver(server.platform.drop(f"{folder}/_SUCCESS", b""))

    failure = failure_of(answer.split)
    assert failure.code == "invalid_input"
    assert failure.message.startswith(f"{damaged}: ")
    assert "damaged or cut off" in failure.message


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_numbers_of_any_length_survive(server: Server, suffix: str) -> None:
    answer = server.split(f"digits-{suffix}.{suffix}", hostile.of_digits(suffix))

    table = server.platform.table(ready(answer.split))
    assert max(map(len, table["x"])) > 100_000
    assert table["x"].n_unique() == table.height


def test_after_all_that_the_server_splits_a_good_file(server: Server) -> None:
    answer = server.split("good.csv", csv_rows(60))

    assert answer.split.status is SplitStatus.READY
    assert sum(answer.split.rows.values()) == 60
    assert answer.parent_mib < PARENT_MIB
    assert server.process.poll() is None
