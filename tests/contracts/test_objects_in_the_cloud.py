"""What `CloudObjects` makes of Cloud Storage's faults."""

import gc
import gzip
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from mlsys.adapters.gcp.objects import CloudObjects
from mlsys.domain.errors import NotFound, Unavailable
from tests.cloud.storage import StorageServer
from tests.cloud.storage_faults import Fault

MIB = 2**20
Call = Callable[[CloudObjects, str], Any]


def _stream_in(objects: CloudObjects, bucket: str) -> None:
    with objects.open_writer(f"{bucket}/new") as writer:
        for _ in range(20):
            writer.write(b"x" * MIB)


def _stream_in_once(objects: CloudObjects, bucket: str) -> None:
    with objects.open_writer(f"{bucket}/new", once=True) as writer:
        for _ in range(20):
            writer.write(b"x" * MIB)


def _abandon(objects: CloudObjects, bucket: str) -> None:
    with objects.open_writer(f"{bucket}/new") as writer:
        writer.write(bytes(9 * MIB))
        raise ValueError("aborted")


def _stream_out(objects: CloudObjects, bucket: str) -> bytes:
    generation = objects.stat(f"{bucket}/old").generation
    with objects.open_reader(f"{bucket}/old", generation=generation) as reader:
        return reader.read()


CALLS: dict[str, Call] = {
    "stat": lambda objects, bucket: objects.stat(f"{bucket}/old"),
    "read": lambda objects, bucket: objects.read(f"{bucket}/old"),
    "put": lambda objects, bucket: objects.put(f"{bucket}/new", b"content"),
    "put_once": lambda objects, bucket: objects.put_once(f"{bucket}/new", b"content"),
    "open_reader": _stream_out,
    "open_writer": _stream_in,
    "open_writer once": _stream_in_once,
    "list": lambda objects, bucket: list(objects.list(f"{bucket}/")),
    "delete": lambda objects, bucket: objects.delete(f"{bucket}/old"),
}


