"""HTTP without a server: a request in, an answer out, whichever framework carries them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from time import perf_counter
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar

import structlog
from pydantic import BaseModel
from pydantic_core import to_json
from structlog.typing import FilteringBoundLogger

from mlsys.domain import errors
from mlsys.edge.failures import (
    CANONICAL,
    STATUS,
    ErrorAnswer,
    ErrorBody,
    canonical_of,
    details_of,
    in_words,
)
from mlsys.edge.moves import MustWait, MustWork
from mlsys.edge.parsing import Model, check_size, loggable, parse_json, parse_model, parse_query
from mlsys.edge.request_ids import carried_of, request_id_of

log: FilteringBoundLogger = structlog.get_logger()

ANSWERED = "request.answered"
LATER = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
JSON_TYPE = {"Content-Type": "application/json"}

Runtime = TypeVar("Runtime")
Shape = TypeVar("Shape", bound=BaseModel)

ErrorShape = Callable[[HTTPStatus, str], BaseModel]
"""How somebody else's format says what went wrong: from a status and all problems in words."""


class Request(NamedTuple):
    """What came in. Header names are in lower case.

    To answer it `at_once` no handler may read from a store, and `on_loop` none may work for long.
    """

    method: str
    path: str
    query: Mapping[str, str] = MappingProxyType({})
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""
    at_once: bool = False
    on_loop: bool = False


class Answer(NamedTuple):
    """What goes out."""

    status: HTTPStatus
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Content:
    """An answer that is not a model as JSON."""

    media_type: str
    body: bytes


class Json(NamedTuple, Generic[Shape]):
    """An answer of that shape in JSON's own types; nobody checks it again before it is written."""

    value: Mapping[str, Any]


class Call(NamedTuple):
    """A request that found its route; `path` holds what stands in its braces.

    `extra_headers` are what a good answer says besides.
    """

    request: Request
    path: Mapping[str, str]
    request_id: str
    extra_headers: dict[str, str]

    def degraded(self, reason: str) -> None:
        """Tell in the answer's headers what it lacks; nothing if that is ""."""
        if reason:
            self.extra_headers["X-Mlsys-Degraded"] = reason

    def wait(self) -> None:
        """Begin what may take long. Raises MustWait where that must not be."""
        if self.request.at_once:
            raise MustWait

    def work(self) -> None:
        """Begin what computes for long. Raises MustWork where that must not be."""
        if self.request.on_loop:
            raise MustWork

    def body(self) -> bytes:
        """Return the body as it came. Raises TooLarge."""
        check_size(self.request.body)
        return self.request.body

    def json(self, model: type[Model], *, as_written: bool = False) -> Model:
        """Read the body; numbers may remember their digits. Raises InvalidInput, TooLarge."""
        return parse_model(parse_json(self.request.body, as_written=as_written), model)

    def query(self, model: type[Model]) -> Model:
        """Read the query parameters. Raises InvalidInput."""
        return parse_query(self.request.query, model)

    @property
    def media_type(self) -> str:
        """What the body is said to be, without parameters; "" if nothing is said."""
        return self.request.headers.get("content-type", "").partition(";")[0].strip().lower()

    def carried(self) -> dict[str, str]:
        """Return what events and jobs carry on of this request: its id and its trace."""
        return carried_of(self.request.headers, self.request_id)


@dataclass(frozen=True, eq=False)
class Route(Generic[Runtime]):
    """A method and a path such as `/v1/models/{model_id}`, and who answers.

    `body` and `query` are what the handler reads, for those who ask what there is. Errors are
    said in the form of Google's APIs, unless `error` is another form.
    """

    method: str
    path: str
    handle: Callable[[Call, Runtime], BaseModel | Json[Any] | Content]
    status: HTTPStatus = HTTPStatus.OK
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    error: ErrorShape | None = None

    def match(self, path: str) -> dict[str, str] | None:
        """Return what stands in the braces, or None if it is another path."""
        found = self._pattern.fullmatch(path)
        return found.groupdict() if found else None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.path)))


class Table(Generic[Runtime]):
    """Routes, found by their paths; the first route of a path and method answers."""

    def __init__(self, routes: Sequence[Route[Runtime]]) -> None:
        self._open = [route for route in routes if "{" in route.path]
        self._fixed = {
            route.path: _by_method(routes, route.path) for route in routes if "{" not in route.path
        }

    def at(self, path: str) -> "dict[str, _Found[Runtime]]":
        """Return the routes of a path by method, each with what stands in its braces."""
        return self._fixed.get(path) or _by_method(self._open, path)


