"""Typed records: what is written is read back, and the first of two writers wins."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlsys.adapters.local.records import SqliteRecords
from mlsys.domain.errors import AlreadyExists, Conflict, Corrupt, NotFound
from mlsys.domain.split_records import Split, SplitStatus
from mlsys.ports import Document, Page, Scalar
from mlsys.repositories import collection
from mlsys.repositories.splits import SPLITS

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def records(tmp_path: Path) -> SqliteRecords:
    return SqliteRecords(tmp_path / "records.db")


def a_split(id: str = "split-1", created_at: datetime = NOON) -> Split:
    return Split(
        id=id,
        entity_id="churn",
        status=SplitStatus.RUNNING,
        created_at=created_at,
        updated_at=created_at,
        source_uri="gs://uploads/churn/rows.csv",
        source_generation="1",
        strategy="random",
        seed=0,
    )


def test_what_is_created_is_read_back(records: SqliteRecords) -> None:
    written = SPLITS.create("split-1", a_split(), records=records)

    read = SPLITS.get("split-1", records=records)

    assert read.value == written.value == a_split()
    assert read.document.revision == written.document.revision


def test_what_is_not_there_is_none_or_not_found(records: SqliteRecords) -> None:
    assert SPLITS.find("split-1", records=records) is None
    with pytest.raises(NotFound):
        SPLITS.get("split-1", records=records)


def test_a_second_create_is_refused(records: SqliteRecords) -> None:
    SPLITS.create("split-1", a_split(), records=records)

    with pytest.raises(AlreadyExists):
        SPLITS.create("split-1", a_split(), records=records)


def test_of_two_replaces_of_the_same_reading_the_second_is_refused(records: SqliteRecords) -> None:
    seen = SPLITS.create("split-1", a_split(), records=records)
    ready = a_split().model_copy(update={"status": SplitStatus.READY})

    SPLITS.replace(seen, ready, records=records)

    with pytest.raises(Conflict):
        SPLITS.replace(seen, a_split(), records=records)
    assert SPLITS.get("split-1", records=records).value.status is SplitStatus.READY


def test_writes_may_be_committed_together(records: SqliteRecords) -> None:
    seen = SPLITS.create("split-1", a_split(), records=records)
    failed = a_split().model_copy(update={"status": SplitStatus.FAILED})

    records.commit(
        [SPLITS.replacement(seen, failed), SPLITS.creation("split-2", a_split("split-2"))]
    )

    assert SPLITS.get("split-1", records=records).value.status is SplitStatus.FAILED
    assert SPLITS.get("split-2", records=records).value.id == "split-2"


def test_a_record_that_does_not_fit_its_model_is_corrupt(records: SqliteRecords) -> None:
    records.create("splits", "split-1", {"id": "split-1"})

    with pytest.raises(Corrupt, match="splits/split-1 is not a Split: entity_id: Field required"):
        SPLITS.get("split-1", records=records)


def test_fields_of_a_newer_release_survive_a_rewrite(records: SqliteRecords) -> None:
    body = a_split().model_dump(mode="json") | {"colour": "blue"}
    records.create("splits", "split-1", body)

    seen = SPLITS.get("split-1", records=records)
    SPLITS.replace(seen, seen.value, records=records)

    assert records.get("splits", "split-1").body["colour"] == "blue"


class OneQuery(SqliteRecords):
    """Answers a query with all splits, and remembers what was asked."""

    asked: tuple[object, ...] = ()

    def query(
        self,
        collection: str,
        *,
        where: Mapping[str, Scalar] | None = None,
        order_by: str | None = None,
        descending: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        self.asked = (collection, where, order_by, descending, limit, cursor)
        found: dict[str, Document] = self.get_many(collection, ["split-1", "split-2"])
        return Page(list(found.values()), "more")


def test_a_list_is_asked_for_newest_first(tmp_path: Path) -> None:
    records = OneQuery(tmp_path / "records.db")
    SPLITS.create("split-1", a_split(), records=records)

    listing = SPLITS.list(records=records, where={"entity_id": "churn"}, limit=5)

    assert records.asked == ("splits", {"entity_id": "churn"}, "created_at", True, 5, None)
    assert listing.values == [a_split()]
    assert listing.cursor == "more"


def test_each_reads_on_to_the_end_whatever_a_page_holds(
    records: SqliteRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [f"split-{n}" for n in (5, 3, 1, 2, 4)]
    for age, id in enumerate(ids):
        SPLITS.create(id, a_split(id, NOON + timedelta(seconds=age)), records=records)
    monkeypatch.setattr(collection, "DOCUMENTS_PER_READ", 2)

    found = SPLITS.each(records=records, order_by="created_at")

    assert [one.id for one in found] == ids


def test_stored_times_sort_as_they_passed(records: SqliteRecords) -> None:
    later = NOON + timedelta(microseconds=1)

    SPLITS.create("split-1", a_split(), records=records)
    SPLITS.create("split-2", a_split("split-2", later), records=records)

    times = [records.get("splits", f"split-{n}").body["created_at"] for n in (1, 2)]
    assert times == sorted(times)
