"""A dropped file becomes one split, or a record that says why not."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import polars as pl
import pytest
from structlog.testing import capture_logs

from mlsys.domain.dataset import read_dataset
from mlsys.domain.errors import Busy, Unavailable
from mlsys.domain.records import PARTS
from mlsys.domain.split_records import ColumnType, SplitStatus
from mlsys.use_cases.splitting.results import Manifest, Quarantine
from tests.use_cases.reading.tables import parquet_of
from tests.use_cases.splitting.faulty_stores import WatchedObjects
from tests.use_cases.splitting.uploads import STRATIFIED, Platform, csv_rows, ready
from tests.use_cases.trials.broken_records import CountingRecords
from tests.waiting import PATIENCE_SECONDS

QUARANTINING = {
    "contract": {
        "columns": {
            "id": {"role": "key"},
            "x": {"max": 8, "sensitive": True},
            "y": {"role": "target", "allowed_values": ["yes", "no"]},
        },
        "on_violation": "quarantine_rows",
    }
}


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return Platform(tmp_path)


def test_a_dropped_table_is_split_stored_and_recorded(platform: Platform) -> None:
    with capture_logs() as logs:
        split = ready(platform.split("churn/rows.csv", csv_rows()))

    manifest = Manifest.model_validate(platform.json(split.manifest_uri))
    assert split.rows == {"train": 42, "val": 9, "test": 9}
    assert [(one.name, one.type) for one in split.columns] == [
        ("id", "integer"),
        ("x", "float"),
        ("y", "text"),
    ]
    assert sorted(platform.table(split)["id"]) == list(range(60))
    assert manifest.model_extra == {}
    assert (manifest.split_id, manifest.entity_id) == (split.id, "churn")
    assert (manifest.rows, manifest.files) == (split.rows, split.files)
    assert (manifest.columns, manifest.sources) == (split.columns, split.sources)
    assert (manifest.strategy, manifest.params, manifest.seed) == ("random", split.params, 0)
    assert manifest.read_as["delimiter"] == ","
    assert "PCG64" in manifest.settled["draw"]
    assert manifest.report.rows == 60
    assert manifest.versions["polars"] == pl.__version__
    assert [one["event"] for one in logs] == ["split.created"]


def test_what_stands_beside_the_parts_is_named_and_is_all_there_is(platform: Platform) -> None:
    split = ready(platform.split("churn/rows.csv", csv_rows()))

    manifest = Manifest.model_validate(platform.json(split.manifest_uri))
    named = [one.uri for one in manifest.files.values()]
    drafted = f"gs://artifacts/splits/{split.id}/drafted_dataset.json"
    assert set(platform.artifacts()) == {*named, drafted, split.profile_uri, split.manifest_uri}
    for file in [*manifest.files.values(), manifest.profile]:
        assert len(platform.objects.read(file.uri, sha256=file.sha256)) == file.size_bytes
    [source] = manifest.sources
    assert len(platform.objects.read(source.uri, sha256=source.sha256)) == source.size_bytes


def test_a_drafted_dataset_is_one_that_the_same_table_keeps(platform: Platform) -> None:
    content = csv_rows(300)
    first = ready(platform.split("churn/rows.csv", content))
    drafted = platform.objects.read(f"gs://artifacts/splits/{first.id}/drafted_dataset.json")

    platform.objects.put("gs://uploads/churn/dataset.json", drafted)
    second = ready(platform.split("churn/rows.csv", content))
    broken = platform.split("churn/rows.csv", content + b"300,1.0,maybe\n")

    contract = read_dataset(drafted).contract
    assert contract is not None
    assert contract.columns["id"].unique
    assert contract.columns["y"].allowed_values == ["no", "yes"]
    assert [second.files[part].sha256 for part in PARTS] == [
        first.files[part].sha256 for part in PARTS
    ]
    assert broken.status is SplitStatus.QUARANTINED
    assert not any(name.endswith("drafted_dataset.json") for name in _of(second.id, platform))


def test_the_profile_says_what_is_in_the_parts(platform: Platform) -> None:
    platform.drop("churn/dataset.json", STRATIFIED)
    split = ready(platform.split("churn/rows.csv", csv_rows(200) + b"200,,yes\n"))

    profile = platform.json(split.profile_uri)
    columns = {one["name"]: one for one in profile["columns"]}
    parts = platform.parts(split)
    for part, rows in parts.items():
        told = columns["x"]["parts"][part]
        assert profile["parts"][part]["rows"] == rows.height
        assert told["count"] == rows["x"].count()
        assert told["missing"] == rows["x"].null_count()
        assert sum(told["histogram"]) == rows["x"].count()
        assert told["mean"] == pytest.approx(rows["x"].mean())
        assert {one["value"]: one["count"] for one in columns["y"]["parts"][part]["top"]} == dict(
            rows["y"].value_counts().iter_rows()
        )
    assert columns["y"]["role"] == "target"


def test_a_dataset_chooses_the_strategy(platform: Platform) -> None:
    platform.drop("churn/dataset.json", STRATIFIED)

    split = ready(platform.split("churn/rows.csv", csv_rows()))

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


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_several_objects_are_one_split_once_a_success_completes_them(
    platform: Platform, suffix: str
) -> None:
    parts = [pl.DataFrame({"id": range(n, 60, 3), "y": ["a"] * 20}) for n in range(3)]
    events = [
        platform.drop(
            f"churn/may/part-{n}.{suffix}",
            parquet_of(one) if suffix == "parquet" else one.write_csv().encode(),
        )
        for n, one in enumerate(parts)
    ]

    alone = [platform.deliver(event) for event in events]
    split = ready(platform.deliver(platform.drop("churn/may/_SUCCESS", b"")))

    assert alone == [None, None, None]
    assert sorted(platform.table(split)["id"]) == list(range(60))
    assert [one.sha256 for one in split.sources if one.sha256] == [
        platform.json(split.manifest_uri)["sources"][n]["sha256"] for n in range(3)
    ]


def test_bad_rows_alone_are_kept_apart_with_their_reasons(platform: Platform) -> None:
    platform.drop("churn/dataset.json", QUARANTINING)

    split = ready(platform.split("churn/rows.csv", csv_rows(60) + b"60,1.0,maybe\n"))

    assert split.quarantine_uri is not None
    folder = split.quarantine_uri.removesuffix("reasons.json")
    assert folder.startswith(f"gs://artifacts/quarantine/churn/{split.source_generation}/")
    told = Quarantine.model_validate(platform.json(split.quarantine_uri))
    page = platform.objects.read(f"{folder}reasons.html").decode()
    assert told.rows is not None
    assert told.rows.uri == f"{folder}rows.parquet"
    rows = platform.parquet(told.rows)
    assert rows["row_number"].to_list() == [59, 60, 61, 62]
    assert rows["y"].to_list()[-1] == "maybe"
    assert {one.rule: one.count for one in told.report.reasons} == {"range": 3, "allowed_values": 1}
    assert (split.rows_quarantined, sum(split.rows.values())) == (4, 57)
    assert [one.name for one in split.columns if one.sensitive] == ["x"]
    assert sorted(platform.table(split)["id"]) == list(range(57))
    assert "maybe" in page
    assert "8.286" not in page + str(platform.json(split.quarantine_uri))


def test_a_redelivered_event_changes_nothing(platform: Platform) -> None:
    event = platform.drop("churn/rows.csv", csv_rows())
    first = platform.deliver(event)
    stored = platform.artifacts()

    second = platform.deliver(event)

    assert second == first
    assert platform.artifacts() == stored


def test_a_second_generation_is_another_split(platform: Platform) -> None:
    first = ready(platform.split("churn/rows.csv", csv_rows(60)))
    second = ready(platform.split("churn/rows.csv", csv_rows(61)))

    assert first.id != second.id
    assert sum(second.rows.values()) == 61
    assert platform.table(first).height == 60


def test_the_same_bytes_give_the_same_files_elsewhere_on_any_number_of_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some blocks long, with a type that turns out late, and rows in quarantine."""
    content = csv_rows(900_000) + b"0.5,many,no\n"
    columns = {"x": {"type": "float", "max": 120_000}, "y": {"role": "target"}}
    contract = {"columns": columns, "on_violation": "quarantine_rows"}
    found: list[list[Any]] = []
    for threads in ("1", "2", "2"):
        platform = Platform(tmp_path / str(len(found)))
        platform.drop("churn/dataset.json", STRATIFIED | {"contract": contract})
        monkeypatch.setenv("POLARS_MAX_THREADS", threads)

        split = ready(platform.split("churn/rows.csv", content))

        manifest, told = (platform.json(uri) for uri in (split.manifest_uri, split.quarantine_uri))
        files = [*manifest["files"].values(), manifest["profile"], told["rows"]]
        found.append([told["report"], *(one["sha256"] for one in files)])
        assert split.columns[0].type is ColumnType.FLOAT
        assert (sum(split.rows.values()), split.rows_quarantined) == (840_001, 60_000)

    assert found[0] == found[1] == found[2]


