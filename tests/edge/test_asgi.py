"""What is small is answered on the loop, the rest in lines; who finds one full is refused."""

import asyncio
import io
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from pydantic import BaseModel
from structlog.testing import capture_logs

from mlsys import logs
from mlsys.edge.asgi import MAX_LINE, MAX_LINE_BYTES, MEDIUM_BYTES, SMALL_BYTES, Message, Server
from mlsys.edge.http import Call, Route
from mlsys.edge.parsing import MAX_BODY_BYTES
from tests.edge.asgi_client import answered
from tests.edge.handlers import waiting, working

MEDIUM = b" " * (SMALL_BYTES + 1)
LARGE = b" " * (MEDIUM_BYTES + 1)
PATIENCE_SECONDS = 60.0


class Told(BaseModel):
    """Who answered, and what was sent."""

    thread: str
    size_bytes: int
    query: dict[str, str]


class Counting(io.StringIO):
    """Counts what is written to it."""

    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


class Gate:
    """Where handlers stop until it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.entered = threading.Semaphore(0)

    def pass_through(self) -> None:
        """Say that somebody is here, and wait."""
        self.entered.release()
        assert self.opened.wait(PATIENCE_SECONDS)


def tell(call: Call, _: Gate) -> Told:
    name = threading.current_thread().name
    return Told(thread=name, size_bytes=len(call.request.body), query=dict(call.request.query))


def hold(call: Call, gate: Gate) -> Told:
    gate.pass_through()
    return tell(call, gate)


def shape(status: HTTPStatus, message: str) -> Told:
    return Told(thread=message, size_bytes=int(status), query={})


ROUTES = (
    Route("POST", "/tell", tell),
    Route("POST", "/look-up", waiting(tell)),
    Route("POST", "/work", working(tell)),
    Route("POST", "/look-up-and-work", waiting(working(tell))),
    Route("POST", "/work-and-look-up", working(waiting(tell))),
    Route("POST", "/hold", hold),
    Route("POST", "/hold-shaped", hold, error=shape),
    Route("POST", "/look-up-and-hold", waiting(hold)),
    Route("GET", "/alive", tell),
)

Ask = Callable[..., Coroutine[Any, Any, httpx.Response]]


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def ask(gate: Gate) -> Ask:
    """Ask a server of this test's."""
    return partial(answered, Server(ROUTES, gate))


def body_of(answered: httpx.Response) -> Any:
    return answered.json()


def test_what_is_not_large_is_answered_on_the_loop_and_what_is_large_is_not(ask: Ask) -> None:
    async def threads() -> list[str]:
        bodies = (b"", MEDIUM, LARGE)
        return [body_of(await ask("POST", "/tell", body))["thread"] for body in bodies]

    small, medium, large = asyncio.run(threads())

    assert small == medium == threading.current_thread().name
    assert large != small


def test_a_small_body_need_not_wait_for_those_whose_turn_comes(ask: Ask) -> None:
    async def order() -> list[int]:
        answered = list[int]()

        async def note(body: bytes) -> None:
            answered.append(body_of(await ask("POST", "/tell", body))["size_bytes"])

        await asyncio.gather(note(MEDIUM), note(MEDIUM), note(b""))
        return answered

    assert asyncio.run(order()) == [0, len(MEDIUM), len(MEDIUM)]


def test_the_line_of_those_whose_turn_comes_has_an_end(ask: Ask) -> None:
    async def statuses() -> list[int]:
        crowd = await asyncio.gather(*(ask("POST", "/tell", MEDIUM) for _ in range(MAX_LINE + 1)))
        return [one.status_code for one in [*crowd, await ask("POST", "/tell", MEDIUM)]]

    assert asyncio.run(statuses()) == [*[200] * MAX_LINE, 429, 200]


def test_long_work_of_a_small_body_is_done_where_large_bodies_are(ask: Ask) -> None:
    async def threads() -> list[str]:
        asked = (("/work", b""), ("/work", MEDIUM), ("/tell", LARGE), ("/work", LARGE))
        return [body_of(await ask("POST", path, body))["thread"] for path, body in asked]

    small, *large = asyncio.run(threads())

    assert small != threading.current_thread().name
    assert large == [small] * 3


@pytest.mark.parametrize("path", ["/look-up", "/look-up-and-work", "/work-and-look-up"])
@pytest.mark.parametrize("body", [b"", MEDIUM, LARGE])
def test_what_must_wait_is_answered_by_another_thread(ask: Ask, path: str, body: bytes) -> None:
    async def threads() -> list[str]:
        asked = (("/work", b""), (path, body))
        return [body_of(await ask("POST", one, sent))["thread"] for one, sent in asked]

    working, waiting = asyncio.run(threads())

    assert waiting not in {working, threading.current_thread().name}


