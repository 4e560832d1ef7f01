"""A split is killed at every write, taken over, and doubled: one ready split is what remains.

The last tests break the use case's own protection, and the same checks must find that.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest

from mlsys.adapters.local.objects import FileObjects
from mlsys.adapters.local.records import SqliteRecords
from mlsys.domain.errors import Busy, MlsysError, NotFound, Unavailable
from mlsys.domain.messages import UploadFinished
from mlsys.domain.records import PARTS, Split
from mlsys.ports import Document, ObjectInfo, Replace, Write
from tests.use_cases.test_bad_uploads import failure_of
from tests.use_cases.uploads import STRATIFIED, Platform, csv_rows, ready

ROWS = 60
WRITES = 7


class Killed(BaseException):
    """The process ends here: nothing catches this."""


@dataclass
class Fuse:
    """Burns down by one at each write; at its end it raises instead."""

    left: int
    ending: BaseException

    def burn(self) -> None:
        if self.left == 0:
            raise self.ending
        self.left -= 1


class FusedObjects(FileObjects):
    """Burns at each object it writes."""

    def __init__(self, home: Path, fuse: Fuse) -> None:
        super().__init__(home)
        self._fuse = fuse

    def put_once(self, uri: str, content: bytes) -> ObjectInfo:
        self._fuse.burn()
        return super().put_once(uri, content)


class FusedRecords(SqliteRecords):
    """Burns at each commit."""

    def __init__(self, path: Path, fuse: Fuse) -> None:
        super().__init__(path)
        self._fuse = fuse

    def commit(self, writes: Sequence[Write]) -> list[Document | None]:
        self._fuse.burn()
        return super().commit(writes)


class InterruptedObjects(FileObjects):
    """Lets a whole other attempt happen when the k-th object is about to be written."""

    def __init__(self, platform: Platform, event: UploadFinished, at: int) -> None:
        super().__init__(platform.home)
        self._platform, self._event, self._left = platform, event, at

    def put_once(self, uri: str, content: bytes) -> ObjectInfo:
        if self._left == 0:
            ready(self._platform.deliver(self._event, lease_seconds=0))
        self._left -= 1
        return super().put_once(uri, content)


class UnfencedRecords(SqliteRecords):
    """Replaces whatever stands there: a compare-and-set that does not compare."""

    def commit(self, writes: Sequence[Write]) -> list[Document | None]:
        return super().commit([self._newest(write) for write in writes])

    def _newest(self, write: Write) -> Write:
        if isinstance(write, Replace):
            return Replace(self.get(write.seen.collection, write.seen.id), write.body)
        return write


class LateRecords(SqliteRecords):
    """Does not see what another attempt has just created."""

    def get(self, collection: str, id: str) -> Document:
        raise NotFound(f"{collection}/{id} does not exist")


class ForgetfulObjects(FileObjects):
    """Says that it stored an object, and has not: what a commit before the files comes to."""

    def put_once(self, uri: str, content: bytes) -> ObjectInfo:
        return ObjectInfo(
            uri, "1", len(content), self.stat("gs://uploads/churn/rows.csv").updated_at
        )


class VanishingObjects(FileObjects):
    """The upload is replaced while it is read."""

    @contextmanager
    def open_reader(self, uri: str, *, generation: str) -> Iterator[BinaryIO]:
        with super().open_reader(uri, generation=generation) as source:
            self.put(uri, b"x,y\n")
            yield source


def problems(platform: Platform, *, attempt: int | None = None) -> list[str]:
    """Hold what remains against what was promised; an empty list is a promise kept."""
    found = []
    with closing(sqlite3.connect(platform.home / "records.db")) as db:
        bodies = [row[0] for row in db.execute("select body from records")]
    splits = [Split.model_validate_json(body) for body in bodies]
    if [one.status for one in splits] != ["READY"]:
        return [f"want one ready split, got {[one.status for one in splits]}"]
    [split] = splits
    if attempt is not None and split.attempt.number != attempt:
        found.append(f"attempt {split.attempt.number} wrote after attempt {attempt} was done")
    try:
        table = platform.table(split)
    except MlsysError as error:
        return [*found, f"a file cannot be read: {error}"]
    if sorted(table["id"]) != list(range(ROWS)) or sum(split.rows.values()) != ROWS:
        found.append("the rows do not add up to the upload")
    if len(platform.artifacts()) != len(PARTS) + 1:
        found.append("something else was left behind")
    return found


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    platform = Platform(tmp_path)
    platform.drop("churn/dataset.json", STRATIFIED)
    return platform


@pytest.mark.parametrize("writes", range(WRITES))
def test_killed_before_any_write_it_is_finished_by_the_next_delivery(
    platform: Platform, writes: int
) -> None:
    event = platform.drop("churn/rows.csv", csv_rows(ROWS))
    fuse = Fuse(writes, Killed())
    objects = FusedObjects(platform.home, fuse)
    records = FusedRecords(platform.home / "records.db", fuse)

    with pytest.raises(Killed):
        platform.deliver(event, objects=objects, records=records)
    ready(platform.deliver(event, lease_seconds=0))

    assert problems(platform, attempt=min(writes, 1) + 1) == []


def test_killed_after_its_last_write_it_is_done(platform: Platform) -> None:
    event = platform.drop("churn/rows.csv", csv_rows(ROWS))
    fuse = Fuse(WRITES, Killed())
    objects = FusedObjects(platform.home, fuse)
    records = FusedRecords(platform.home / "records.db", fuse)

    ready(platform.deliver(event, objects=objects, records=records))

    assert fuse.left == 0
    assert problems(platform, attempt=1) == []


def test_what_is_at_work_is_not_taken_over_within_its_lease(platform: Platform) -> None:
    event = platform.drop("churn/rows.csv", csv_rows(ROWS))
    records = FusedRecords(platform.home / "records.db", Fuse(1, Killed()))
    with pytest.raises(Killed):
        platform.deliver(event, records=records)

    with pytest.raises(Busy, match="attempt 1 is at split-"):
        platform.deliver(event, lease_seconds=60)


def test_of_two_that_begin_at_once_the_second_is_sent_away(platform: Platform) -> None:
    event = platform.drop("churn/rows.csv", csv_rows(ROWS))
    ready(platform.deliver(event))

    with pytest.raises(Busy, match="another attempt has just begun"):
        platform.deliver(event, records=LateRecords(platform.home / "records.db"))

    assert problems(platform, attempt=1) == []


@pytest.mark.parametrize("at", [0, 3])
def test_an_attempt_that_was_taken_over_leaves_without_a_trace(platform: Platform, at: int) -> None:
    event = platform.drop("churn/rows.csv", csv_rows(ROWS))

    with pytest.raises(Busy, match=r"took split-.* over"):
        platform.deliver(event, objects=InterruptedObjects(platform, event, at))

    assert problems(platform, attempt=2) == []


@pytest.mark.parametrize("writes", range(4))
def test_what_a_backend_denies_is_given_back_at_once_and_is_no_attempt(
    platform: Platform, writes: int
) -> None:
    event = platform.drop("churn/rows.csv", csv_rows(ROWS))
    objects = FusedObjects(platform.home, Fuse(writes, Unavailable("out to lunch")))

    for _ in range(2):
        with pytest.raises(Unavailable):
            platform.deliver(event, objects=objects)
    ready(platform.deliver(event, lease_seconds=60))

    assert problems(platform, attempt=1) == []


def test_what_kills_every_attempt_fails_after_the_fifth(platform: Platform) -> None:
    event = platform.drop("churn/rows.csv", csv_rows(ROWS))

    for _ in range(5):
        records = FusedRecords(platform.home / "records.db", Fuse(1, Killed()))
        with pytest.raises(Killed):
            platform.deliver(event, records=records, lease_seconds=0)
    split = platform.deliver(event, lease_seconds=0)

    assert split is not None
    assert failure_of(split).code == "attempts_exhausted"
    assert platform.deliver(event, lease_seconds=0) == split


def test_an_upload_that_is_replaced_while_it_is_read_fails(platform: Platform) -> None:
    event = platform.drop("churn/rows.csv", csv_rows(ROWS))

    split = platform.deliver(event, objects=VanishingObjects(platform.home))

    assert split is not None
    assert failure_of(split).code == "not_found"


def test_an_upload_that_went_away_between_two_attempts_fails(platform: Platform) -> None:
    event = platform.drop("churn/rows.csv", csv_rows(ROWS))
    records = FusedRecords(platform.home / "records.db", Fuse(1, Killed()))
    with pytest.raises(Killed):
        platform.deliver(event, records=records)
    platform.objects.delete("gs://uploads/churn/rows.csv")

    split = platform.deliver(event, lease_seconds=0)

    assert split is not None
    assert failure_of(split).code == "not_found"


def test_without_the_fence_the_checks_find_the_late_writer(platform: Platform) -> None:
    event = platform.drop("churn/rows.csv", csv_rows(ROWS))
    unfenced = UnfencedRecords(platform.home / "records.db")

    platform.deliver(event, objects=InterruptedObjects(platform, event, 3), records=unfenced)

    assert problems(platform, attempt=2) == ["attempt 1 wrote after attempt 2 was done"]


def test_done_before_the_files_are_there_is_found_by_the_checks(platform: Platform) -> None:
    event = platform.drop("churn/rows.csv", csv_rows(ROWS))

    ready(platform.deliver(event, objects=ForgetfulObjects(platform.home)))
    ready(platform.deliver(event, lease_seconds=0))

    [problem] = problems(platform, attempt=1)
    assert problem.startswith("a file cannot be read")
