"""A function that serves itself and is asked too much, or told to stop.

Beside each promise stands a server that breaks it, or an end that does.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from mlsys.edge.asgi import MAX_LINE, MEDIUM_BYTES, WAITING_AT_ONCE
from tests.ports import free_port

SOURCE = Path(__file__).parent / "held_function.py"
ROOT = SOURCE.parents[2]
LARGE = b" " * (MEDIUM_BYTES + 1)
PATIENCE_SECONDS = 120
IMPATIENCE_SECONDS = 3


@dataclass(frozen=True)
class Held:
    """A server whose answers to `/hold` wait until they are let go."""

    process: subprocess.Popen[bytes]
    url: str
    folder: Path

    def alive(self, timeout: float = PATIENCE_SECONDS) -> int:
        """Ask for what takes no time."""
        return httpx.get(f"{self.url}/alive", timeout=timeout).status_code

    def hold(self, path: str = "/hold") -> httpx.Response:
        """Ask for what must be let go."""
        return httpx.post(f"{self.url}{path}", content=LARGE, timeout=PATIENCE_SECONDS)

    def let_go(self) -> None:
        """Let all be answered that wait, and all that come."""
        (self.folder / "open").touch()

    def wait_until_held(self, requests: int = 1) -> None:
        """Wait until handlers have so many requests."""
        wait_for(lambda: len([*self.folder.glob("waits-*")]) == requests)


@contextmanager
def serving(folder: Path, kind: str = "whole") -> Iterator[Held]:
    """Start a server, and end it."""
    port = free_port()
    told = {"HELD_FOLDER": str(folder), "HELD_SERVER": kind, "HELD_PORT": str(port)}
    environment = os.environ | told | {"PYTHONPATH": str(ROOT / "shared")}
    command = [sys.executable, str(SOURCE)]
    with subprocess.Popen(command, env=environment, start_new_session=True) as process:
        held = Held(process, f"http://127.0.0.1:{port}", folder)
        try:
            wait_for(lambda: process.poll() is not None or accepts(held))
            yield held
        finally:
            held.let_go()
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def accepts(held: Held) -> bool:
    try:
        held.alive()
    except httpx.TransportError:
        return False
    return True


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads enough for a crowd."""
    with ThreadPoolExecutor(MAX_LINE + 8) as pool:
        yield pool


def test_who_comes_too_many_is_refused_and_the_others_are_answered(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    with serving(tmp_path) as held:
        asked = [pool.submit(held.hold) for _ in range(MAX_LINE + 8)]
        wait_for(lambda: sum(one.done() for one in asked) == 8)
        refused = [one.result() for one in asked if one.done()]
        alive = held.alive()
        held.let_go()
        answered = [one.result() for one in asked]

    assert {one.status_code for one in refused} == {429}
    assert {one.headers["Retry-After"] for one in refused} == {"1"}
    assert alive == 200
    assert sorted(one.status_code for one in answered) == [200] * MAX_LINE + [429] * 8


def test_a_line_without_an_end_refuses_nobody(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    with serving(tmp_path, "endless") as held:
        asked = [pool.submit(held.hold) for _ in range(MAX_LINE + 8)]
        held.wait_until_held()
        held.let_go()
        answered = [one.result() for one in asked]

    assert {one.status_code for one in answered} == {200}


def test_a_server_that_works_on_its_loop_says_meanwhile_nothing(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    with serving(tmp_path, "looped") as held:
        asked = pool.submit(held.hold)
        held.wait_until_held()
        with pytest.raises(httpx.ReadTimeout):
            held.alive(timeout=IMPATIENCE_SECONDS)
        held.let_go()

        assert asked.result().status_code == 200


def test_what_nobody_foresaw_is_a_500_in_the_log_and_the_server_goes_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving(tmp_path) as held:
        failed = httpx.get(f"{held.url}/fail")
        alive = held.alive()

    assert failed.status_code == 500
    assert "foresaw" not in failed.text
    assert "ZeroDivisionError: nobody foresaw this" in capfd.readouterr().err
    assert alive == 200


def test_a_server_that_is_told_to_stop_takes_no_more_and_ends_what_it_began(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    with serving(tmp_path) as held:
        asked = [pool.submit(held.hold, "/look-up") for _ in range(WAITING_AT_ONCE)]
        held.wait_until_held(WAITING_AT_ONCE)
        held.process.send_signal(signal.SIGTERM)
        wait_for(lambda: not accepts(held))
        running = held.process.poll()
        held.let_go()
        answered = [one.result() for one in asked]
        ended = held.process.wait(PATIENCE_SECONDS)

    assert running is None
    assert [one.status_code for one in answered] == [200] * WAITING_AT_ONCE
    assert ended == 0


def test_a_server_that_is_told_to_stop_waits_for_no_half_of_a_request(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    with serving(tmp_path) as held, half_a_request(held):
        asked = pool.submit(held.hold)
        held.wait_until_held()
        held.process.send_signal(signal.SIGTERM)
        wait_for(lambda: not accepts(held))
        held.let_go()
        answered = asked.result()
        ended = held.process.wait(PATIENCE_SECONDS)

    assert answered.status_code == 200
    assert ended == 0


@contextmanager
def half_a_request(held: Held) -> Iterator[None]:
    """Send a request but for its end, and stay."""
    with socket.create_connection(("127.0.0.1", httpx.URL(held.url).port or 0)) as connection:
        told = f"POST /hold HTTP/1.1\r\nHost: held\r\nContent-Length: {len(LARGE)}\r\n\r\n"
        connection.sendall(told.encode() + LARGE[: MEDIUM_BYTES // 2])
        yield


def test_a_server_that_is_killed_leaves_what_it_began(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    with serving(tmp_path) as held:
        asked = pool.submit(held.hold)
        held.wait_until_held()
        os.killpg(held.process.pid, signal.SIGKILL)

        with pytest.raises(httpx.TransportError):
            asked.result()
