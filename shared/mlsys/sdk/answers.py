"""From an answer to a record, or to the error that the platform raised."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mlsys.domain.errors import (
    AlreadyExists,
    Corrupt,
    InvalidInput,
    LostRace,
    MlsysError,
    NotFound,
    Overloaded,
    Refused,
    TooLarge,
    Unavailable,
    Violation,
)
from mlsys.edge.http import Answer

Model = TypeVar("Model", bound=BaseModel)

KINDS: dict[HTTPStatus, type[MlsysError]] = {
    HTTPStatus.BAD_REQUEST: InvalidInput,
    HTTPStatus.UNAUTHORIZED: InvalidInput,
    HTTPStatus.FORBIDDEN: InvalidInput,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.METHOD_NOT_ALLOWED: InvalidInput,
    HTTPStatus.CONFLICT: LostRace,
    HTTPStatus.PRECONDITION_FAILED: Refused,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: TooLarge,
    HTTPStatus.TOO_MANY_REQUESTS: Overloaded,
}
MAX_QUOTED = 200


def read_answer(answer: Answer, model: type[Model]) -> Model:
    """Return what was answered.

    Raises:
        MlsysError: of the kind that the platform raised, with its violations or reasons.
        Unavailable: what answers is not a platform that this release understands.
    """
    if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
        raise error_of(answer)
    try:
        return model.model_validate_json(answer.body)
    except ValidationError as error:
        raise Unavailable(
            f"what answers is no mlsys of this release: want a {model.__name__}, "
            f"got {_quoted(answer.body)}"
        ) from error


def read_content(answer: Answer, media_type: str) -> bytes:
    """Return an answer that is no JSON. Raises as `read_answer` does."""
    if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
        raise error_of(answer)
    told = {name.lower(): value for name, value in answer.headers.items()}.get("content-type", "")
    if not told.startswith(media_type):
        raise Unavailable(
            f"what answers is no mlsys of this release: want {media_type}, "
            f"got {_quoted(told.encode())}"
        )
    return answer.body


def error_of(answer: Answer) -> MlsysError:
    """Make the error that an answer tells of."""
    told = _told(answer.body)
    if told is None:
        return _from_outside(answer)
    message = str(told.get("message", ""))
    details = [one for one in told.get("details", []) if isinstance(one, dict)]
    if told.get("status") == "ALREADY_EXISTS":
        return AlreadyExists(message)
    if told.get("status") == "DATA_LOSS":
        return Corrupt(message)
    kind = KINDS.get(answer.status, Unavailable)
    if kind is Refused:
        return Refused(message, tuple(_each(details, "violations", "description")))
    if issubclass(kind, InvalidInput):
        fields = _each(details, "fieldViolations", "field")
        texts = _each(details, "fieldViolations", "description")
        return kind(message, tuple(map(Violation, fields, texts)))
    if kind is Unavailable and answer.status is HTTPStatus.INTERNAL_SERVER_ERROR:
        message += f" (request {told.get('request_id')})"
    return kind(message)


def _told(body: bytes) -> Mapping[str, Any] | None:
    """Return the `error` of the platform's own form, or None if somebody else answered."""
    try:
        told = json.loads(body)
    except ValueError:
        return None
    error = told.get("error") if isinstance(told, dict) else None
    return error if isinstance(error, dict) and isinstance(error.get("details"), list) else None


def _from_outside(answer: Answer) -> MlsysError:
    """What a proxy or a load balancer says, most often without JSON."""
    said = f"answered {answer.status} {answer.status.phrase}: {_quoted(answer.body)}"
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return InvalidInput(
            f"the caller is not let in: set MLSYS_TOKEN to a token that is ({said})"
        )
    if answer.status is HTTPStatus.NOT_FOUND:
        return NotFound(f"no mlsys is at this URL; it {said}")
    return KINDS.get(answer.status, Unavailable)(f"what is at this URL {said}")


def _each(details: list[dict[str, Any]], group: str, field: str) -> list[str]:
    return [str(one.get(field, "")) for detail in details for one in detail.get(group, [])]


def _quoted(body: bytes) -> str:
    text = " ".join(body[: 4 * MAX_QUOTED].decode(errors="replace").split())
    return text[:MAX_QUOTED] or "nothing"
