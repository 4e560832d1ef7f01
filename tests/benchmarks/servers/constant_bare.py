"""An ASGI application that answers a constant: the floor of uvicorn, with nothing above it."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

BODY = b'{"predictions":[0.5]}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]


async def constant(
    _: MutableMapping[str, Any],
    __: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    """Answer, whatever is asked."""
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
