"""A split is taken over, doubled, denied its backends and robbed of its source.

One ready split is what remains, or a record that says why not. tests/faults/test_split_killed.py
does it with real processes.

The last tests break the use case's own protection, and the same checks must find that.
"""

from pathlib import Path

import polars as pl
import pytest

from mlsys.domain.errors import Busy, Unavailable
from mlsys.domain.messages import UploadFinished
from mlsys.domain.split_records import SplitStatus
from tests.use_cases.reading.tables import parquet_of
from tests.use_cases.splitting.faulty_stores import (
    MIB,
    ROWS,
    Act,
    DyingRecords,
    ForgetfulObjects,
    Killed,
    LateRecords,
    MovingObjects,
    UnfencedRecords,
    WatchedObjects,
    problems,
)
from tests.use_cases.splitting.uploads import STRATIFIED, Platform, csv_rows, failure_of, ready
from tests.use_cases.trials.broken_records import FlakyRecords


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    platform = Platform(tmp_path)
    platform.drop("churn/dataset.json", STRATIFIED)
    return platform


@pytest.fixture
def event(platform: Platform) -> UploadFinished:
    return platform.drop("churn/rows.csv", csv_rows(ROWS))


def test_what_is_at_work_is_not_taken_over_within_its_lease(
    platform: Platform, event: UploadFinished
) -> None:
    records = DyingRecords(platform.home / "records.db")
    with pytest.raises(Killed):
        platform.deliver(event, records=records)

    with pytest.raises(Busy, match="attempt 1 is at split-"):
        platform.deliver(event, lease_seconds=60)


def test_of_two_that_begin_at_once_the_second_is_sent_away(
    platform: Platform, event: UploadFinished
) -> None:
    ready(platform.deliver(event))

    with pytest.raises(Busy, match="another attempt has just begun"):
        platform.deliver(event, records=LateRecords(platform.home / "records.db"))

    assert problems(platform, attempt=1) == []


@pytest.mark.parametrize("at", ["val.parquet", "manifest.json"])
def test_an_attempt_that_was_taken_over_leaves_without_a_trace(
    platform: Platform, event: UploadFinished, at: str
) -> None:
    objects = WatchedObjects(platform.home, before=_overtaking(platform, event, at))

    with pytest.raises(Busy, match=r"took split-.* over"):
        platform.deliver(event, objects=objects)

    assert problems(platform, attempt=2) == []


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_what_a_store_denies_is_given_back_at_once_and_is_no_attempt(
    platform: Platform, event: UploadFinished, lost: str
) -> None:
    left = {"val.parquet", "profile.json", "manifest.json"}

    def deny(name: str) -> None:
        if name in left:
            left.remove(name)
            raise Unavailable("out to lunch")

    side = {"before" if lost == "request" else "after": deny}
    objects = WatchedObjects(platform.home, **side)

    for _ in range(3):
        with pytest.raises(Unavailable, match="out to lunch"):
            platform.deliver(event, objects=objects)
    ready(platform.deliver(event, objects=objects))

    assert left == set()
    assert problems(platform, attempt=1) == []


def test_a_claim_whose_answer_was_lost_is_taken_over_after_its_lease(
    platform: Platform, event: UploadFinished
) -> None:
    records = FlakyRecords(platform.home / "records.db")
    records.lost_answers = 1

    with pytest.raises(Unavailable):
        platform.deliver(event, records=records)
    with pytest.raises(Busy):
        platform.deliver(event, records=records)
    ready(platform.deliver(event, records=records, lease_seconds=0))

    assert problems(platform, attempt=2) == []


def test_an_end_whose_answer_was_lost_stays_as_it_was_written(
    platform: Platform, event: UploadFinished
) -> None:
    records = FlakyRecords(platform.home / "records.db")

    def lose_what_follows(name: str) -> None:
        if name == "manifest.json":
            records.lost_answers = 1

    objects = WatchedObjects(platform.home, after=lose_what_follows)
    with pytest.raises(Unavailable):
        platform.deliver(event, objects=objects, records=records)
    split = ready(platform.deliver(event))

    assert ready(platform.deliver(event)) == split
    assert problems(platform, attempt=1) == []


