"""A child gets what was declared and nothing else, whatever it says and does."""

import socket
import threading
import time
from concurrent.futures import wait
from contextlib import suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from mlsys.adapters.local.objects import FileObjects
from mlsys.domain.errors import InvalidInput
from mlsys.use_cases.confined import pipes
from mlsys.use_cases.confined.pumps import MAX_PUMPS, Pumps, Traffic
from tests.use_cases.confined.children import Child, open_things
from tests.waiting import PATIENCE_SECONDS

NAMES = ("one", "two")
WRITE_AND_KEEP = "write('one', b'1' * 3_000_000); streams.keep(['one']); "
HELD_OPEN = """
other = os.fork()
if other == 0:
    os.setsid()
    time.sleep(30)
    os._exit(0)
while os.getsid(other) != other:
    time.sleep(0.01)
os._exit(0)
"""


@pytest.mark.parametrize(
    "sent",
    [
        b"hello\n",
        b"\xff\xfe\n",
        b'{"open": 2}\n',
        b'{"open": -1}\n',
        b'{"open": "0"}\n',
        b'{"spool": 99999999999999999999}\n',
        b'{"write": "three"}\n',
        b'{"write": "../one"}\n',
        b'{"write": "one"}\n{"write": "one"}\n',
        b'{"drop": "one"}\n',
        b'{"keep": ["one"]}\n',
        b'{"keep": []}\n{"open": 0}\n',
        b'{"progress": {"step": "resting"}}\n',
        b'{"delete": "one"}\n',
        b'{"keep": ' + b"[" * 20_000 + b"\n",
        b"x" * 200_000,
        b'{"open": 0}\n' * (MAX_PUMPS + 1),
    ],
    ids=lambda sent: sent[:24].decode(errors="replace"),
)
def test_a_child_gets_only_what_was_declared(tmp_path: Path, sent: bytes) -> None:
    objects = FileObjects(tmp_path)
    source = objects.put("gs://uploads/a", b"a")
    traffic = Traffic([source], {name: f"gs://artifacts/{name}" for name in NAMES}, objects)
    before = open_things()

    with capture_logs() as logs, Pumps(traffic, tmp_path) as pumps:
        sending = threading.Thread(target=_sent_all, args=(pumps.theirs, sent))
        sending.start()
        with pytest.raises(InvalidInput, match="did not foresee"):
            _attended(pumps)
        sending.join()

    assert [line["event"] for line in logs] == ["child.misbehaved"]
    assert [one.uri for one in objects.list("gs://artifacts/")] == []
    assert open_things() <= before


def test_a_child_that_asks_for_too_much_is_ended(child: Child) -> None:
    with pytest.raises(InvalidInput, match="did not foresee"):
        child.run(WRITE_AND_KEEP + "streams.open(7).__enter__(); hang()")

    assert child.stored() == {}


def test_requests_just_before_the_end_are_judged_too(child: Child) -> None:
    with pytest.raises(InvalidInput, match="did not foresee"):
        child.run(
            "write('one', b'1')\n" """streams._channel.sendall(b'{"keep": ["one", "two"]}\\n')"""
        )

    assert child.stored() == {}


def test_who_does_not_read_the_answers_is_refused(tmp_path: Path) -> None:
    objects = FileObjects(tmp_path)
    put = objects.put("gs://uploads/a", b"")

    with Pumps(Traffic([put], {}, objects), tmp_path) as pumps:
        pumps.theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**20)

        def ask() -> None:
            for _ in range(10_000):
                pumps.theirs.sendall(b'{"open": 0}\n')
                pumps.attend(1)
                wait(pumps._running)  # noqa: SLF001 - or too many run before too much is unread

        with pytest.raises(InvalidInput, match="without reading the answers"):
            ask()


def test_an_output_that_somebody_else_holds_open_does_not_hang_us(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipes, "SILENCE_MS", 200)
    before = open_things()

    with pytest.raises(InvalidInput, match="left its output open"):
        child.run(
            "context = streams.part('one')\n"
            "context.__enter__().write(b'1'); streams.keep(['one'])" + HELD_OPEN
        )

    assert child.stored() == {}
    assert open_things() <= before


def test_an_input_that_somebody_else_holds_open_does_not_hang_us(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipes, "SILENCE_MS", 200)

    moved = child.run("context = streams.open(0); source = context.__enter__()" + HELD_OPEN)

    assert moved.sources == [None, None]
    assert not [one.name for one in threading.enumerate() if one.name.startswith("pump")]


def test_who_leaves_without_reading_the_answers_does_no_harm(child: Child) -> None:
    moved = child.run("""streams._channel.sendall(b'{"open": 0}\\n'); time.sleep(0.3)""")

    assert moved.sources == [None, None]
    assert child.stored() == {}


def _sent_all(channel: socket.socket, content: bytes) -> None:
    with suppress(BrokenPipeError):
        channel.sendall(content)


def _attended(pumps: Pumps) -> None:
    """Attend until it is refused."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        pumps.attend(0.01)