@pytest.mark.parametrize(
    "fault",
    [
        *(Fault("status", status=status) for status in (408, 429, 503)),
        Fault("reset"),
        Fault("lost", status=503),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_passing_fault_is_not_noticed(
    cloud_objects: CloudObjects, storage: StorageServer, bucket: str, fault: Fault, call: Call
) -> None:
    cloud_objects.put(f"{bucket}/old", b"old")
    storage.break_next(Fault(fault.kind, status=fault.status))

    call(cloud_objects, bucket)

    assert storage.faults.waiting == 0


@pytest.mark.parametrize("call", [CALLS["read"], CALLS["open_reader"]], ids=["all", "range"])
def test_attempts_at_one_content_share_a_connection(
    cloud_objects: CloudObjects, storage: StorageServer, bucket: str, call: Call
) -> None:
    cloud_objects.put(f"{bucket}/old", b"old")
    fault = Fault("status", times=3, path="alt=media")
    storage.break_next(fault)

    call(cloud_objects, bucket)

    assert storage.faults.waiting == 0
    assert len(fault.connections) == 1


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_of_the_bucket_itself_nothing_is_asked(
    cloud_objects: CloudObjects, storage: StorageServer, bucket: str, call: Call
) -> None:
    cloud_objects.put(f"{bucket}/old", b"old")
    fault = Fault("status", path=r"^/storage/v1/b/[^/?]+\?")
    storage.break_next(fault)

    call(cloud_objects, bucket)

    assert fault.connections == set()


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_lasting_fault_is_unavailable_within_our_patience(
    storage: StorageServer, bucket: str, call: Call
) -> None:
    storage.add_bucket(bucket.removeprefix("gs://"))
    client = storage.client()
    storage.break_next(Fault("status", times=1_000))
    began = time.monotonic()

    with pytest.raises(Unavailable, match="did not answer"):
        call(CloudObjects(client, patience_seconds=0.3), bucket)

    assert time.monotonic() - began < 5
    client.close()


@pytest.mark.parametrize("kind", ["broken", "corrupt"])
def test_a_content_damaged_on_the_way_is_fetched_again(
    cloud_objects: CloudObjects, storage: StorageServer, bucket: str, kind: Any
) -> None:
    content = b"0123456789" * 50_000
    cloud_objects.put(f"{bucket}/a", content)
    storage.break_next(Fault(kind, path="alt=media"))

    assert cloud_objects.read(f"{bucket}/a") == content
    assert storage.faults.waiting == 0


def test_a_content_always_damaged_on_the_way_is_unavailable(
    cloud_objects: CloudObjects, storage: StorageServer, bucket: str
) -> None:
    cloud_objects.put(f"{bucket}/a", b"content")
    storage.break_next(Fault("corrupt", times=100, path="alt=media"))

    with pytest.raises(Unavailable, match="damaged"):
        cloud_objects.read(f"{bucket}/a")


def test_a_stream_goes_on_where_it_broke(
    cloud_objects: CloudObjects, storage: StorageServer, bucket: str
) -> None:
    content = b"0123456789" * 2 * MIB
    put = cloud_objects.put(f"{bucket}/a", content)

    with cloud_objects.open_reader(f"{bucket}/a", generation=put.generation) as reader:
        begin = reader.read(MIB)
        storage.break_next(Fault("broken", path="alt=media"))
        end = reader.read()

    assert begin + end == content
    assert storage.faults.waiting == 0


def test_a_stream_read_to_its_end_is_compared(
    cloud_objects: CloudObjects, storage: StorageServer, bucket: str
) -> None:
    put = cloud_objects.put(f"{bucket}/a", bytes(20 * MIB))

    def read() -> None:
        with cloud_objects.open_reader(f"{bucket}/a", generation=put.generation) as reader:
            storage.break_next(Fault("corrupt", path="alt=media"))
            while reader.read(MIB):
                pass

    with pytest.raises(Unavailable, match="damaged"):
        read()


@pytest.mark.parametrize("size", [MIB, 9 * MIB], ids=["multipart", "resumable"])
def test_a_content_damaged_on_the_way_there_is_refused(
    cloud_objects: CloudObjects, storage: StorageServer, bucket: str, size: int
) -> None:
    method = "POST" if size == MIB else "PUT"
    storage.break_next(Fault("damage", method=method, path="^/upload/"))

    with pytest.raises(Unavailable, match="damaged"):
        cloud_objects.put(f"{bucket}/a", b"x" * size)

    assert list(cloud_objects.list(f"{bucket}/")) == []


@pytest.mark.parametrize("size", [7, 9 * MIB], ids=["multipart", "resumable"])
def test_our_own_upload_is_recognised_when_its_answer_was_lost(
    cloud_objects: CloudObjects, storage: StorageServer, bucket: str, size: int
) -> None:
    method = "POST" if size == 7 else "PUT"
    storage.break_next(Fault("lost", method=method, path="^/upload/"))

    put = cloud_objects.put_once(f"{bucket}/a", b"x" * size)

    assert storage.faults.waiting == 0
    assert put == cloud_objects.stat(f"{bucket}/a")


@pytest.mark.parametrize("size", [0, 7, 8 * MIB, 20 * MIB])
def test_our_own_stream_is_recognised_when_its_last_answer_was_lost(
    storage: StorageServer, bucket: str, size: int
) -> None:
    storage.add_bucket(bucket.removeprefix("gs://"))
    client = storage.client()
    impatient = CloudObjects(client, patience_seconds=0.3)

    def write() -> None:
        with impatient.open_writer(f"{bucket}/a", once=True) as writer:
            writer.write(b"x" * size)
            storage.break_next(Fault("lost", method="PUT", path="^/upload/", times=1_000))

    with pytest.raises(Unavailable):
        write()
    storage.faults.clear()
    stands = impatient.stat(f"{bucket}/a")
    with impatient.open_writer(f"{bucket}/a", once=True) as again:
        again.write(b"x" * size)

    assert impatient.stat(f"{bucket}/a") == stands
    assert stands.size_bytes == size
    client.close()


def test_what_went_away_while_it_was_created_is_asked_for_again(
    cloud_objects: CloudObjects, bucket: str
) -> None:
    cloud_objects.put(f"{bucket}/a", b"x" * 9 * MIB)

    def write() -> None:
        with cloud_objects.open_writer(f"{bucket}/a", once=True) as writer:
            writer.write(b"x" * 9 * MIB)
            cloud_objects.delete(f"{bucket}/a")

    with pytest.raises(Unavailable, match="went away while it was created"):
        write()

    assert list(cloud_objects.list(f"{bucket}/")) == []


def test_an_abandoned_upload_is_cancelled(
    cloud_objects: CloudObjects, storage: StorageServer, bucket: str
) -> None:
    before = set(storage.store.uploads)

    with pytest.raises(ValueError, match="aborted"):
        _abandon(cloud_objects, bucket)

    assert set(storage.store.uploads) == before


def test_a_stream_closed_early_leaves_no_thread(cloud_objects: CloudObjects, bucket: str) -> None:
    put = cloud_objects.put(f"{bucket}/a", bytes(40 * MIB))

    with cloud_objects.open_reader(f"{bucket}/a", generation=put.generation) as reader:
        reader.read(17 * MIB)
        during = [thread.name for thread in threading.enumerate()]

    assert any(name.startswith("download") for name in during)
    assert not any(thread.name.startswith("download") for thread in threading.enumerate())


def test_an_upload_nobody_could_cancel_is_not_published(
    cloud_objects: CloudObjects, storage: StorageServer, bucket: str
) -> None:
    storage.break_next(Fault("reset", method="DELETE", times=100))

    with pytest.raises(ValueError, match="aborted"):
        _abandon(cloud_objects, bucket)
    gc.collect()

    assert list(cloud_objects.list(f"{bucket}/")) == []
    assert storage.injected["reset"] > 0


def test_a_content_is_moved_as_it_is_stored(
    cloud_objects: CloudObjects, storage: StorageServer, bucket: str
) -> None:
    packed = gzip.compress(b"a,b\n" * 1_000)
    name = bucket.removeprefix("gs://")
    storage.store.put(name, "a.csv", packed, {"contentEncoding": "gzip"}, {})

    generation = cloud_objects.stat(f"{bucket}/a.csv").generation
    with cloud_objects.open_reader(f"{bucket}/a.csv", generation=generation) as reader:
        assert reader.read() == packed
    assert cloud_objects.read(f"{bucket}/a.csv") == packed


def test_a_folder_made_in_the_console_is_not_an_object(
    cloud_objects: CloudObjects, storage: StorageServer, bucket: str
) -> None:
    storage.store.put(bucket.removeprefix("gs://"), "folder/", b"", {}, {})

    assert list(cloud_objects.list(f"{bucket}/")) == []


@pytest.mark.parametrize("name", ["put", "put_once", "open_writer", "list", "read", "stat"])
def test_a_bucket_that_is_not_there_is_not_found(storage: StorageServer, name: str) -> None:
    client = storage.client()

    with pytest.raises(NotFound, match="gs://no-such-bucket/"):
        CALLS[name](CloudObjects(client), "gs://no-such-bucket")

    client.close()