def test_what_kills_every_attempt_fails_after_the_fifth(
    platform: Platform, event: UploadFinished
) -> None:
    for _ in range(5):
        records = DyingRecords(platform.home / "records.db")
        with pytest.raises(Killed):
            platform.deliver(event, records=records, lease_seconds=0)
    split = platform.deliver(event, lease_seconds=0)

    assert failure_of(split).code == "attempts_exhausted"
    assert platform.deliver(event, lease_seconds=0) == split
    assert platform.artifacts() == {}


@pytest.mark.parametrize("replaced", [True, False], ids=["replaced", "deleted"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_an_upload_that_goes_away_between_two_reads_fails(
    platform: Platform, suffix: str, *, replaced: bool
) -> None:
    """The other content would be a good table, too, and half of each would be one."""
    uri = f"gs://uploads/churn/rows.{suffix}"
    one, other = (_table(suffix, sign) for sign in (1, -1))
    event = platform.drop(f"churn/rows.{suffix}", one)

    def act(_: str) -> None:
        if replaced:
            platform.objects.put(uri, other)
        else:
            platform.objects.delete(uri)

    split = platform.deliver(event, objects=MovingObjects(platform.home, act, blocks=2))

    assert len(one) > MIB
    assert failure_of(split).code == "not_found"
    assert uri in failure_of(split).message
    assert platform.artifacts() == {}
    assert platform.deliver(event) == split


def test_an_upload_that_is_replaced_between_two_passes_fails(platform: Platform) -> None:
    content = csv_rows(20_000)
    event = platform.drop("churn/rows.csv", content)

    def act(_: str) -> None:
        platform.objects.put("gs://uploads/churn/rows.csv", content)

    reads_of_a_pass = len(content) // (MIB // 4) + 2
    objects = MovingObjects(platform.home, act, blocks=reads_of_a_pass + 1)
    split = platform.deliver(event, objects=objects)

    assert failure_of(split).code == "not_found"
    assert platform.artifacts() == {}


def test_an_upload_that_went_away_between_two_attempts_fails(
    platform: Platform, event: UploadFinished
) -> None:
    with pytest.raises(Killed):
        platform.deliver(event, records=DyingRecords(platform.home / "records.db"))
    platform.objects.delete("gs://uploads/churn/rows.csv")

    split = platform.deliver(event, lease_seconds=0)

    assert failure_of(split).code == "not_found"


def test_without_the_fence_the_checks_find_the_late_writer(
    platform: Platform, event: UploadFinished
) -> None:
    unfenced = UnfencedRecords(platform.home / "records.db")
    objects = WatchedObjects(platform.home, before=_overtaking(platform, event, "manifest.json"))

    platform.deliver(event, objects=objects, records=unfenced)

    assert problems(platform, attempt=2) == ["attempt 1 wrote after attempt 2 was done"]


def test_done_before_the_files_are_there_is_found_by_the_checks(
    platform: Platform, event: UploadFinished
) -> None:
    split = platform.deliver(event, objects=ForgetfulObjects(platform.home))

    [problem] = problems(platform, attempt=1)
    assert split is not None
    assert split.status is SplitStatus.READY
    assert problem.startswith("a file cannot be read")


def _overtaking(platform: Platform, event: UploadFinished, at: str) -> Act:
    """Let a whole other attempt happen when this object is about to be written."""

    def overtake(name: str) -> None:
        if name == at:
            ready(platform.deliver(event, lease_seconds=0))

    return overtake


def _table(suffix: str, sign: int) -> bytes:
    frame = pl.DataFrame({"id": range(200_000), "y": [f"c{n % 2}" for n in range(200_000)]})
    signed = frame.with_columns(pl.col("id") * sign, x=pl.col("id").hash())
    return parquet_of(signed) if suffix == "parquet" else signed.write_csv().encode()
