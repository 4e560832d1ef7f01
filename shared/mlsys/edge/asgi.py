"""Between Starlette, which functions-framework and the local platform speak, and our requests."""

from urllib.parse import parse_qsl

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import Receive

from mlsys.edge.http import Answer, Request, Route, Runtime, respond
from mlsys.edge.openapi import described
from mlsys.edge.parsing import MAX_BODY_BYTES


class Reply(Response):
    """An answer on its way; Starlette's own would look each header up again."""

    def __init__(self, answer: Answer) -> None:
        self.status_code = int(answer.status)
        self.body = answer.body
        self.background = None
        self.raw_headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in answer.headers.items()
        ]
        self.raw_headers.append((b"content-length", b"%d" % len(answer.body)))


async def serve(
    routes: tuple[Route[Runtime], ...], request: HttpRequest, runtime: Runtime
) -> Reply:
    """Answer a request; at most one byte over the limit of a body is read."""
    scope = request.scope
    asked = Request(
        method=scope["method"],
        path=scope["path"],
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        headers={
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        },
        body=await _body(request.receive),
    )
    return Reply(respond(described(routes), asked, runtime))


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body", False) and len(body) <= MAX_BODY_BYTES:
        message = await receive()
        body += message.get("body", b"")
    return body[: MAX_BODY_BYTES + 1]
