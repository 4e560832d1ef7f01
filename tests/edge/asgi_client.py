"""Asks an ASGI application without a server in between."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from mlsys.edge.asgi import Message

App = Callable[[Any, Any, Any], Awaitable[None]]


async def answered(
    app: App, method: str, path: str, *parts: bytes, query: bytes = b"", **named: str
) -> httpx.Response:
    """Send a request whose body comes in parts; names of headers are written with `_`."""
    headers = [(name.replace("_", "-").encode(), text.encode()) for name, text in named.items()]
    scope = {"method": method, "path": path, "headers": headers, "query_string": query}
    left, sent = list(parts or [b""]), list[Message]()

    async def receive() -> Message:
        body = left.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(left)}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, body = sent
    return httpx.Response(start["status"], headers=start["headers"], content=body["body"])
