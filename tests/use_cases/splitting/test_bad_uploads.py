"""What cannot be split: a record says why, with rows where there are rows, and nothing is lost."""

import gzip
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from structlog.testing import capture_logs

from mlsys.domain.errors import InvalidInput, NotFound
from mlsys.domain.formats import Limits
from mlsys.domain.messages import UploadFinished
from mlsys.domain.split_records import SplitStatus
from mlsys.repositories.splits import SPLITS
from mlsys.use_cases.splitting.uploads import DATASET_BYTES
from tests.use_cases.reading.tables import parquet_of
from tests.use_cases.splitting.uploads import (
    STRATIFIED,
    TARGET,
    Platform,
    csv_rows,
    failure_of,
    ready,
)


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return Platform(tmp_path)


def test_a_broken_contract_quarantines_the_upload_with_its_rows(platform: Platform) -> None:
    contract = {"columns": {"x": {"type": "integer"}, "z": {}, "y": {"role": "target"}}}
    platform.drop("churn/dataset.json", {"contract": contract})
    event = platform.drop("churn/rows.csv", b"x,y\n1,a\n2,a\n3.5,a\nfour,a\n")

    with capture_logs() as logs:
        split = platform.deliver(event)

    assert split is not None
    assert split.status is SplitStatus.QUARANTINED
    assert split.failure is not None
    assert split.failure.code == "contract_broken"
    assert len(split.failure.details) == 3
    reasons = {one["rule"]: one for one in platform.json(split.quarantine_uri)["report"]["reasons"]}
    assert set(reasons) == {"type", "missing_column", "target_constant"}
    cells = [(one["row"], one["value"]) for one in reasons["type"]["cells"]]
    assert cells == [(4, "3.5"), (5, "four")]
    page = platform.objects.read(str(split.quarantine_uri).replace(".json", ".html")).decode()
    assert "four" in page
    assert len(platform.artifacts()) == 2
    assert platform.objects.read("gs://uploads/churn/rows.csv").endswith(b"four,a\n")
    assert platform.deliver(event) == split
    assert [one["event"] for one in logs] == ["split.quarantined"]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"x,y\n1,a\n2,a\n3,a\n4,a\n", "target_constant"),
        (b"x,y\n1,\n2,\n3,\n4,\n", "target_not_null"),
        (b"x,z\n1,a\n2,a\n3,a\n4,b\n", "missing_column"),
    ],
)
def test_a_target_that_cannot_be_learnt_is_quarantined(
    platform: Platform, content: bytes, rule: str
) -> None:
    platform.drop("churn/dataset.json", TARGET)

    split = platform.split("churn/rows.csv", content)

    assert split.status is SplitStatus.QUARANTINED
    found = platform.json(split.quarantine_uri)["report"]["reasons"]
    assert rule in {one["rule"] for one in found}


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("rows.csv", b"", "the file is empty"),
        ("rows.csv", b"a,b\n1\n", "row 2 has 1 field"),
        ("rows.csv", b"a,a\n1,2\n", "'a' is the name of 2 columns"),
        ("rows.csv", b"a\n1\n", "1 row.s. are too few"),
        ("rows.parquet", b"PAR1 and then the line went dead", "damaged or cut off"),
        ("holiday.png", b"\x89PNG\r\n\x1a\n", "not a table"),
    ],
)
def test_a_bad_file_fails_for_good_and_says_why(
    platform: Platform, file: str, content: bytes, said: str
) -> None:
    event = platform.drop(f"churn/{file}", content)

    with capture_logs() as logs:
        split = platform.deliver(event)

    assert split is not None
    failure = failure_of(split)
    assert failure.code == "invalid_input"
    assert re.search(said, failure.message)
    assert platform.deliver(event) == split
    assert platform.artifacts() == {}
    assert [one["event"] for one in logs] == ["split.failed"]


def test_a_class_too_small_to_stratify_fails_naming_it(platform: Platform) -> None:
    platform.drop("churn/dataset.json", STRATIFIED)

    split = platform.split("churn/rows.csv", csv_rows(59) + b"1,2,rare\n" * 3)

    assert "class 'rare' has 3 row" in failure_of(split).message


