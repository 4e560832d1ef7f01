"""Between ASGI and our own requests and answers, with no framework in between."""

from asyncio import Lock, get_running_loop, sleep
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from logging import INFO
from typing import Any, Generic
from urllib.parse import parse_qsl

import structlog

from mlsys.domain.errors import Overloaded
from mlsys.edge.http import ANSWERED, Answer, Request, Route, Runtime, log, respond
from mlsys.edge.moves import MustWait, MustWork
from mlsys.edge.openapi import described
from mlsys.edge.parsing import MAX_BODY_BYTES

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

SMALL_BYTES = 8192
MEDIUM_BYTES = 65536
MAX_LINE = 32
MAX_LINE_BYTES = 16 * 2**20
MAX_READING_BYTES = 64 * 2**20
WAITING_AT_ONCE = 8


class Server(Generic[Runtime]):
    """An ASGI application: answers the requests of one event loop, or refuses what cannot be soon.

    What is at hand is answered on the loop, if it is small at once, else in turn: to another thread
    and back takes longer. One thread works on what is larger, others wait for stores. Each line
    has an end.
    """

    def __init__(self, routes: tuple[Route[Runtime], ...], runtime: Runtime) -> None:
        self._table = described(routes)
        self._runtime = runtime
        self._notes = _Notes()
        self._reading_bytes = 0
        self._turn = Lock()
        self._working = _Line(threads=1)
        self._waiting = _Line(threads=WAITING_AT_ONCE)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer an HTTP request, unless who asked has gone."""
        first = await receive()
        if first["type"] == "http.disconnect":
            return
        asked = _request(scope, first.get("body", b""))
        if first.get("more_body", False):
            answer = await self._answer_in_parts(asked, receive)
        else:
            answer = await self._answer(asked)
        headers = [
            (name.lower().encode(), value.encode("latin-1"))
            for name, value in answer.headers.items()
        ]
        headers.append((b"content-length", b"%d" % len(answer.body)))
        await send(
            {"type": "http.response.start", "status": int(answer.status), "headers": headers}
        )
        await send({"type": "http.response.body", "body": answer.body})

    def at_once(self, scope: Mapping[str, Any], body: bytes) -> Answer | None:
        """Answer what has a small body, whole; None if it has to wait for somebody."""
        if len(body) > SMALL_BYTES:
            return None
        try:
            return self._on_loop(_request(scope, body))
        except (MustWait, MustWork):
            return None

    async def _answer_in_parts(self, asked: Request, receive: Receive) -> Answer:
        """Read on as long as there is room for what came, and answer."""
        kept_bytes = 0

        def keep(size_bytes: int) -> None:
            nonlocal kept_bytes
            if size_bytes > SMALL_BYTES:
                more_bytes = size_bytes - kept_bytes
                if self._reading_bytes + more_bytes > MAX_READING_BYTES:
                    told = f"{self._reading_bytes} bytes of bodies are on their way already"
                    raise Overloaded(f"{told}: ask again later")
                self._reading_bytes += more_bytes
                kept_bytes = size_bytes

        try:
            body = await read_body(receive, asked.body, keep=keep)
        except Overloaded as told:
            return respond(self._table, asked, self._runtime, refusal=told)
        finally:
            self._reading_bytes -= kept_bytes
        return await self._answer(asked._replace(body=body, on_loop=len(body) <= MEDIUM_BYTES))

    async def _answer(self, asked: Request) -> Answer:
        try:
            if asked.on_loop and len(asked.body) <= SMALL_BYTES:
                return self._on_loop(asked)
            return await self._in(self._working, asked)
        except MustWork:
            return await self._answer(asked._replace(on_loop=False))
        except MustWait:
            return await self._in(self._waiting, asked._replace(at_once=False, on_loop=False))

    async def _in(self, line: "_Line", asked: Request) -> Answer:
        size_bytes = len(asked.body)
        try:
            line.check_room(size_bytes)
        except Overloaded as told:
            return respond(self._table, asked, self._runtime, refusal=told)
        line.requests += 1
        line.size_bytes += size_bytes
        try:
            if asked.on_loop:
                return await self._in_turn(asked)
            return await get_running_loop().run_in_executor(
                line.pool, respond, self._table, asked, self._runtime
            )
        finally:
            line.requests -= 1
            line.size_bytes -= size_bytes

    async def _in_turn(self, asked: Request) -> Answer:
        async with self._turn:
            await sleep(0)  # the loop sees to who came meanwhile
            return self._on_loop(asked)

    def _on_loop(self, asked: Request) -> Answer:
        return respond(self._table, asked, self._runtime, note=self._notes.add)


@cache
def server_of(
    runtime: Callable[[], Runtime], routes: Callable[[Runtime], tuple[Route[Runtime], ...]]
) -> Server[Runtime]:
    """Build what serves this process, once."""
    built = runtime()
    return Server(routes(built), built)


async def read_body(
    receive: Receive, begun: bytes = b"", *, keep: Callable[[int], None] = lambda _: None
) -> bytes:
    """Read at most one byte over the limit, which is enough to refuse it.

    Before it reads on it tells `keep` how much there is, which may raise instead.
    """
    parts, length, more = [begun], len(begun), True
    while more and length <= MAX_BODY_BYTES:
        keep(length)
        message = await receive()
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        more = message.get("more_body", False)
    return b"".join(parts)[: MAX_BODY_BYTES + 1]


class _Line:
    """Threads, and the requests that work or stand in line; of one event loop."""

    def __init__(self, *, threads: int) -> None:
        self.pool = ThreadPoolExecutor(threads)
        self.requests = 0
        self.size_bytes = 0

    def check_room(self, size_bytes: int) -> None:
        """Raise Overloaded unless so much more can be answered soon."""
        if self.requests >= MAX_LINE or self.size_bytes + size_bytes > MAX_LINE_BYTES:
            told = f"{self.requests} requests and {self.size_bytes} bytes stand in line already"
            raise Overloaded(f"{told}: ask again later")


class _Notes:
    """Lines of the log that wait until the loop has sent what it answered.

    Nobody waits for them so, and those of many requests are written at once. They say whom they
    are of: bound to the context is somebody else by then.
    """

    def __init__(self) -> None:
        self._waiting: list[dict[str, Any]] = []

    def add(self, line: dict[str, Any]) -> None:
        if not self._waiting:
            get_running_loop().call_soon(self._write)
        self._waiting.append(line)

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not log.is_enabled_for(INFO):
            return
        configured, written = structlog.get_config(), []
        render = configured["processors"][-1]
        for line in waiting:
            with suppress(structlog.DropEvent):
                written.append(str(render(None, "info", {"event": ANSWERED, **line})))
        if written:
            configured["logger_factory"]().msg("\n".join(written))


def _request(scope: Mapping[str, Any], body: bytes) -> Request:
    query: bytes = scope["query_string"]
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)) if query else {},
        headers={
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        },
        body=body[: MAX_BODY_BYTES + 1],
        at_once=True,
        on_loop=len(body) <= MEDIUM_BYTES,
    )
