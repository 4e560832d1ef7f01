"""Whatever becomes of a child, or of what it reads and writes, nothing half done is stored."""

import os
from threading import Event

import pytest

from mlsys.domain.errors import (
    AlreadyExists,
    Busy,
    InvalidInput,
    MlsysError,
    NotFound,
    TooLarge,
    Unavailable,
)
from mlsys.use_cases.confined.pipes import drain, wide_pipe
from tests.use_cases.confined.children import MIB, Breaking, Child, late, open_things

WRITE = "write('one', b'1' * 3_000_000); "
KEEP = "streams.keep(['one']); "
READ = "with streams.open(0) as source:\n    source.read()\n"
DROP = """
try:
    with streams.part('one') as part:
        part.write(b'1')
        raise ValueError
except ValueError:
    pass
"""
DIE_WRITING = """
with streams.part('one') as part:
    part.write(b'1')
    os.kill(os.getpid(), signal.SIGKILL)
"""
ENDLESS = "with streams.part('one') as part:\n    while True:\n        part.write(bytes(2**20))\n"


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (WRITE + "sys.exit(3)", InvalidInput, "exit code 3"),
        (WRITE + KEEP + "sys.exit(3)", InvalidInput, "exit code 3"),
        (WRITE + KEEP + "os.kill(os.getpid(), signal.SIGKILL)", TooLarge, "was killed"),
        (WRITE + KEEP + "bytearray(10**9)", TooLarge, "more than 512 MiB"),
        (WRITE + KEEP + "os.kill(os.getpid(), signal.SIGTERM)", Unavailable, "asked to end"),
        (DIE_WRITING, TooLarge, "was killed"),
    ],
)
def test_a_child_that_dies_leaves_no_part(
    child: Child, code: str, kind: type[MlsysError], said: str
) -> None:
    before = open_things()

    with pytest.raises(kind, match=said):
        child.run(code)

    assert child.stored() == {}
    assert open_things() <= before


@pytest.mark.parametrize(
    "code",
    [
        WRITE,
        WRITE + "streams.keep([])",
        WRITE + "os.close(0); streams._channel.close()",
        DROP,
    ],
)
def test_the_end_of_a_stream_alone_stores_nothing(child: Child, code: str) -> None:
    moved = child.run(code)

    assert moved.parts == {}
    assert child.stored() == {}


def test_who_takes_the_end_of_a_pipe_for_success_stores_a_half(child: Child) -> None:
    reading, writing = wide_pipe()
    os.write(writing, b"half a par")
    os.close(writing)

    with child.objects.open_writer("gs://artifacts/one", once=True) as target:
        drain(reading, target, Event())
    os.close(reading)

    assert child.stored() == {"one": b"half a par"}


@pytest.mark.parametrize("code", [WRITE + KEEP + "hang()", "os.close(0); hang()", ENDLESS])
def test_a_child_that_hangs_is_ended(child: Child, code: str) -> None:
    with pytest.raises(TooLarge, match="longer than 1 second"):
        child.run(code, seconds=1)

    assert child.stored() == {}


@pytest.mark.parametrize("code", [WRITE + KEEP + "hang()", "hang()", ENDLESS])
def test_a_lost_lease_ends_the_child_and_its_parts(child: Child, code: str) -> None:
    before, beats = open_things(), []

    def beat() -> None:
        beats.append("beat")
        if child.waits() or len(beats) > 8:
            raise Busy("another attempt took it over")

    with pytest.raises(Busy):
        child.run(code, on_wait=beat)

    assert child.stored() == {}
    assert open_things() <= before


