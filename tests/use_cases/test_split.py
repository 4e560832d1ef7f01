"""A dropped file becomes one split, or a record that says why not."""

import gzip
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import polars as pl
import pytest
from structlog.testing import capture_logs

from mlsys.domain.contract import Dataset
from mlsys.domain.errors import Busy, Unavailable
from mlsys.domain.formats import Limits
from mlsys.domain.records import PARTS
from mlsys.use_cases.divide import divide
from mlsys.use_cases.division import SOURCE, Work, part_path
from tests.use_cases.test_read_table import parquet_of
from tests.use_cases.trials.broken_records import CountingRecords
from tests.use_cases.uploads import STRATIFIED, Platform, csv_rows, ready


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return Platform(tmp_path)


def test_a_dropped_table_is_split_stored_and_recorded(platform: Platform) -> None:
    with capture_logs() as logs:
        split = ready(platform.split("churn/rows.csv", csv_rows()))

    assert split.rows == {"train": 42, "val": 9, "test": 9}
    assert [(one.name, one.type) for one in split.columns] == [
        ("id", "integer"),
        ("x", "float"),
        ("y", "text"),
    ]
    assert sorted(platform.table(split)["id"]) == list(range(60))
    manifest = platform.json(split.manifest_uri)
    assert manifest["rows"] == split.rows
    assert manifest["source"]["sha256"] == split.source_sha256
    assert manifest["drafted_contract"]["columns"]["id"]["type"] == "integer"
    assert manifest["versions"]["polars"] == pl.__version__
    assert [one["event"] for one in logs] == ["split.created"]


def test_rows_keep_their_order_in_each_part(platform: Platform) -> None:
    split = ready(platform.split("churn/rows.csv", csv_rows()))

    for part in PARTS:
        ids = pl.read_parquet(platform.objects.read(split.files[part].uri))["id"].to_list()
        assert ids == sorted(ids)


def test_a_dataset_chooses_the_strategy(platform: Platform) -> None:
    platform.drop("churn/dataset.json", STRATIFIED)

    split = ready(platform.split("churn/rows.csv.gz", gzip.compress(csv_rows())))

    assert (split.strategy, split.seed, split.target_column) == ("stratified", 7, "y")
    for part, rows in {"train": 14, "val": 3, "test": 3}.items():
        content = platform.objects.read(f"gs://artifacts/splits/{split.id}/{part}.parquet")
        assert pl.read_parquet(content)["y"].to_list().count("no") == rows


def test_values_survive_the_way_through(platform: Platform) -> None:
    lines = [
        f"{n:03d},{2**53 + 1 + n},{n if n % 2 else ''},2024-01-01T00:00:00+02:00" for n in range(20)
    ]
    content = "\n".join(["code,big,gaps,at", *lines]).encode()

    table = platform.table(ready(platform.split("churn/rows.csv", content))).sort("code")

    assert table["code"].to_list() == [f"{n:03d}" for n in range(20)]
    assert table["big"].to_list() == [2**53 + 1 + n for n in range(20)]
    assert table["gaps"].to_list() == [n if n % 2 else None for n in range(20)]
    assert str(table["at"][0]) == "2023-12-31 22:00:00+00:00"


def test_other_formats_give_the_same_files(platform: Platform) -> None:
    rows = [{"id": n, "y": "yes" if n % 3 else "no"} for n in range(60)]
    lines = "\n".join(map(json.dumps, rows)).encode()

    from_lines = ready(platform.split("churn/rows.jsonl", lines))
    from_parquet = ready(platform.split("churn/rows.parquet", parquet_of(pl.DataFrame(rows))))

    for part in PARTS:
        assert from_lines.files[part].sha256 == from_parquet.files[part].sha256


def test_a_redelivered_event_changes_nothing(platform: Platform) -> None:
    event = platform.drop("churn/rows.csv", csv_rows())
    first = platform.deliver(event)
    stored = platform.artifacts()

    second = platform.deliver(event)

    assert second == first
    assert platform.artifacts() == stored


def test_the_same_bytes_give_the_same_files_elsewhere(tmp_path: Path) -> None:
    one, two = (Platform(tmp_path / name) for name in ("one", "two"))

    first, second = (ready(each.split("churn/rows.csv", csv_rows())) for each in (one, two))

    assert [first.files[part].sha256 for part in PARTS] == [
        second.files[part].sha256 for part in PARTS
    ]


def test_a_second_generation_is_another_split(platform: Platform) -> None:
    first = ready(platform.split("churn/rows.csv", csv_rows(60)))
    second = ready(platform.split("churn/rows.csv", csv_rows(61)))

    assert first.id != second.id
    assert sum(second.rows.values()) == 61
    assert platform.table(first).height == 60


@pytest.mark.parametrize("threads", ["1", "2"])
def test_threads_do_not_change_a_byte(tmp_path: Path, threads: str) -> None:
    content = csv_rows(150_000)
    work = Work(file="rows.csv", dataset=Dataset.model_validate(STRATIFIED), limits=Limits())
    for folder in ("here", "child"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / SOURCE).write_bytes(content)
    (tmp_path / "child" / "work.json").write_text(work.model_dump_json())

    divide(tmp_path / "here", work)
    subprocess.run(
        [sys.executable, "-m", "mlsys.use_cases.divide", str(tmp_path / "child")],
        env={"POLARS_MAX_THREADS": threads, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
        timeout=60,
    )

    for part in PARTS:
        here, there = (part_path(tmp_path / folder, part) for folder in ("here", "child"))
        assert here.read_bytes() == there.read_bytes()


def test_of_two_deliveries_at_once_one_works(platform: Platform) -> None:
    event = platform.drop("churn/rows.csv", csv_rows())

    def outcome(_: int) -> str:
        try:
            return ready(platform.deliver(event)).status
        except Busy:
            return "BUSY"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(outcome, range(2))) == ["BUSY", "READY"]
    assert ready(platform.deliver(event)).attempt.number == 1


def test_a_long_read_renews_its_lease(platform: Platform) -> None:
    event = platform.drop("churn/rows.csv", csv_rows())
    records = CountingRecords(platform.home / "records.db")

    ready(platform.deliver(event, records=records, lease_seconds=0.09))

    claim_digest_and_end = 3
    assert records.calls["writes"] > claim_digest_and_end


def test_a_process_that_ends_gives_its_work_back_at_once(platform: Platform) -> None:
    event = platform.drop("churn/rows.csv", csv_rows())
    stopping = Event()
    stopping.set()

    with pytest.raises(Unavailable, match="this process ends"):
        platform.deliver(event, stopping=stopping)

    assert ready(platform.deliver(event)).attempt.number == 1