@pytest.mark.parametrize("strict", [False, True])
def test_what_a_random_split_puts_at_risk_is_warned_of_or_refused(
    platform: Platform, *, strict: bool
) -> None:
    platform.drop("churn/dataset.json", TARGET | {"split": {"seed": 1, "strict": strict}})
    rows = "".join(f"{n * 37 % 301},{n / 7:.2f},a\n" for n in range(300))
    rare = "1,2,b\n3,4,b\n5,6,b\n"

    split = platform.split("churn/rows.csv", f"x,z,y\n{rare}{rows}{rows}".encode())

    leaks = {"duplicate_rows", "class_absent"}
    if strict:
        assert split.status is SplitStatus.QUARANTINED
        report = platform.json(split.quarantine_uri)["report"]
        assert leaks <= {one["rule"] for one in report["reasons"]}
        assert not any(name.endswith(".parquet") for name in platform.artifacts())
    else:
        report = platform.json(ready(split).manifest_uri)["report"]
        assert leaks <= {one["kind"] for one in report["leaks"]}
        assert {one["message"] for one in report["leaks"]} <= set(split.warnings)


def test_a_contract_that_only_warns_keeps_the_rows_and_the_reasons(platform: Platform) -> None:
    contract: dict[str, Any] = {"columns": {"x": {"max": 5}}, "on_violation": "warn"}
    platform.drop("churn/dataset.json", {"contract": contract})

    split = ready(platform.split("churn/rows.csv", csv_rows(60)))

    [reason] = platform.json(split.quarantine_uri)["report"]["reasons"]
    assert (reason["rule"], reason["count"]) == ("range", 24)
    assert reason["message"] in split.warnings
    assert platform.json(split.quarantine_uri)["rows"] is None
    assert (sum(split.rows.values()), split.rows_quarantined) == (60, 0)


@pytest.mark.parametrize(
    "content", [b"{", b'{"experiment": {}}', b" " * (DATASET_BYTES + 1)], ids=lambda one: one[:20]
)
def test_an_unusable_dataset_fails_the_split(platform: Platform, content: bytes) -> None:
    platform.drop("churn/dataset.json", content)

    failure = failure_of(platform.split("churn/rows.csv", csv_rows()))

    assert "dataset.json" in failure.message


def test_files_that_are_no_tables_by_name_are_left_alone(platform: Platform) -> None:
    for name in (
        "churn/dataset.json",
        "churn/.rows.csv",
        "churn/_SUCCESS",
        "churn/rows.csv.tmp",
        "churn/may/part-1.csv",
        "churn/../rows.csv",
        "churn/..\\rows.csv",
    ):
        event = UploadFinished(bucket="uploads", name=name, generation="1")

        assert platform.deliver(event) is None


@pytest.mark.parametrize(
    ("bucket", "name"),
    [
        ("artifacts", "churn/rows.csv"),
        ("uploads", "rows.csv"),
        ("uploads", "Churn!/rows.csv"),
        ("uploads", "../rows.csv"),
        ("uploads", "churn/*.csv"),
        ("uploads", "churn/rows%2f.csv"),
        ("uploads", "churn/rows.csv\n"),
        ("uploads", "churn/ro\0ws.csv"),
        ("uploads", "/churn/rows.csv"),
        ("uploads", "churn//rows.csv"),
        ("uploads", "http://churn/rows.csv"),
        ("uploads", "churn/" + "x" * 1100 + ".csv"),
    ],
    ids=lambda one: repr(one[:20]),
)
def test_a_forged_event_is_refused_without_a_record(
    platform: Platform, bucket: str, name: str
) -> None:
    with pytest.raises(InvalidInput):
        platform.deliver(UploadFinished(bucket=bucket, name=name, generation="1"))

    assert platform.artifacts() == {}
    assert SPLITS.list(records=platform.records).values == []


def test_an_event_for_what_is_not_there_is_refused(platform: Platform) -> None:
    stale = platform.drop("churn/rows.csv", csv_rows(60))
    platform.drop("churn/rows.csv", csv_rows(61))
    absent = UploadFinished(bucket="uploads", name="churn/none.csv", generation="1")

    for event in (stale, absent):
        with pytest.raises(NotFound):
            platform.deliver(event)


@pytest.mark.parametrize(
    ("file", "limits", "said"),
    [
        ("rows.csv", Limits(file_bytes=100), "want at most 100 bytes"),
        ("rows.csv.gz", Limits(unpacked_bytes=500), "more than 500 bytes inside gzip"),
        ("rows.parquet", Limits(file_bytes=100), "want at most 100 bytes"),
    ],
)
def test_a_table_over_a_limit_fails(
    platform: Platform, file: str, limits: Limits, said: str
) -> None:
    content = {
        "rows.csv": csv_rows(),
        "rows.csv.gz": gzip.compress(csv_rows()),
        "rows.parquet": parquet_of(pl.DataFrame({"x": range(60)})),
    }[file]

    failure = failure_of(platform.split(f"churn/{file}", content, limits=limits))

    assert failure.code == "too_large"
    assert re.search(said, failure.message)
