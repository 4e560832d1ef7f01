"""What a server of models reads is what `Objects` and `Records` promise, on every backend."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mlsys.adapters.gcp.objects import CloudObjects
from mlsys.adapters.gcp.reading import cloud_object_reader, firestore_record_reader
from mlsys.adapters.local.records import SqliteRecords
from mlsys.domain.errors import Corrupt, InvalidInput, NotFound
from mlsys.ports import Json, ObjectReader, Objects, RecordReader, Records
from tests.contracts.test_objects import NAMES, NO_ADDRESSES
from tests.contracts.test_records import BODIES

MIB = 2**20


@pytest.fixture
def object_reader(objects: Objects) -> ObjectReader:
    """Read what `objects` wrote; only the cloud has a reader of its own."""
    return cloud_object_reader() if isinstance(objects, CloudObjects) else objects


@pytest.fixture
def record_reader(records: Records, project: str) -> RecordReader:
    """Read what `records` wrote; only the cloud has a reader of its own."""
    if isinstance(records, SqliteRecords):
        return records
    return firestore_record_reader(project, "(default)")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("content", [b"", b"\x00\r\n\xff", bytes(range(256)) * 5 * 4096], ids=len)
def test_what_was_put_is_read(
    objects: Objects, object_reader: ObjectReader, bucket: str, name: str, content: bytes
) -> None:
    objects.put(f"{bucket}/{name}", content)

    read = object_reader.read(f"{bucket}/{name}", sha256=hashlib.sha256(content).hexdigest())

    assert read == content


def test_the_newest_generation_is_read(
    objects: Objects, object_reader: ObjectReader, bucket: str
) -> None:
    for content in (b"old", b"new"):
        objects.put(f"{bucket}/a", content)

        assert object_reader.read(f"{bucket}/a") == content


def test_another_content_than_was_wanted_is_corrupt(
    objects: Objects, object_reader: ObjectReader, bucket: str
) -> None:
    objects.put(f"{bucket}/a", b"content")
    right, wrong = (hashlib.sha256(one).hexdigest() for one in (b"content", b"other"))

    with pytest.raises(Corrupt, match=f"want sha256 {wrong}, got {right}"):
        object_reader.read(f"{bucket}/a", sha256=wrong)


def test_an_object_that_is_not_there_is_not_found(
    objects: Objects, object_reader: ObjectReader, bucket: str
) -> None:
    objects.put(f"{bucket}/folder/a", b"")

    for missing in (f"{bucket}/b", f"{bucket}/folder", f"{bucket}/folder/a/b"):
        with pytest.raises(NotFound, match=missing):
            object_reader.read(missing)


@pytest.mark.parametrize("uri", NO_ADDRESSES)
def test_what_is_no_address_is_not_read(object_reader: ObjectReader, uri: str) -> None:
    with pytest.raises(InvalidInput):
        object_reader.read(uri)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("collection", ["models", "models/churn/events"])
def test_what_was_written_is_read(
    records: Records, record_reader: RecordReader, collection: str, body: Json
) -> None:
    created = records.create(collection, "churn", body)

    read = record_reader.get(collection, "churn")

    assert (read.collection, read.id, read.updated_at) == (collection, "churn", created.updated_at)
    assert repr(read.body) == repr(body)
    assert read.read_at >= read.updated_at


def test_what_was_read_can_be_replaced(records: Records, record_reader: RecordReader) -> None:
    records.create("models", "churn", {"production": 1})

    records.replace(record_reader.get("models", "churn"), {"production": 2})

    assert record_reader.get("models", "churn").body == {"production": 2}


def test_a_record_that_is_not_there_is_not_found(
    records: Records, record_reader: RecordReader
) -> None:
    records.create("models", "churn", {})

    for collection, id in (("models", "other"), ("others", "churn"), ("models/churn/a", "churn")):
        with pytest.raises(NotFound, match=f"{collection}/{id} does not exist"):
            record_reader.get(collection, id)


@pytest.mark.parametrize(
    ("collection", "id"), [("models", "a/b"), ("models", ".."), ("models/churn", "a"), ("", "a")]
)
def test_what_may_not_name_a_record_is_not_read(
    record_reader: RecordReader, collection: str, id: str
) -> None:
    with pytest.raises(InvalidInput):
        record_reader.get(collection, id)


def test_many_threads_read_at_once(records: Records, record_reader: RecordReader) -> None:
    bodies: list[dict[str, Any]] = [{"n": number} for number in range(8)]
    for body in bodies:
        records.create("models", f"m{body['n']}", body)

    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda n: record_reader.get("models", f"m{n % 8}").body, range(200)))

    assert read == bodies * 25
