"""The Cloud Storage test server answers the official client as Cloud Storage does."""

import gc
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, IncompleteRead
from typing import Any
from urllib.parse import urlsplit

import pytest
from google.api_core import exceptions as vendor
from google.cloud.storage import Bucket

from tests.cloud.storage import StorageServer, storage_server
from tests.cloud.storage_faults import Fault, Kind
from tests.cloud.storage_store import Resource


@pytest.fixture
def finalized() -> list[Resource]:
    return []


@pytest.fixture
def server(finalized: list[Resource]) -> Iterator[StorageServer]:
    with storage_server("bucket", finalized=finalized.append) as server:
        yield server


@pytest.fixture
def bucket(server: StorageServer) -> Iterator[Any]:
    client = server.client()
    yield client.bucket("bucket")
    client.close()


def test_preconditions_of_all_kinds_are_kept(bucket: Bucket) -> None:
    blob = bucket.blob("a")
    blob.upload_from_string("one", if_generation_match=0)
    first = blob.generation

    for refused in (
        lambda: bucket.blob("a").upload_from_string("two", if_generation_match=0),
        lambda: bucket.blob("a").upload_from_string("two", if_generation_match=first + 1),
        lambda: bucket.blob("a").delete(if_generation_match=first + 1),
        lambda: bucket.blob("a").reload(if_generation_match=first + 1),
        lambda: bucket.blob("a").reload(if_metageneration_match=2),
    ):
        with pytest.raises(vendor.PreconditionFailed):
            refused()
    blob.upload_from_string("two", if_generation_match=first)

    assert blob.generation > first
    with pytest.raises(vendor.NotFound):
        bucket.blob("a", generation=first).reload()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # its remains
def test_a_resumable_upload_keeps_its_precondition_to_the_end(bucket: Bucket) -> None:
    blob = bucket.blob("a")
    writer = blob.open("wb", chunk_size=2**18, if_generation_match=0)
    writer.write(bytes(2**18))
    bucket.blob("a").upload_from_string("came first")

    with pytest.raises(Exception, match="412"):
        writer.close()
    del writer
    gc.collect()

    assert bucket.blob("a").download_as_bytes() == b"came first"


def test_other_metadata_are_another_metageneration_of_the_same_generation(bucket: Bucket) -> None:
    blob = bucket.blob("a")
    blob.upload_from_string("one", content_type="text/csv")
    before = (blob.generation, blob.metageneration)

    blob.metadata = {"key": "value"}
    blob.patch()

    assert (blob.generation, blob.metageneration) == (before[0], before[1] + 1)
    seen = bucket.get_blob("a")
    assert (seen.metadata, seen.content_type) == ({"key": "value"}, "text/csv")


def test_a_delimiter_folds_what_lies_deeper_on_every_page(bucket: Bucket) -> None:
    for name in ("a/1", "a/2", "b", "c/1", "d"):
        bucket.blob(name).upload_from_string("")

    listed = bucket.client.list_blobs("bucket", delimiter="/", page_size=2)
    names = [blob.name for blob in listed]

    assert (names, listed.prefixes) == (["b", "d"], {"a/", "c/"})


def test_ranges_are_kept(bucket: Bucket) -> None:
    blob = bucket.blob("a")
    blob.upload_from_string(b"0123456789")

    assert blob.download_as_bytes(start=2, end=4) == b"234"
    assert blob.download_as_bytes(start=8, end=100) == b"89"
    with pytest.raises(vendor.RequestRangeNotSatisfiable):
        blob.download_as_bytes(start=10)


def test_objects_are_composed_and_rewritten(bucket: Bucket) -> None:
    for name in ("a", "b"):
        bucket.blob(name).upload_from_string(name)

    composed = bucket.blob("folder/ab")
    composed.compose([bucket.blob("a"), bucket.blob("b")])
    copied = bucket.copy_blob(composed, bucket, "copy of/ab")
    rewritten = bucket.blob("rewritten")
    rewritten.rewrite(composed)

    assert copied.download_as_bytes() == rewritten.download_as_bytes() == b"ab"


def test_each_finalized_object_is_told_once(
    bucket: Bucket, server: StorageServer, finalized: list[Resource]
) -> None:
    blob = bucket.blob("a/b")
    blob.upload_from_string(b"content")
    blob.patch()
    blob.delete()

    server.store.close()

    [event] = finalized
    assert (event["bucket"], event["name"], event["size"]) == ("bucket", "a/b", "7")
    assert event["generation"] == str(blob.generation)


def test_what_the_hook_raises_is_not_lost() -> None:
    def refuse(event: Resource) -> None:
        raise ValueError(f"refused {event['name']}")

    def upload() -> None:
        with storage_server("bucket", finalized=refuse) as server:
            client = server.client()
            client.bucket("bucket").blob("a").upload_from_string("")
            client.close()

    with pytest.raises(ValueError, match="refused a"):
        upload()


@pytest.mark.parametrize(
    ("kind", "raised"), [("reset", ConnectionError), ("broken", IncompleteRead)]
)
def test_a_connection_dies_where_it_should(
    server: StorageServer, bucket: Bucket, kind: Kind, raised: type[Exception]
) -> None:
    bucket.blob("a").upload_from_string("content")
    server.break_next(Fault(kind, path="alt=media"))  # the client asks for the bucket, in a thread

    with pytest.raises(raised):
        _read(server, "/storage/v1/b/bucket/o/a?alt=media")


def test_a_bucket_comes_and_goes_only_empty(bucket: Bucket) -> None:
    client = bucket.client
    made = client.create_bucket("other")
    made.blob("a").upload_from_string("")

    with pytest.raises(vendor.Conflict):
        client.create_bucket("other")
    with pytest.raises(vendor.Conflict):
        made.delete()
    made.blob("a").delete()
    made.delete()

    assert [one.name for one in client.list_buckets()] == ["bucket"]
    with pytest.raises(vendor.NotFound):
        client.get_bucket("other")


def _read(server: StorageServer, target: str) -> bytes:
    with closing(HTTPConnection(urlsplit(server.url).netloc, timeout=30)) as connection:
        connection.request("GET", target)
        return connection.getresponse().read()
