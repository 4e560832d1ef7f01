"""Connections that send one request again and again: the load of what wrk cannot do, or is not.

In an open loop requests are due at a steady rate, whether or not others were answered; a delay
counts from when a request was due.
"""

import asyncio
import time
from array import array
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

OK, TOO_MANY = 200, 429
TICK_SECONDS = 0.001
PATIENCE_SECONDS = 10.0
CHECK_EVERY = 100

Check = Callable[[int, bytes], bool]


@dataclass
class Answers:
    """What came back until all was answered.

    `unsent` is what was due while every connection waited for its answer.
    """

    check: Check
    seconds: float = 0.0
    sent: int = 0
    good: int = 0
    refused: int = 0
    failed: int = 0
    unsent: int = 0
    delays: "array[float]" = field(default_factory=lambda: array("d"))

    def note(self, status: int, body: bytes, due: float) -> None:
        """Count an answer; status 0 is a connection that broke. Each hundredth is looked at."""
        if status == TOO_MANY:
            self.refused += 1
        elif status != OK or (self.good % CHECK_EVERY == 0 and not self.check(status, body)):
            self.failed += 1
        else:
            self.good += 1
            self.delays.append(time.perf_counter() - due)

    @property
    def due(self) -> int:
        """All that should have been sent."""
        return self.sent + self.unsent

    def percentile_ms(self, percent: float) -> float:
        """How many milliseconds so many percent of the good answers took at most."""
        ordered = sorted(self.delays)
        return ordered[int((len(ordered) - 1) * percent / 100)] * 1000 if ordered else float("nan")


def closed_loop(
    port: int, request: bytes, check: Check, *, connections: int, seconds: float
) -> Answers:
    """Let each connection ask again as soon as it was answered."""
    return asyncio.run(_Load(port, request, check).closed(connections, seconds))


def open_loop(
    port: int, request: bytes, check: Check, *, rate: float, connections: int, seconds: float
) -> Answers:
    """Ask `rate` times a second, on as many connections as are free."""
    return asyncio.run(_Load(port, request, check).open(rate, connections, seconds))


def request_of(path: str, body: bytes) -> bytes:
    """Write a request down."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Load:
    """One run on connections that are opened before it begins, and anew where they break."""

    def __init__(self, port: int, request: bytes, check: Check) -> None:
        self._port, self._request = port, request
        self._free: deque[_Connection] = deque()
        self._all: set[_Connection] = set()
        self._waiting = 0
        self._idle = asyncio.Event()
        self._opening: set[asyncio.Task[None]] = set()
        self._over = False
        self._answers = Answers(check)
        self._again_until = 0.0

    async def closed(self, connections: int, seconds: float) -> Answers:
        await self._open(connections)
        began = time.perf_counter()
        self._again_until = began + seconds
        for _ in range(len(self._free)):
            self._send(self._free.popleft(), began)
        while time.perf_counter() < self._again_until:
            while self._free:
                self._send(self._free.popleft(), time.perf_counter())
            await asyncio.sleep(TICK_SECONDS)
        return await self._finished(began)

    async def open(self, rate: float, connections: int, seconds: float) -> Answers:
        await self._open(connections)
        began, number = time.perf_counter(), 0
        while (passed := time.perf_counter() - began) < seconds:
            while number < passed * rate:
                if self._free:
                    self._send(self._free.popleft(), began + number / rate)
                else:
                    self._answers.unsent += 1
                number += 1
            await asyncio.sleep(TICK_SECONDS)
        return await self._finished(began)

    def answered(self, connection: "_Connection", status: int, body: bytes) -> None:
        """Note an answer; what is to be asked again at once is, else the connection is free."""
        self._waiting -= 1
        if not self._waiting:
            self._idle.set()
        self._answers.note(status, body, connection.due)
        if time.perf_counter() < self._again_until and connection.is_open:
            self._send(connection, time.perf_counter())
        elif connection.is_open:
            self._free.append(connection)

    def lost(self, connection: "_Connection") -> None:
        """Open another one instead."""
        self._all.discard(connection)
        if connection in self._free:
            self._free.remove(connection)
        if self._over:
            return
        task = asyncio.get_running_loop().create_task(self._open(1))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    def _send(self, connection: "_Connection", due: float) -> None:
        self._answers.sent += 1
        self._waiting += 1
        self._idle.clear()
        connection.send(self._request, due)

    async def _open(self, connections: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            try:
                _, connection = await loop.create_connection(
                    lambda: _Connection(self), "127.0.0.1", self._port
                )
            except OSError:
                continue
            self._all.add(connection)
            self._free.append(connection)

    async def _finished(self, began: float) -> Answers:
        """Wait for what is on its way; what never comes has failed."""
        if not self._waiting:
            self._idle.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), PATIENCE_SECONDS)
        self._answers.failed += self._waiting
        self._answers.seconds = time.perf_counter() - began
        self._over = True
        for connection in list(self._all):
            connection.close()
        await asyncio.sleep(0)
        return self._answers


class _Connection(asyncio.Protocol):
    """Reads answers that say their length."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._received = b""
        self._waits = False
        self.due = 0.0
        self.is_open = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, request: bytes, due: float) -> None:
        self.due, self._waits, self._received = due, True, b""
        self._transport.write(request)

    def close(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        lower = head.lower()
        _, _, length = lower.partition(b"\r\ncontent-length:")
        if length:
            whole = len(body) >= int(length.split(b"\r\n", 1)[0])
        else:
            whole = body.endswith(b"0\r\n\r\n")
        if whole and self._waits:
            self._waits = False
            self.is_open = b"\r\nconnection: close" not in lower
            self._load.answered(self, int(head[9:12]), body)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.is_open = False
        if self._waits:
            self._waits = False
            self._load.answered(self, 0, b"")
        self._load.lost(self)