def test_a_body_in_parts_is_put_together_and_read_no_further_than_needed(ask: Ask) -> None:
    half = b" " * (MAX_BODY_BYTES // 2 + 1)

    whole = asyncio.run(ask("POST", "/tell", b"ab", b"", b"c"))
    cut = asyncio.run(ask("POST", "/tell", half, half, half))

    assert body_of(whole)["size_bytes"] == 3
    assert body_of(cut)["size_bytes"] == MAX_BODY_BYTES + 1


def test_who_has_gone_is_not_answered(gate: Gate) -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        pytest.fail(f"{message} was sent")

    scope = {"method": "POST", "path": "/tell", "headers": [], "query_string": b""}

    with capture_logs() as lines:
        asyncio.run(Server(ROUTES, gate)(scope, receive, send))

    assert lines == []


def test_a_query_is_read_as_it_was_meant(ask: Ask) -> None:
    answered = asyncio.run(ask("GET", "/alive", query=b"a=1%202&b=&a=3"))

    assert body_of(answered)["query"] == {"a": "3", "b": ""}


def test_what_is_answered_at_once_has_its_own_lines_in_the_log(ask: Ask) -> None:
    async def ask_twice() -> None:
        traced = ask("GET", "/alive", x_request_id="mine-1", traceparent="00-1-2-01")
        await asyncio.gather(traced, ask("POST", "/tell", x_request_id="mine-2"))
        await asyncio.sleep(0)

    with capture_logs() as lines:
        asyncio.run(ask_twice())

    assert [line["event"] for line in lines] == ["request.answered"] * 2
    assert [(line["request_id"], line["path"]) for line in lines] == [
        ("mine-1", "/alive"),
        ("mine-2", "/tell"),
    ]
    assert [line.get("traceparent") for line in lines] == ["00-1-2-01", None]


@pytest.mark.parametrize(("level", "written"), [("info", 3), ("warning", 0)])
def test_lines_of_one_turn_are_written_at_once_if_they_are_wanted(
    ask: Ask, level: str, written: int
) -> None:
    async def ask_thrice() -> None:
        await asyncio.gather(*(ask("GET", "/alive") for _ in range(3)))
        await asyncio.sleep(0)

    output = Counting()
    logs.configure(level, to=output)
    asyncio.run(ask_thrice())

    assert output.getvalue().count("\n") == written
    assert output.writes == min(written, 1)


@pytest.mark.parametrize(("path", "body"), [("/hold", LARGE), ("/look-up-and-hold", b"")])
def test_who_finds_the_line_full_is_refused_until_somebody_leaves(
    ask: Ask, gate: Gate, path: str, body: bytes
) -> None:
    refused, alive, line, later = asyncio.run(crowd(ask, gate, path, body, at_most=MAX_LINE))

    error = body_of(refused)["error"]
    assert (refused.status_code, error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert refused.headers["Retry-After"] == "1"
    assert alive.status_code == 200
    assert {one.status_code for one in [*line, later]} == {200}


def test_large_bodies_fill_the_line_sooner(ask: Ask, gate: Gate) -> None:
    body, at_most = b" " * MAX_BODY_BYTES, MAX_LINE_BYTES // MAX_BODY_BYTES

    refused, *_ = asyncio.run(crowd(ask, gate, "/hold", body, at_most=at_most))
    allowed, *_ = asyncio.run(crowd(ask, gate, "/hold", body, at_most=at_most - 1))

    assert (refused.status_code, allowed.status_code) == (429, 200)


def test_a_route_of_another_form_refuses_in_that(ask: Ask, gate: Gate) -> None:
    refused, *_ = asyncio.run(crowd(ask, gate, "/hold-shaped", LARGE, at_most=MAX_LINE))

    assert refused.status_code == body_of(refused)["size_bytes"] == 429
    assert "ask again later" in body_of(refused)["thread"]


async def crowd(
    ask: Ask, gate: Gate, path: str, body: bytes, *, at_most: int
) -> tuple[httpx.Response, httpx.Response, list[httpx.Response], httpx.Response]:
    """Let so many stand in line; answer the next one, who is alive, the line, and a late one."""
    line = [asyncio.create_task(ask("POST", path, body)) for _ in range(at_most)]
    await asyncio.to_thread(gate.entered.acquire, timeout=PATIENCE_SECONDS)
    another = asyncio.create_task(ask("POST", path, body))
    alive = await ask("GET", "/alive")
    await asyncio.sleep(0)
    gate.opened.set()
    return await another, alive, await asyncio.gather(*line), await ask("POST", path, body)
