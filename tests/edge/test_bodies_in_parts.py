"""Large bodies come in parts: who finds no room for them is refused before memory is full."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from pydantic import BaseModel

from mlsys.edge.asgi import MAX_READING_BYTES, SMALL_BYTES, Message, Server
from mlsys.edge.http import Call, Route
from mlsys.edge.parsing import MAX_BODY_BYTES
from tests.edge.asgi_client import answered

CALLERS = 80
PART = bytes(2**18)
WHOLE = [PART] * (MAX_BODY_BYTES // len(PART))
SMALL = [bytes(SMALL_BYTES // 2)] * 2

Receive = Callable[[], Awaitable[Message]]


class Taken(BaseModel):
    """How much came."""

    size_bytes: int


def take(call: Call, _: None) -> Taken:
    return Taken(size_bytes=len(call.body()))


ROUTES = (Route("POST", "/take", take),)


@dataclass
class Uploads:
    """Bodies on their way to one server, and how much of them was held at most."""

    server: Server[None] = field(default_factory=lambda: Server(ROUTES, None))
    held_bytes: int = 0
    most_bytes: int = 0
    stuck: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def send(self, parts: list[bytes], *, go_on: asyncio.Event | None = None) -> int:
        """Send them, the last one when it may go on; return the status."""
        taken = 0

        async def app(scope: object, receive: Receive, send: object) -> None:
            async def counted() -> Message:
                nonlocal taken
                message = await receive()
                if go_on is not None and not message["more_body"]:
                    self.stuck.release()
                    await go_on.wait()
                await asyncio.sleep(0)
                taken += len(message["body"])
                self.held_bytes += len(message["body"])
                self.most_bytes = max(self.most_bytes, self.held_bytes)
                return message

            await self.server(scope, counted, send)  # type: ignore[arg-type]

        told = await answered(app, "POST", "/take", *parts)
        self.held_bytes -= taken
        return told.status_code

    async def while_full(self, parts: list[bytes]) -> tuple[int, list[int], int]:
        """Send while large ones hang at their ends, and again later; return all statuses."""
        go_on = asyncio.Event()
        at_most = MAX_READING_BYTES // MAX_BODY_BYTES
        hanging = [asyncio.create_task(self.send(WHOLE, go_on=go_on)) for _ in range(at_most)]
        for _ in hanging:
            await self.stuck.acquire()
        meanwhile = await self.send(parts)
        go_on.set()
        return meanwhile, await asyncio.gather(*hanging), await self.send(parts)


def test_a_crowd_of_large_bodies_is_held_within_bounds_and_some_are_answered() -> None:
    uploads = Uploads()

    async def crowd() -> list[int]:
        return await asyncio.gather(*(uploads.send(WHOLE) for _ in range(CALLERS)))

    statuses = asyncio.run(crowd())

    assert set(statuses) == {200, 429}
    assert uploads.most_bytes <= MAX_READING_BYTES + CALLERS * len(PART)


def test_a_large_body_is_refused_while_others_hang_and_taken_afterwards() -> None:
    meanwhile, hanging, later = asyncio.run(Uploads().while_full(WHOLE))

    assert (meanwhile, later) == (429, 200)
    assert 200 in hanging


def test_a_small_body_in_parts_finds_room_while_large_ones_hang() -> None:
    meanwhile, *_ = asyncio.run(Uploads().while_full(SMALL))

    assert meanwhile == 200
