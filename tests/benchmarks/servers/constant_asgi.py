"""A function that answers a constant: the floor of functions-framework's ASGI mode."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response


@functions_framework.aio.http
async def constant(_: Request) -> Response:
    """Answer, whatever is asked."""
    return Response('{"predictions":[0.5]}', media_type="application/json")
