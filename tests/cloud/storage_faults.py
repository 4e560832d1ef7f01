"""Breaks the Cloud Storage test server's answers, on request, the ways networks do."""

import asyncio
import re
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

from starlette.responses import JSONResponse

Kind = Literal["status", "reset", "broken", "corrupt", "damage", "lost"]


@dataclass
class Fault:
    """What happens to the next `times` requests that fit.

    status: answered with `status`, nothing done. reset: the connection dies, nothing done.
    broken: the connection dies in the middle of the answer. corrupt: one byte of the answer is
    another. damage: one byte of the request is another. lost: done, but answered with `status`.
    `connections` are those it happened to.
    """

    kind: Kind
    times: int = 1
    method: str = ".*"
    path: str = ".*"
    status: int = 503
    connections: set[Any] = field(default_factory=set)

    def fits(self, scope: Any) -> bool:
        target = f"{scope['raw_path'].decode()}?{scope['query_string'].decode()}"
        return (
            self.times > 0
            and re.fullmatch(self.method, scope["method"]) is not None
            and re.search(self.path, target) is not None
        )


class Faults:
    """ASGI middleware; `transport_of` finds the connection to break."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._waiting: list[Fault] = []
        self.transport_of: Any = None
        self.injected: Counter[str] = Counter()

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    @property
    def waiting(self) -> int:
        """How many requests are still to be broken."""
        return sum(fault.times for fault in self._waiting)

    def clear(self) -> None:
        self._waiting.clear()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        fault = next((one for one in self._waiting if one.fits(scope)), None)
        if fault is None:
            await self._app(scope, receive, send)
            return
        fault.times -= 1
        fault.connections.add(tuple(scope["client"]))
        self.injected[fault.kind] += 1
        body = await _body(receive)
        if fault.kind == "status":
            await _failure(fault.status)(scope, receive, send)
        elif fault.kind == "reset":
            await self._hang_up(scope, abort=True)
        elif fault.kind == "damage":
            await self._app(scope, _replayed(_flipped(body)), send)
        else:
            await self._answer(fault, scope, body, send)

    async def _answer(self, fault: Fault, scope: Any, body: bytes, send: Any) -> None:
        start, content = await self._recorded(scope, body)
        if fault.kind == "lost":
            await _failure(fault.status)(scope, _replayed(b""), send)
            return
        await send(start)
        if fault.kind == "corrupt":
            await send({"type": "http.response.body", "body": _flipped(content)})
            return
        half = {"type": "http.response.body", "body": content[: len(content) // 2]}
        await send({**half, "more_body": True})
        await self._hang_up(scope, abort=False)

    async def _recorded(self, scope: Any, body: bytes) -> tuple[Any, bytes]:
        messages: list[Any] = []

        async def record(message: Any) -> None:
            messages.append(message)

        await self._app(scope, _replayed(body), record)
        return messages[0], b"".join(one.get("body", b"") for one in messages[1:])

    async def _hang_up(self, scope: Any, *, abort: bool) -> None:
        transport = self.transport_of(scope)
        if abort:
            transport.abort()
        else:
            transport.close()
        await asyncio.sleep(0.01)


def _failure(status: int) -> JSONResponse:
    message = HTTPStatus(status).phrase
    return JSONResponse({"error": {"code": status, "message": message}}, status)


def _flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    if not content:
        return content
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


async def _body(receive: Any) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _replayed(body: bytes) -> Any:
    async def receive() -> Any:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
