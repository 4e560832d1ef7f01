"""What cannot be split: a record says why, with rows where there are rows, and nothing is lost."""

import re
from pathlib import Path

import polars as pl
import pytest
from structlog.testing import capture_logs

from mlsys.domain.errors import InvalidInput, NotFound
from mlsys.domain.formats import Limits
from mlsys.domain.messages import UploadFinished
from mlsys.domain.records import Failure, Split, SplitStatus
from tests.use_cases.test_read_table import parquet_of
from tests.use_cases.uploads import STRATIFIED, TARGET, Platform, csv_rows, ready


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return Platform(tmp_path)


def failure_of(split: Split) -> Failure:
    assert split.status is SplitStatus.FAILED
    assert split.failure is not None
    return split.failure


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
    assert reasons["type"]["cells"] == [{"row": 4, "value": "3.5"}, {"row": 5, "value": "four"}]
    assert platform.objects.read("gs://uploads/churn/rows.csv").endswith(b"four,a\n")
    assert platform.deliver(event) == split
    assert [one["event"] for one in logs] == ["split.quarantined"]


@pytest.mark.parametrize(
    ("file", "content", "rule"),
    [
        ("rows.csv", b"x,y\n1,a\n2,a\n3,a\n4,a\n", "target_constant"),
        ("rows.csv", b"x,y\n1,\n2,\n3,\n4,\n", "target_not_null"),
        ("rows.csv", b"x,z\n1,a\n2,a\n3,a\n4,b\n", "missing_column"),
    ],
)
def test_a_target_that_cannot_be_learnt_is_quarantined(
    platform: Platform, file: str, content: bytes, rule: str
) -> None:
    platform.drop("churn/dataset.json", TARGET)

    split = platform.split(f"churn/{file}", content)

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


def test_what_a_random_split_puts_at_risk_is_warned_of(platform: Platform) -> None:
    platform.drop("churn/dataset.json", TARGET | {"split": {"seed": 1}})
    content = b"x,y\n" + b"1,b\n" * 3 + b"1,a\n" * 30

    split = ready(platform.split("churn/rows.csv", content))

    copies, absent = split.warnings
    assert copies.startswith("33 row(s) have an exact copy in another part")
    assert "has no row of class b" in absent
    assert platform.json(split.manifest_uri)["duplicates_across_parts"] == 33


@pytest.mark.parametrize("content", [b"{", b'{"experiment": {}}', b" " * (2**20 + 1)])
def test_an_unusable_dataset_fails_the_split(platform: Platform, content: bytes) -> None:
    platform.drop("churn/dataset.json", content)

    failure = failure_of(platform.split("churn/rows.csv", csv_rows()))

    assert "dataset.json" in failure.message


def test_files_that_are_no_tables_by_name_are_left_alone(platform: Platform) -> None:
    for name in ("churn/dataset.json", "churn/.rows.csv", "churn/_SUCCESS", "churn/rows.csv.tmp"):
        event = UploadFinished(bucket="uploads", name=name, generation="1")

        assert platform.deliver(event) is None


@pytest.mark.parametrize(
    ("bucket", "name"),
    [
        ("artifacts", "churn/rows.csv"),
        ("uploads", "rows.csv"),
        ("uploads", "churn/2024/rows.csv"),
        ("uploads", "Churn!/rows.csv"),
        ("uploads", "../rows.csv"),
        ("uploads", "churn/../rows.csv"),
        ("uploads", "churn/*.csv"),
        ("uploads", "churn/rows%2f.csv"),
    ],
)
def test_a_forged_event_is_refused_without_a_record(
    platform: Platform, bucket: str, name: str
) -> None:
    with pytest.raises(InvalidInput):
        platform.deliver(UploadFinished(bucket=bucket, name=name, generation="1"))

    assert platform.artifacts() == {}


def test_an_event_for_what_is_not_there_is_refused(platform: Platform) -> None:
    stale = platform.drop("churn/rows.csv", csv_rows(60))
    platform.drop("churn/rows.csv", csv_rows(61))
    absent = UploadFinished(bucket="uploads", name="churn/none.csv", generation="1")

    for event in (stale, absent):
        with pytest.raises(NotFound):
            platform.deliver(event)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(file_bytes=100), "want at most 100 bytes"),
        (Limits(cells=179), "want at most 179 cells, got 60 rows of 3 columns"),
    ],
)
def test_a_table_over_a_limit_fails(platform: Platform, limits: Limits, said: str) -> None:
    failure = failure_of(platform.split("churn/rows.csv", csv_rows(), limits=limits))

    assert failure.code == "too_large"
    assert said in failure.message


def test_a_bomb_ends_the_child_and_not_us(platform: Platform) -> None:
    bomb = parquet_of(pl.DataFrame({"s": ["x" * 1_000_000] * 600}))

    failure = failure_of(
        platform.split("churn/rows.parquet", bomb, limits=Limits(memory_mib=512, seconds=30))
    )

    assert len(bomb) < 10_000
    assert failure.code == "too_large"
    assert failure.message == "it needs more than 512 MiB of memory"
