"""What every `Objects` promises."""

import gc
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from threading import Barrier, Event
from typing import Any

import polars as pl
import pytest

from mlsys.domain.errors import AlreadyExists, Corrupt, InvalidInput, NotFound
from mlsys.ports import ObjectInfo, Objects

MIB = 2**20
RACERS = 8
NO_ADDRESSES = [
    "",
    "bucket/name",
    "http://bucket/name",
    "file:///etc/passwd",
    "gs://bucket",
    "gs://bucket/",
    "gs:///name",
    "gs://bucket/../name",
    "gs://bucket/a/./b",
    "gs://bucket/a//b",
    "gs://bucket/a/",
    "gs://bucket/*.csv",
    "gs://bucket/a%2Fb",
    "gs://bucket/a\\b",
    "gs://bucket/a\nb",
    "gs://bucket/a\0b",
    "gs://UP/name",
    "gs://bucket/" + "n" * 1025,
]
NAMES = [
    "plain.csv",
    "a b+c&d=e#f.csv",
    "größe/ação/データ.csv",
    "emoji-🐘",
    ".hidden",
    "a:b@c,d;e",
]


def test_what_was_put_is_read_back(objects: Objects, bucket: str) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)

    put = objects.put(f"{bucket}/a/b.bin", b"\x00\r\n\xff")

    assert objects.read(f"{bucket}/a/b.bin") == b"\x00\r\n\xff"
    assert objects.stat(f"{bucket}/a/b.bin") == put
    assert (put.uri, put.size_bytes) == (f"{bucket}/a/b.bin", 4)
    assert before < put.updated_at < datetime.now(UTC) + timedelta(seconds=1)


def test_each_new_content_has_a_generation_of_its_own(objects: Objects, bucket: str) -> None:
    uri = f"{bucket}/a"
    generations = [objects.put(uri, b"one").generation, objects.put(uri, b"two").generation]
    with objects.open_writer(uri) as writer:
        writer.write(b"six")
    generations.append(objects.stat(uri).generation)
    objects.delete(uri)

    generations.append(objects.put_once(uri, b"ten").generation)

    assert len(set(generations)) == 4


def test_put_replaces_what_stood_there(objects: Objects, bucket: str) -> None:
    objects.put(f"{bucket}/a", b"long content")

    objects.put(f"{bucket}/a", b"short")

    assert objects.read(f"{bucket}/a") == b"short"


def test_put_once_keeps_what_stands_there(objects: Objects, bucket: str) -> None:
    first = objects.put_once(f"{bucket}/a", b"first")

    with pytest.raises(AlreadyExists, match="other content"):
        objects.put_once(f"{bucket}/a", b"other")

    assert objects.read(f"{bucket}/a") == b"first"
    assert objects.stat(f"{bucket}/a") == first


def test_a_repeated_put_once_succeeds(objects: Objects, bucket: str) -> None:
    first = objects.put_once(f"{bucket}/a", b"content")

    again = objects.put_once(f"{bucket}/a", b"content")

    assert again == first


def test_a_large_put_once_is_exclusive_too(objects: Objects, bucket: str) -> None:
    content = bytes(9 * MIB)
    first = objects.put_once(f"{bucket}/a", content)

    with pytest.raises(AlreadyExists):
        objects.put_once(f"{bucket}/a", content + b"x")

    assert objects.put_once(f"{bucket}/a", content) == first


def test_of_racing_put_once_calls_exactly_one_wins(objects: Objects, bucket: str) -> None:
    winners = _race(objects.put_once, f"{bucket}/a")

    assert len(winners) == 1
    assert objects.read(f"{bucket}/a") == winners[0]


@pytest.mark.parametrize("times", [1, 1_300_000], ids=["short", "long"])
def test_of_racing_writers_once_exactly_one_content_wins(
    objects: Objects, bucket: str, times: int
) -> None:
    def write_once(uri: str, content: bytes) -> None:
        with objects.open_writer(uri, once=True) as writer:
            writer.write(content * times)

    winners = _race(write_once, f"{bucket}/a")

    assert len(winners) == 1
    assert objects.read(f"{bucket}/a") == winners[0] * times


def test_the_race_catches_a_writer_that_replaces(objects: Objects, bucket: str) -> None:
    everybody_wrote = Barrier(RACERS)

    def careless_write_once(uri: str, content: bytes) -> None:
        with objects.open_writer(uri) as writer:
            writer.write(content)
            everybody_wrote.wait()

    winners = _race(careless_write_once, f"{bucket}/a")

    assert len(winners) > 1


