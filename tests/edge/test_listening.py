"""A connection that answers by itself says what uvicorn would have said, to the byte."""

import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import BaseModel
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from mlsys.edge.asgi import SMALL_BYTES, Receive, Send, Server
from mlsys.edge.http import Call, Content, Route
from mlsys.edge.listening import Connection, configured
from tests.cloud.serving import HOST, serving_as
from tests.edge.handlers import waiting, working
from tests.waiting import PATIENCE_SECONDS, wait_for

PAUSE_SECONDS = 0.02
LONG_SECONDS = 0.3
MUCH, MANY = b"much" * 65536, 100
LAST = b"GET /tell HTTP/1.1\r\nX-Request-ID: last\r\nConnection: close\r\n\r\n"


class Told(BaseModel):
    """What was sent."""

    size_bytes: int


class Counting(Server[None]):
    """Counts what it is asked through ASGI."""

    asked = 0

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        self.asked += 1
        await super().__call__(scope, receive, send)


class Careless(Connection):
    """Answers whatever it is asked by itself, and counts what it hears."""

    heard_bytes = 0

    def data_received(self, data: bytes) -> None:
        Careless.heard_bytes += len(data)
        super().data_received(data)

    def _is_plain(self, _: RequestResponseCycle) -> bool:
        return True

    def _is_whole(self, _: RequestResponseCycle) -> bool:
        return True


def tell(call: Call, _: None) -> Told:
    return Told(size_bytes=len(call.request.body))


def forge(call: Call, _: None) -> Told:
    call.degraded("late\r\nX-Forged: yes")
    return tell(call, None)


def answer_much(_: Call, __: None) -> Content:
    return Content("text/plain", MUCH)


def fail(_: Call, __: None) -> Told:
    raise RuntimeError("nobody foresaw this")


ROUTES = (
    *(Route(method, "/tell", tell) for method in ("GET", "HEAD", "POST")),
    Route("POST", "/look-up", waiting(tell)),
    Route("POST", "/work", working(tell)),
    Route("POST", "/forge", forge),
    Route("POST", "/much", answer_much),
    Route("POST", "/fail", fail),
)


@contextmanager
def listening(http: type[HttpToolsProtocol], server: Server[None] | None = None) -> Iterator[int]:
    """Serve with such connections until the block ends, at the port that is told."""
    config = configured(server or Server(ROUTES, None), host=HOST, port=0)
    config.http, config.timeout_keep_alive = http, 3
    with serving_as(config) as serving:
        yield serving.port


@pytest.fixture(scope="module")
def ours() -> Iterator[int]:
    with listening(Connection) as port:
        yield port


@pytest.fixture(scope="module")
def uvicorns() -> Iterator[int]:
    with listening(HttpToolsProtocol) as port:
        yield port


@pytest.fixture(scope="module")
def careless() -> Iterator[int]:
    with listening(Careless) as port:
        yield port


