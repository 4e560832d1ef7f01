"""A confined child reads and writes through its parent, and only through it."""

import hashlib
import os
import socket
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest

from mlsys.domain.errors import MlsysError, Unavailable
from mlsys.domain.split_records import Progress
from mlsys.use_cases.confined.streams import TELL_EVERY_BYTES, Streams
from tests.use_cases.confined.children import MIB, Child, open_things

COPY = """
with streams.open(0) as source:
    write("one", source.read())
with streams.open(1) as source, streams.part("two") as part:
    while block := source.read(3):
        part.write(block)
streams.keep(["one", "two"])
"""


PARQUET = """
import polars as pl
from mlsys.use_cases.splitting.part_writers import PartWriters

def deal_out():
    block = pl.DataFrame({"x": range(1_000)})
    with PartWriters(block.schema, names=["one", "two"], open_part=streams.part) as writers:
        with streams.open(0) as source:
            while head := source.read(2**20):
                writers.write("one", block)
                writers.write("two", block.head(len(head) // 2**18))
                if attempt == 0:
                    raise ValueError

"""


def test_what_a_child_keeps_is_stored_and_accounted_for(child: Child) -> None:
    moved = child.run(COPY)

    assert child.stored() == {"one": b"a" * 5 * MIB, "two": b"b" * 10}
    for part, name in zip(moved.sources, ("a", "b"), strict=True):
        assert part is not None
        content = child.objects.read(f"gs://uploads/{name}")
        assert part.model_dump() == {
            "uri": f"gs://uploads/{name}",
            "sha256": hashlib.sha256(content).hexdigest(),
            "size_bytes": len(content),
        }
    for name, file in moved.parts.items():
        content = child.stored()[name]
        assert file.uri == f"gs://artifacts/{name}"
        assert file.sha256 == hashlib.sha256(content).hexdigest()
        assert file.size_bytes == len(content)


def test_only_what_is_named_is_kept(child: Child) -> None:
    moved = child.run('write("one", b"1"); write("two", b"2"); streams.keep(["two"])')

    assert child.stored() == {"two": b"2"}
    assert list(moved.parts) == ["two"]


def test_a_source_read_in_part_has_no_hash(child: Child) -> None:
    moved = child.run("with streams.open(0) as source:\n    source.read(10)")

    assert moved.sources == [None, None]


def test_a_source_can_be_read_again_and_is_counted_again(child: Child) -> None:
    moved = child.run(
        "for _ in range(3):\n"
        "    with streams.open(1) as source:\n"
        "        source.read()\n"
        "write('one', str(streams.bytes_read).encode()); streams.keep(['one'])"
    )

    assert child.stored() == {"one": b"30"}
    assert moved.sources[1] is not None
    assert moved.sources[1].size_bytes == 10


def test_a_child_may_have_a_file_of_its_own_for_a_while(child: Child) -> None:
    moved = child.run(
        "with streams.spool(0) as path:\n"
        "    with path.open('rb') as file:\n"
        "        file.seek(-2, 2)\n"
        "        write('one', file.read() + str(path.parent == folder).encode())\n"
        "write('two', str(path.exists()).encode())\n"
        "streams.keep(['one', 'two'])",
        spool_bytes=5 * MIB,
    )

    assert child.stored() == {"one": b"aaTrue", "two": b"False"}
    assert moved.sources[0] is not None
    assert moved.sources[0].size_bytes == 5 * MIB


def test_a_dropped_part_is_begun_anew(child: Child) -> None:
    moved = child.run(
        "for word in (b'first', b'second', b'third'):\n"
        "    try:\n"
        "        with streams.part('one') as part:\n"
        "            part.write(word)\n"
        "            raise ValueError\n"
        "    except ValueError:\n"
        "        pass\n"
        "write('one', b'fourth'); streams.drop('one')\n"
        "write('one', b'last'); streams.keep(['one'])"
    )

    assert child.stored() == {"one": b"last"}
    assert moved.parts["one"].size_bytes == 4


def test_tables_are_written_into_streams_and_begun_anew(child: Child) -> None:
    child.run(
        PARQUET + "for attempt in range(2):\n"
        "    try:\n"
        "        deal_out()\n"
        "    except ValueError:\n"
        "        pass\n"
        "streams.keep(['one', 'two'])"
    )

    tables = {name: pl.read_parquet(content) for name, content in child.stored().items()}
    assert {name: table.height for name, table in tables.items()} == {"one": 5_000, "two": 20}
    assert tables["two"]["x"].to_list() == [0, 1, 2, 3] * 5


def test_progress_arrives_while_the_child_works(child: Child) -> None:
    told: list[Progress] = []

    child.run(
        f"streams.expect({3 * TELL_EVERY_BYTES})\n"
        f"for _ in range(8):\n"
        f"    streams.count({TELL_EVERY_BYTES // 2})",
        on_progress=told.append,
    )

    assert [one.bytes_read / TELL_EVERY_BYTES for one in told] == [1, 2, 3]
    assert {one.bytes_total for one in told} == {3 * TELL_EVERY_BYTES}


def test_streams_in_any_order_do_not_block_each_other(child: Child) -> None:
    child.run(
        "block = bytes(3 * 2**20)\n"
        "with streams.open(0) as a, streams.part('two') as two, streams.part('one') as one:\n"
        "    one.write(block)\n"
        "    with streams.open(0) as again, streams.open(1) as b:\n"
        "        head = a.read(2 * 2**20)\n"
        "        thread = threading.Thread(target=lambda: two.write(again.read()))\n"
        "        thread.start()\n"
        "        one.write(b.read() + block)\n"
        "        thread.join()\n"
        "    one.write(a.read())\n"
        "streams.keep(['one', 'two'])"
    )

    sizes = {name: len(content) for name, content in child.stored().items()}
    assert sizes == {"one": 9 * MIB + 10, "two": 5 * MIB}


@pytest.mark.parametrize(
    "code",
    [
        COPY,
        "with streams.open(0), streams.part('one'):\n    os._exit(1)",
        "with streams.open(7):\n    pass",
        "with streams.spool(0):\n    pass",
    ],
)
def test_no_thread_and_no_file_is_left_open(child: Child, code: str) -> None:
    child.run("pass")
    before = open_things()

    with suppress(MlsysError):
        child.run(code)

    assert open_things() <= before


def test_a_child_without_a_parent_is_told(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    streams = Streams(["a"], tmp_path, channel=theirs)
    ours.close()

    with pytest.raises(Unavailable, match="is gone"):
        streams.keep(["one"])
    with pytest.raises(Unavailable, match="is gone"), streams.open(0):
        pass

    theirs.close()


def test_a_parent_that_ends_before_its_answer_is_noticed(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    streams = Streams(["a"], tmp_path, channel=theirs)
    ours.shutdown(socket.SHUT_WR)

    with pytest.raises(Unavailable, match="is gone"), streams.part("one"):
        pass

    ours.close()
    theirs.close()


def test_what_goes_wrong_in_a_part_is_said_even_if_the_parent_is_gone(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    streams = Streams(["a"], tmp_path, channel=theirs)
    reading, writing = os.pipe()
    socket.send_fds(ours, [b"\n"], [writing])

    def write() -> None:
        with streams.part("one"):
            ours.close()
            raise ValueError("what went wrong")

    with pytest.raises(ValueError, match="what went wrong"):
        write()

    theirs.close()
    os.close(reading)
    os.close(writing)