def test_the_race_catches_who_looks_before_writing(objects: Objects, bucket: str) -> None:
    everybody_looked = Barrier(RACERS)

    def careless_put_once(uri: str, content: bytes) -> ObjectInfo:
        with pytest.raises(NotFound):
            objects.stat(uri)
        everybody_looked.wait()
        return objects.put(uri, content)

    winners = _race(careless_put_once, f"{bucket}/a")

    assert len(winners) > 1


def test_racing_put_once_calls_with_one_content_all_succeed(objects: Objects, bucket: str) -> None:
    with ThreadPoolExecutor(RACERS) as pool:
        done = list(pool.map(lambda _: objects.put_once(f"{bucket}/a", b"same"), range(RACERS)))

    assert {one.generation for one in done} == {objects.stat(f"{bucket}/a").generation}


def test_a_reader_among_writers_sees_whole_contents(objects: Objects, bucket: str) -> None:
    contents = [letter * size for letter, size in ((b"a", 300_000), (b"b", 200_000))]
    objects.put(f"{bucket}/a", contents[0])
    done = Event()

    def write() -> None:
        for content in contents * 10:
            objects.put(f"{bucket}/a", content)
        done.set()

    seen = set()
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        while not done.is_set() and not writing.done():
            seen.add(objects.read(f"{bucket}/a"))
        writing.result()

    assert seen <= set(contents)


def test_a_content_is_compared_with_its_sha256(objects: Objects, bucket: str) -> None:
    objects.put(f"{bucket}/a", b"content")
    right, wrong = (hashlib.sha256(one).hexdigest() for one in (b"content", b"other"))

    assert objects.read(f"{bucket}/a", sha256=right) == b"content"
    with pytest.raises(Corrupt, match=f"want sha256 {wrong}, got {right}"):
        objects.read(f"{bucket}/a", sha256=wrong)


def test_what_is_not_there_is_not_found(objects: Objects, bucket: str) -> None:
    objects.put(f"{bucket}/folder/a", b"")

    for missing in (f"{bucket}/b", f"{bucket}/folder", f"{bucket}/folder/a/b"):
        with pytest.raises(NotFound, match=missing):
            objects.stat(missing)
        with pytest.raises(NotFound, match=missing):
            objects.read(missing)
        with pytest.raises(NotFound, match=missing), objects.open_reader(missing, generation="1"):
            pass


def test_deleting_twice_does_no_harm(objects: Objects, bucket: str) -> None:
    objects.put(f"{bucket}/folder/a", b"")

    objects.delete(f"{bucket}/folder")
    objects.delete(f"{bucket}/folder/a")
    objects.delete(f"{bucket}/folder/a")

    assert list(objects.list(f"{bucket}/")) == []


def test_a_name_is_free_again_when_what_lay_below_is_gone(objects: Objects, bucket: str) -> None:
    objects.put(f"{bucket}/a/b/c", b"")
    objects.delete(f"{bucket}/a/b/c")

    objects.put(f"{bucket}/a", b"content")

    assert objects.read(f"{bucket}/a") == b"content"


@pytest.mark.parametrize("uri", NO_ADDRESSES)
def test_what_is_no_address_is_refused_everywhere(objects: Objects, uri: str) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: objects.stat(uri),
        lambda: objects.read(uri),
        lambda: objects.put(uri, b""),
        lambda: objects.put_once(uri, b""),
        lambda: ExitStack().enter_context(objects.open_reader(uri, generation="1")),
        lambda: ExitStack().enter_context(objects.open_writer(uri)),
        lambda: ExitStack().enter_context(objects.open_writer(uri, once=True)),
        lambda: objects.delete(uri),
        lambda: objects.table_source(uri),
    ]

    for call in calls:
        with pytest.raises(InvalidInput):
            call()


@pytest.mark.parametrize(
    "prefix", ["gs://bucket", "gs://bucket/a", "gs:///", "http://b/", "gs://bucket/../"]
)
def test_what_is_no_folder_is_not_listed(objects: Objects, prefix: str) -> None:
    with pytest.raises(InvalidInput):
        objects.list(prefix)


@pytest.mark.parametrize("name", NAMES)
def test_any_other_name_is_fine(objects: Objects, bucket: str, name: str) -> None:
    objects.put(f"{bucket}/{name}", b"content")

    assert objects.read(f"{bucket}/{name}") == b"content"
    assert [one.uri for one in objects.list(f"{bucket}/")] == [f"{bucket}/{name}"]
    objects.delete(f"{bucket}/{name}")
    assert list(objects.list(f"{bucket}/")) == []