def test_of_two_deliveries_at_once_one_works(platform: Platform) -> None:
    event = platform.drop("churn/rows.csv", csv_rows())
    refused = Event()
    slow = WatchedObjects(platform.home, before=lambda _: refused.wait(PATIENCE_SECONDS))

    def outcome(_: int) -> str:
        try:
            return ready(platform.deliver(event, objects=slow)).status
        except Busy:
            refused.set()
            return "BUSY"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(outcome, range(2))) == ["BUSY", "READY"]
    assert ready(platform.deliver(event)).attempt.number == 1


def test_a_long_read_renews_its_lease(platform: Platform) -> None:
    event = platform.drop("churn/rows.csv", csv_rows())
    records = CountingRecords(platform.home / "records.db")

    ready(platform.deliver(event, records=records, lease_seconds=0.09))

    claim_and_end = 2
    assert records.calls["writes"] > claim_and_end


def test_a_process_that_ends_gives_its_work_back_at_once(platform: Platform) -> None:
    event = platform.drop("churn/rows.csv", csv_rows())
    stopping = Event()
    stopping.set()

    with pytest.raises(Unavailable, match="this process ends"):
        platform.deliver(event, stopping=stopping)

    assert ready(platform.deliver(event)).attempt.number == 1


def _of(split_id: str, platform: Platform) -> list[str]:
    return [name for name in platform.artifacts() if split_id in name]