def respond(
    table: Table[Runtime],
    request: Request,
    runtime: Runtime,
    *,
    refusal: errors.MlsysError | None = None,
    note: Callable[[dict[str, Any]], None] | None = None,
) -> Answer:
    """Answer one request, or refuse it, and write its line in the log, or have `note` write it.

    Errors raised on purpose become answers as in docs/api.md; any other travels on, to be a 500.
    """
    started = perf_counter()
    request_id = request_id_of(request.headers)
    carried = carried_of(request.headers, request_id)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**carried)

    answer = _answer(table, request, runtime, request_id, refusal)

    line = {
        "method": request.method,
        "path": request.path,
        "status": int(answer.status),
        "seconds": round(perf_counter() - started, 6),
    }
    if note is None:
        log.info(ANSWERED, **line)
    else:
        note(line | carried)
    return answer


def error_answer(
    status: HTTPStatus,
    message: str,
    *,
    request_id: str,
    details: Sequence[Mapping[str, Any]] = (),
    canonical: str | None = None,
) -> Answer:
    """Say what went wrong in the form of Google's APIs (google.rpc.Status as JSON)."""
    body = ErrorAnswer(
        error=ErrorBody(
            code=int(status),
            status=canonical or CANONICAL[status],
            message=message,
            details=[dict(one) for one in details],
            request_id=request_id,
        )
    )
    return _failed(status, body, request_id)


_Found = tuple[Route[Runtime], dict[str, str]]


def _by_method(routes: Sequence[Route[Runtime]], path: str) -> dict[str, _Found[Runtime]]:
    by_method: dict[str, _Found[Runtime]] = {}
    for route in routes:
        if (found := route.match(path)) is not None:
            by_method.setdefault(route.method, (route, found))
    return by_method


def _answer(
    table: Table[Runtime],
    request: Request,
    runtime: Runtime,
    request_id: str,
    refusal: errors.MlsysError | None,
) -> Answer:
    by_method = table.at(request.path)
    if not by_method:
        return error_answer(
            HTTPStatus.NOT_FOUND, f"there is nothing at {request.path[:200]}", request_id=request_id
        )
    if request.method not in by_method:
        return _not_allowed(request, [route for route, _ in by_method.values()], request_id)

    route, found = by_method[request.method]
    call = Call(request, found, request_id, {})
    if refusal is not None:
        return _rejected(route, refusal, request_id)
    try:
        body = route.handle(call, runtime)
    except errors.MlsysError as error:
        return _rejected(route, error, request_id)
    told = {"X-Request-ID": request_id, **call.extra_headers}
    if isinstance(body, Content):
        return Answer(route.status, body.body, {"Content-Type": body.media_type, **told})
    return Answer(route.status, _written(body), JSON_TYPE | told)


def _written(body: BaseModel | Json[Any]) -> bytes:
    if isinstance(body, Json):
        return to_json(body.value, inf_nan_mode="null")
    return body.model_dump_json().encode()


def _rejected(route: Route[Runtime], error: errors.MlsysError, request_id: str) -> Answer:
    log.warning("request.rejected", code=error.code, reason=loggable(error))
    status = STATUS[type(error)]
    if route.error is not None:
        return _failed(status, route.error(status, in_words(error)), request_id)
    return error_answer(
        status,
        str(error),
        request_id=request_id,
        details=details_of(error),
        canonical=canonical_of(error, status),
    )


def _not_allowed(request: Request, routes: Sequence[Route[Runtime]], request_id: str) -> Answer:
    allowed = ", ".join(sorted(route.method for route in routes))
    told = f"{request.path[:200]} answers {allowed}, not {request.method}"
    status, shape = HTTPStatus.METHOD_NOT_ALLOWED, routes[0].error
    refusal = (
        error_answer(status, told, request_id=request_id)
        if shape is None
        else _failed(status, shape(status, told), request_id)
    )
    return Answer(status, refusal.body, {**refusal.headers, "Allow": allowed})


def _failed(status: HTTPStatus, body: BaseModel, request_id: str) -> Answer:
    headers = JSON_TYPE | {"X-Request-ID": request_id}
    if status in LATER:
        headers |= {"Retry-After": "1"}
    return Answer(status, body.model_dump_json().encode(), headers)