def test_an_empty_content_is_a_content(objects: Objects, bucket: str) -> None:
    put = objects.put_once(f"{bucket}/a", b"")
    with objects.open_writer(f"{bucket}/b"):
        pass

    assert put.size_bytes == objects.stat(f"{bucket}/b").size_bytes == 0
    assert objects.read(f"{bucket}/a") == objects.read(f"{bucket}/b") == b""
    with objects.open_reader(f"{bucket}/a", generation=put.generation) as reader:
        assert reader.read(1) == b""
        assert reader.read() == b""


def test_a_long_content_streams_in_and_out(objects: Objects, bucket: str) -> None:
    parts = [bytes([number]) * (MIB + number) for number in range(20)]

    with objects.open_writer(f"{bucket}/a") as writer:
        for part in parts:
            writer.write(part)
        with pytest.raises(NotFound):
            objects.stat(f"{bucket}/a")

    info = objects.stat(f"{bucket}/a")
    with objects.open_reader(f"{bucket}/a", generation=info.generation) as reader:
        assert [reader.read(len(part)) for part in parts] == parts
        assert reader.read(1) == b""
    assert objects.read(f"{bucket}/a") == b"".join(parts)


def test_a_reader_may_leave_and_jump_at_any_time(objects: Objects, bucket: str) -> None:
    content = b"".join(bytes([number]) * MIB for number in range(40))
    put = objects.put(f"{bucket}/a", content)

    with objects.open_reader(f"{bucket}/a", generation=put.generation) as reader:
        begin = reader.read(18 * MIB)
        reader.seek(3 * MIB)
        back = reader.read(20 * MIB)
        reader.seek(-MIB, 2)
        last = reader.read()

    assert begin == content[: 18 * MIB]
    assert back == content[3 * MIB : 23 * MIB]
    assert last == content[-MIB:]


def test_a_reader_can_seek(objects: Objects, bucket: str) -> None:
    put = objects.put(f"{bucket}/a", b"one\ntwo\nthree")

    with objects.open_reader(f"{bucket}/a", generation=put.generation) as reader:
        lines = reader.readlines()
        reader.seek(4)
        middle = reader.read(3)
        reader.seek(-5, 2)
        end = reader.read()

    assert lines == [b"one\n", b"two\n", b"three"]
    assert (middle, end) == (b"two", b"three")


