"""Between ASGI and our own requests and answers, with no framework in between."""

from asyncio import get_running_loop
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from logging import INFO
from typing import Any, Generic
from urllib.parse import parse_qsl

import structlog

from mlsys.domain.errors import Overloaded
from mlsys.edge.http import ANSWERED, Answer, MustWait, Request, Route, Runtime, log, respond
from mlsys.edge.openapi import described
from mlsys.edge.parsing import MAX_BODY_BYTES

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

SMALL_BYTES = 8192
MAX_LINE = 32
MAX_LINE_BYTES = 16 * 2**20
WAITING_AT_ONCE = 8


class Server(Generic[Runtime]):
    """An ASGI application: answers the requests of one event loop, or refuses what cannot be soon.

    What is small and at hand is answered on the loop: to another thread and back takes longer.
    One thread works on larger bodies, others wait for stores. Each line has an end.
    """

    def __init__(self, routes: tuple[Route[Runtime], ...], runtime: Runtime) -> None:
        self._table = described(routes)
        self._runtime = runtime
        self._notes = _Notes()
        self._working = _Line(threads=1)
        self._waiting = _Line(threads=WAITING_AT_ONCE)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer an HTTP request."""
        answer = await self._answer(await _read_request(scope, receive))
        headers = [
            (name.lower().encode(), value.encode("latin-1"))
            for name, value in answer.headers.items()
        ]
        headers.append((b"content-length", b"%d" % len(answer.body)))
        await send(
            {"type": "http.response.start", "status": int(answer.status), "headers": headers}
        )
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, asked: Request) -> Answer:
        try:
            if len(asked.body) <= SMALL_BYTES:
                return respond(self._table, asked, self._runtime, note=self._notes.add)
            return await self._in(self._working, asked)
        except MustWait:
            return await self._in(self._waiting, asked._replace(at_once=False))

    async def _in(self, line: "_Line", asked: Request) -> Answer:
        size_bytes = len(asked.body)
        if not line.has_room(size_bytes):
            told = Overloaded(f"{line.requests} requests stand in line already: ask again later")
            return respond(self._table, asked, self._runtime, refusal=told)
        line.requests += 1
        line.size_bytes += size_bytes
        try:
            return await get_running_loop().run_in_executor(
                line.pool, respond, self._table, asked, self._runtime
            )
        finally:
            line.requests -= 1
            line.size_bytes -= size_bytes


@cache
def server_of(
    runtime: Callable[[], Runtime], routes: Callable[[Runtime], tuple[Route[Runtime], ...]]
) -> Server[Runtime]:
    """Build what serves this process, once."""
    built = runtime()
    return Server(routes(built), built)


async def read_body(receive: Receive) -> bytes:
    """Read at most one byte over the limit, which is enough to refuse it."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body[: MAX_BODY_BYTES + 1]
    parts, length = [body], len(body)
    while message.get("more_body", False) and length <= MAX_BODY_BYTES:
        message = await receive()
        parts.append(message.get("body", b""))
        length += len(parts[-1])
    return b"".join(parts)[: MAX_BODY_BYTES + 1]


class _Line:
    """Threads, and the requests that they have or that stand before them; of one event loop."""

    def __init__(self, *, threads: int) -> None:
        self.pool = ThreadPoolExecutor(threads)
        self.requests = 0
        self.size_bytes = 0

    def has_room(self, size_bytes: int) -> bool:
        """Whether so much more can be answered soon."""
        return self.requests < MAX_LINE and self.size_bytes + size_bytes <= MAX_LINE_BYTES


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


async def _read_request(scope: Mapping[str, Any], receive: Receive) -> Request:
    query: bytes = scope["query_string"]
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)) if query else {},
        headers={
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        },
        body=await read_body(receive),
        at_once=True,
    )
