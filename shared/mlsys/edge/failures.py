"""What went wrong, as Google's APIs say it: google.rpc.Status as JSON."""

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from mlsys.domain import errors

STATUS: dict[type[errors.MlsysError], HTTPStatus] = {
    errors.InvalidInput: HTTPStatus.BAD_REQUEST,
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.AlreadyExists: HTTPStatus.CONFLICT,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.LostRace: HTTPStatus.CONFLICT,
    errors.Refused: HTTPStatus.PRECONDITION_FAILED,
    errors.Corrupt: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.Overloaded: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Busy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}

# https://cloud.google.com/apis/design/errors
CANONICAL: dict[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: "INVALID_ARGUMENT",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "INVALID_ARGUMENT",
    HTTPStatus.NOT_FOUND: "NOT_FOUND",
    HTTPStatus.METHOD_NOT_ALLOWED: "UNIMPLEMENTED",
    HTTPStatus.CONFLICT: "ABORTED",
    HTTPStatus.PRECONDITION_FAILED: "FAILED_PRECONDITION",
    HTTPStatus.TOO_MANY_REQUESTS: "RESOURCE_EXHAUSTED",
    HTTPStatus.INTERNAL_SERVER_ERROR: "INTERNAL",
    HTTPStatus.SERVICE_UNAVAILABLE: "UNAVAILABLE",
}


class ErrorBody(BaseModel):
    """google.rpc.Status."""

    code: int
    status: str
    message: str
    details: list[dict[str, Any]]
    request_id: str


class ErrorAnswer(BaseModel):
    """What went wrong."""

    error: ErrorBody


def canonical_of(error: errors.MlsysError, status: HTTPStatus) -> str:
    """Name the status of an error more exactly than HTTP does."""
    if isinstance(error, errors.AlreadyExists):
        return "ALREADY_EXISTS"
    if isinstance(error, errors.Corrupt):
        return "DATA_LOSS"
    return CANONICAL[status]


def details_of(error: errors.MlsysError) -> list[dict[str, Any]]:
    """List the violations of an input, or the reasons of a refusal."""
    if isinstance(error, errors.InvalidInput) and error.violations:
        return [
            {
                "@type": "type.googleapis.com/google.rpc.BadRequest",
                "fieldViolations": [vars(one) for one in error.violations],
            }
        ]
    if isinstance(error, errors.Refused) and error.reasons:
        return [
            {
                "@type": "type.googleapis.com/google.rpc.PreconditionFailure",
                "violations": [
                    {"type": "GATE", "subject": str(error), "description": reason}
                    for reason in error.reasons
                ],
            }
        ]
    return []


def in_words(error: errors.MlsysError) -> str:
    """Tell all problems in one text, each on a line of its own."""
    if not isinstance(error, errors.InvalidInput) or not error.violations:
        return str(error)
    return "\n".join(f"{one.field}: {one.description}" for one in error.violations)