@pytest.mark.parametrize("written", [b"a few bytes", bytes(9 * MIB)])
@pytest.mark.parametrize("reason", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("once", [False, True])
def test_a_writer_that_fails_leaves_nothing(
    objects: Objects, bucket: str, written: bytes, reason: type[BaseException], *, once: bool
) -> None:
    objects.put(f"{bucket}/old", b"old")

    def write(name: str) -> None:
        with objects.open_writer(f"{bucket}/{name}", once=once) as writer:
            writer.write(written)
            raise reason

    for name in ("old", "new"):
        with pytest.raises(reason):
            write(name)
    gc.collect()

    assert [one.uri for one in objects.list(f"{bucket}/")] == [f"{bucket}/old"]
    assert objects.read(f"{bucket}/old") == b"old"


def test_only_the_end_of_the_block_publishes(objects: Objects, bucket: str) -> None:
    with objects.open_writer(f"{bucket}/a") as writer:
        writer.write(b"content")
        writer.close()
        early = list(objects.list(f"{bucket}/"))

    assert early == []
    assert objects.read(f"{bucket}/a") == b"content"


def test_a_writer_once_keeps_what_stands_there(objects: Objects, bucket: str) -> None:
    first = objects.put(f"{bucket}/a", b"first")

    def write(content: bytes) -> None:
        with objects.open_writer(f"{bucket}/a", once=True) as writer:
            writer.write(content)

    for other in (b"other", b"another", b"", b"x" * 9 * MIB):
        with pytest.raises(AlreadyExists, match="other content"):
            write(other)

    assert objects.stat(f"{bucket}/a") == first
    assert objects.read(f"{bucket}/a") == b"first"


@pytest.mark.parametrize("size", [0, 1, 8, 9, 20], ids=lambda size: f"{size}-MiB")
def test_a_repeated_writer_once_succeeds(objects: Objects, bucket: str, size: int) -> None:
    parts = [bytes([number]) * MIB for number in range(size)]

    def write() -> ObjectInfo:
        with objects.open_writer(f"{bucket}/a", once=True) as writer:
            for part in parts:
                assert writer.write(part) == MIB
        return objects.stat(f"{bucket}/a")

    first, again = write(), write()

    assert again == first
    assert objects.read(f"{bucket}/a") == b"".join(parts)


def test_a_content_put_while_a_writer_once_writes_stays(objects: Objects, bucket: str) -> None:
    def write(name: str, between: bytes) -> None:
        with objects.open_writer(f"{bucket}/{name}", once=True) as writer:
            writer.write(b"a" * 9 * MIB)
            objects.put(f"{bucket}/{name}", between)
            writer.write(b"b" * 9 * MIB)

    write("same", b"a" * 9 * MIB + b"b" * 9 * MIB)
    with pytest.raises(AlreadyExists):
        write("other", b"in between")

    assert objects.read(f"{bucket}/other") == b"in between"
    assert objects.stat(f"{bucket}/same").size_bytes == 18 * MIB


def test_another_generation_is_not_found(objects: Objects, bucket: str) -> None:
    old = objects.put(f"{bucket}/a", b"old")
    objects.put(f"{bucket}/a", b"new")

    for generation in (old.generation, "no generation", ""):
        with (
            pytest.raises(NotFound, match="replaced"),
            objects.open_reader(f"{bucket}/a", generation=generation),
        ):
            pass


def test_a_content_replaced_while_it_is_read_is_not_found(objects: Objects, bucket: str) -> None:
    old = objects.put(f"{bucket}/a", b"a" * 20 * MIB)

    def read() -> None:
        with objects.open_reader(f"{bucket}/a", generation=old.generation) as reader:
            assert reader.read(100) == b"a" * 100
            objects.put(f"{bucket}/a", b"b" * 20 * MIB)
            assert b"b" not in reader.read()

    with pytest.raises(NotFound, match="replaced"):
        read()


def test_a_list_is_in_the_order_of_names(objects: Objects, bucket: str) -> None:
    names = ["A", "a-b", "a/b", "a/b0", "a/c/d", "a0", "ab", "Z/z", "é", "\U0001f418", "\uffee"]
    for name in names:
        objects.put(f"{bucket}/{name}", name.encode())

    listed = list(objects.list(f"{bucket}/"))
    below = list(objects.list(f"{bucket}/a/"))

    assert [one.uri for one in listed] == sorted(
        (f"{bucket}/{name}" for name in names), key=str.encode
    )
    assert [one.uri for one in below] == [f"{bucket}/a/{name}" for name in ("b", "b0", "c/d")]
    assert listed[0] == objects.stat(listed[0].uri)


def test_a_folder_that_is_not_there_holds_nothing(objects: Objects, bucket: str) -> None:
    objects.put(f"{bucket}/a", b"")

    assert list(objects.list(f"{bucket}/a/")) == []
    assert list(objects.list(f"{bucket}/b/")) == []


def test_a_long_list_is_whole(objects: Objects, bucket: str) -> None:
    names = [f"{bucket}/many/{number:04d}" for number in range(1_005)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: objects.put(name, b""), names))

    listed = [one.uri for one in objects.list(f"{bucket}/many/")]

    assert listed == names


@pytest.mark.parametrize("name", ["table.parquet", "a folder/tä#ble 1.parquet"])
def test_polars_sinks_and_scans(objects: Objects, bucket: str, name: str) -> None:
    table = pl.DataFrame({"x": range(10_000), "y": [f"row {x}" for x in range(10_000)]})
    place = objects.table_source(f"{bucket}/{name}")

    options = dict(place.storage_options)
    table.lazy().sink_parquet(place.path, storage_options=options, mkdir=True)
    scanned = pl.scan_parquet(place.path, storage_options=options, glob=False)

    assert scanned.filter(pl.col("x") == 7).collect().rows() == [(7, "row 7")]
    info = objects.stat(f"{bucket}/{name}")
    with objects.open_reader(f"{bucket}/{name}", generation=info.generation) as reader:
        assert pl.read_parquet(reader).equals(table)


def _race(put_once: Callable[[str, bytes], object], uri: str) -> list[bytes]:
    """Let everybody put another content there at once; return what was told to have succeeded."""
    ready = Barrier(RACERS)

    def put(content: bytes) -> bytes | None:
        ready.wait()
        try:
            put_once(uri, content)
        except AlreadyExists:
            return None
        return content

    with ThreadPoolExecutor(RACERS) as pool:
        put_by = pool.map(put, [f"racer {number}".encode() for number in range(RACERS)])
    return [content for content in put_by if content is not None]
