"""Every handler in one ASGI app: the routes of the API, and `/events/{handler}` for CloudEvents."""

from http import HTTPStatus
from uuid import uuid4

import structlog
from cloudevents import exceptions as malformed
from cloudevents.http import from_http
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route as HttpRoute

from mlsys.dev.routes import EVENT_HANDLERS, ROUTES
from mlsys.domain.errors import MlsysError
from mlsys.edge.asgi import read_body
from mlsys.edge.events import receive
from mlsys.edge.failures import STATUS
from mlsys.edge.http import Answer, Request, error_answer, respond
from mlsys.edge.openapi import described
from mlsys.edge.request_ids import request_id_of
from mlsys.runtime import Runtime

log = structlog.get_logger()

ANY_METHOD: list[str] = []  # Starlette then asks for none; our own routes say what they take


def build_app(runtime: Runtime) -> Starlette:
    """Put the whole platform's handlers behind one host."""

    async def answer(request: HttpRequest) -> Response:
        request.state.request_id = request_id_of(request.headers)
        asked = Request(
            method=request.method,
            path=request.url.path,
            query=dict(request.query_params),
            headers={**request.headers, "x-request-id": request.state.request_id},
            body=await read_body(request.receive),
        )
        return _sent(await run_in_threadpool(respond, described(ROUTES), asked, runtime))

    async def event(request: HttpRequest) -> Response:
        name = request.path_params["handler"]
        headers, body = dict(request.headers), await read_body(request.receive)
        return Response(status_code=await run_in_threadpool(_take, name, headers, body, runtime))

    async def unforeseen(request: HttpRequest, error: Exception) -> Response:
        request_id = getattr(request.state, "request_id", uuid4().hex)
        log.error("request.failed", request_id=request_id, exc_info=error)
        return _sent(
            error_answer(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "this should not have happened; the log of the platform says more",
                request_id=request_id,
            )
        )

    return Starlette(
        routes=[
            HttpRoute("/events/{handler}", event, methods=["POST"]),
            HttpRoute("/{path:path}", answer, methods=ANY_METHOD),
        ],
        exception_handlers={Exception: unforeseen},
    )


def _sent(answer: Answer) -> Response:
    return Response(answer.body, answer.status, answer.headers)


def _take(name: str, headers: dict[str, str], body: bytes, runtime: Runtime) -> int:
    if name not in EVENT_HANDLERS:
        return HTTPStatus.NOT_FOUND
    try:
        event = from_http(headers, body)
    except (malformed.GenericException, ValueError) as error:
        log.warning("event.malformed", reason=str(error))
        return HTTPStatus.BAD_REQUEST
    try:
        receive(EVENT_HANDLERS[name], event, runtime)
    except MlsysError as error:
        return STATUS[type(error)]
    return HTTPStatus.NO_CONTENT