def post(path: str, body: bytes = b"{}", *more: str) -> bytes:
    lines = (f"POST {path} HTTP/1.1", "X-Request-ID: r-1", *more, f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode() + body


def said(
    port: int,
    *parts: bytes,
    pause: Callable[[int], object] = lambda _: time.sleep(PAUSE_SECONDS),
    is_all: bool = False,
) -> bytes:
    """Return what comes back until the door is closed, but for the time.

    Each part is followed by a pause, which is told how many bytes were sent.
    """
    answers, sent_bytes = b"", 0
    with socket.create_connection((HOST, port), PATIENCE_SECONDS) as connection:
        for part in parts:
            connection.sendall(part)
            if is_all:
                connection.shutdown(socket.SHUT_WR)
            sent_bytes += len(part)
            pause(sent_bytes)
        while heard := connection.recv(65536):
            answers += heard
    return re.sub(rb"date: [^\r]+", b"date: now", answers)


def but_for_the_end(answers: bytes) -> bytes:
    return answers.replace(b"connection: close\r\n", b"")


def cut(text: bytes, size_bytes: int) -> list[bytes]:
    return [text[at : at + size_bytes] for at in range(0, len(text), size_bytes)]


EXPECTING = post("/tell", b"{}", "Expect: 100-continue")
PLAIN = {
    "one": [post("/tell"), LAST],
    "nothing": [b"GET /tell HTTP/1.1\r\nX-Request-ID: r\r\n\r\n", LAST],
    "several": [post("/tell"), post("/tell", b"[]" * 9), post("/tell"), LAST],
    "several without waiting": [post("/tell") + post("/tell", b"") + post("/tell") + LAST],
    "behind one that waits": [post("/tell") + post("/look-up") + post("/tell") + LAST],
    "behind one that works": [post("/work") + post("/tell") + post("/work") + LAST],
    "a large one": [post("/tell", b" " * (SMALL_BYTES + 1)) + post("/tell") + LAST],
    "no such path": [post("/nowhere"), LAST],
    "another method": [post("/tell").replace(b"POST", b"PUT"), LAST],
    "a forged header": [post("/forge")],
    "a failure": [post("/fail")],
    "no HTTP": [b"hello\r\n\r\n"],
}
ENDING = {
    "the last one": [LAST],
    "HTTP/1.0": [post("/tell").replace(b"HTTP/1.1", b"HTTP/1.0")],
}
OTHERS = {
    "no body wanted": [post("/tell").replace(b"POST", b"HEAD") + LAST],
    "in parts": [post("/tell")[:-1], b"}" + LAST],
    "in many parts": [*cut(post("/tell", b"[1]"), 9), LAST],
    "a body that waits to be asked for": [EXPECTING[:-2], EXPECTING[-2:], LAST],
}


@pytest.mark.parametrize("parts", (PLAIN | ENDING | OTHERS).values(), ids=PLAIN | ENDING | OTHERS)
def test_it_says_what_uvicorn_says(parts: list[bytes], ours: int, uvicorns: int) -> None:
    assert said(ours, *parts) == said(uvicorns, *parts)


@pytest.mark.parametrize("parts", ENDING.values(), ids=ENDING)
def test_what_ends_a_connection_needs_uvicorn(
    parts: list[bytes], careless: int, uvicorns: int
) -> None:
    assert said(careless, *parts) != said(uvicorns, *parts)


@pytest.mark.parametrize("parts", OTHERS.values(), ids=OTHERS)
def test_what_is_not_plain_needs_uvicorn(parts: list[bytes], careless: int, uvicorns: int) -> None:
    before = Careless.heard_bytes

    def until_heard(sent_bytes: int) -> None:
        wait_for(lambda: Careless.heard_bytes - before >= sent_bytes)

    answers = said(careless, *parts, pause=until_heard)

    assert answers != but_for_the_end(said(uvicorns, *parts))


def test_a_careless_connection_errs_in_nothing_else(careless: int, uvicorns: int) -> None:
    assert said(careless, *PLAIN["several"]) == but_for_the_end(said(uvicorns, *PLAIN["several"]))


@pytest.mark.parametrize(
    "asked",
    [*PLAIN["one"], *ENDING["HTTP/1.0"], post("/tell", b"{}", "Connection: close")],
    ids=["one", "the last one", "HTTP/1.0", "the last one with a body"],
)
def test_who_will_ask_no_more_is_answered(asked: bytes, ours: int) -> None:
    answers = [said(ours, asked, is_all=True, pause=id) for _ in range(20)]

    assert all(b" 200 OK" in answer for answer in answers)


def test_only_what_cannot_be_answered_at_once_is_asked_through_asgi() -> None:
    server = Counting(ROUTES, None)
    with listening(Connection, server) as port:
        said(port, *[post("/tell")] * 3, post("/nowhere"), LAST)
        plain = server.asked
        said(port, post("/look-up"), post("/work"), post("/tell", b" " * (SMALL_BYTES + 1)), LAST)

    assert (plain, server.asked) == (1, 5)


def test_who_does_not_take_answers_is_waited_for() -> None:
    server = Counting(ROUTES, None)
    with listening(Connection, server) as port:
        answers = said(port, post("/much") * MANY + LAST, pause=lambda _: time.sleep(LONG_SECONDS))

    assert answers.count(MUCH) == MANY
    assert server.asked > 1