def test_a_lease_lost_while_parts_are_stored_is_noticed(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = Event()
    slow = Breaking(child.folder.parent, writing=lambda _: released.wait(10))
    monkeypatch.setattr(child, "objects", slow)

    def beat() -> None:
        if (child.folder / "done").exists():
            released.set()
            raise Busy("another attempt took it over")

    with pytest.raises(Busy):
        child.run(
            "write('one', b'1'); streams.keep(['one']); (folder / 'done').touch()", on_wait=beat
        )

    assert child.stored() == {}


def test_the_same_again_succeeds(child: Child) -> None:
    first = child.run(WRITE + KEEP)

    again = child.run(WRITE + KEEP)

    assert again.parts == first.parts
    assert child.stored() == {"one": b"1" * 3_000_000}


def test_another_content_is_not_replaced(child: Child) -> None:
    child.objects.put("gs://artifacts/one", b"first")

    with pytest.raises(AlreadyExists, match="gs://artifacts/one"):
        child.run(WRITE + KEEP)

    assert child.stored() == {"one": b"first"}


@pytest.mark.parametrize(
    ("error", "then"),
    [
        (Unavailable("no answer"), WRITE + KEEP),
        (Unavailable("no answer"), "hang()"),
        (NotFound("it is gone"), WRITE + KEEP),
        (NotFound("it is gone"), "sys.exit(1)"),
    ],
)
def test_a_source_that_breaks_is_told_as_it_is(
    child: Child, monkeypatch: pytest.MonkeyPatch, error: MlsysError, then: str
) -> None:
    breaking = Breaking(child.folder.parent, reading=late(error))
    monkeypatch.setattr(child, "objects", breaking)
    before = open_things()

    with pytest.raises(type(error), match=str(error)):
        child.run(READ + then)

    assert child.stored() == {}
    assert open_things() <= before


@pytest.mark.parametrize("change", ["replace", "delete"])
@pytest.mark.parametrize("after", [0, 2 * MIB])
def test_a_source_replaced_or_deleted_while_it_is_read_is_not_found(
    child: Child, monkeypatch: pytest.MonkeyPatch, change: str, after: int
) -> None:
    def act(count: int) -> None:
        if count == after and change == "replace":
            objects.put("gs://uploads/a", b"c" * 5 * MIB)
        elif count == after:
            objects.delete("gs://uploads/a")

    objects = Breaking(child.folder.parent, reading=act)
    monkeypatch.setattr(child, "objects", objects)

    with pytest.raises(NotFound, match="gs://uploads/a"):
        child.run(READ + WRITE + KEEP)

    assert child.stored() == {}


def test_a_source_that_is_gone_before_it_is_opened_is_not_found(child: Child) -> None:
    def delete() -> None:
        if child.waits():
            child.objects.delete("gs://uploads/b")
            (child.folder / "gone").touch()

    code = (
        "(folder / 'waits').touch()\n"
        "while not (folder / 'gone').exists():\n    time.sleep(0.01)\n"
        "with streams.open(1) as source:\n"
    )

    with pytest.raises(NotFound, match="gs://uploads/b"):
        child.run(code + "    write('one', source.read()); " + KEEP, on_wait=delete)

    assert child.stored() == {}


@pytest.mark.parametrize("code", [WRITE + KEEP, ENDLESS, WRITE + "hang()"])
def test_a_store_that_breaks_is_told_as_it_is(
    child: Child, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    breaking = Breaking(child.folder.parent, writing=late(Unavailable("no answer")))
    monkeypatch.setattr(child, "objects", breaking)
    before = open_things()

    with pytest.raises(Unavailable, match="no answer"):
        child.run(code)

    assert child.stored() == {}
    assert open_things() <= before


def test_what_nobody_foresaw_in_a_pump_is_raised_too(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        child, "objects", Breaking(child.folder.parent, reading=late(ZeroDivisionError("oh")))
    )

    with pytest.raises(ZeroDivisionError):
        child.run(READ)


def test_a_source_too_large_for_a_file_is_refused(child: Child) -> None:
    with pytest.raises(TooLarge, match="want at most 5242879 bytes"):
        child.run("with streams.spool(0):\n    pass", spool_bytes=5 * MIB - 1)


def test_a_progress_that_nobody_wants_ends_the_child(child: Child) -> None:
    def refuse(_: object) -> None:
        raise Busy("taken over")

    with pytest.raises(Busy):
        child.run(
            f"streams.expect({2**30}); streams.count({2**30}); hang()",
            on_progress=refuse,
        )


def test_of_two_parts_the_one_that_was_stored_does_no_harm(child: Child) -> None:
    code = "write('one', b'1'); write('two', b'2'); streams.keep(['one', 'two'])"
    child.objects.put("gs://artifacts/two", b"other")
    with pytest.raises(AlreadyExists):
        child.run(code)

    child.objects.delete("gs://artifacts/two")
    child.run(code)

    assert child.stored() == {"one": b"1", "two": b"2"}
