"""CloudEvents: what arrives, and the one rule between acknowledging and asking again."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeVar

import structlog
from cloudevents.abstract import CloudEvent

from mlsys.domain.errors import InvalidInput, MlsysError
from mlsys.domain.messages import UploadFinished
from mlsys.edge.parsing import loggable, parse_json, parse_model

log = structlog.get_logger()

OBJECT_FINALIZED = "google.cloud.storage.object.v1.finalized"
OBJECT_FINALIZE = "OBJECT_FINALIZE"
"""The same in a message, as Cloud Storage's notifications say it."""
CARRIED = ("request_id", "traceparent")
MESSAGE_PUBLISHED = "google.cloud.pubsub.topic.v1.messagePublished"

Runtime = TypeVar("Runtime")


@dataclass(frozen=True)
class Message:
    """A Pub/Sub message: `body` is any JSON value, still unchecked."""

    id: str
    body: Any
    attributes: dict[str, str]

    @property
    def carried(self) -> dict[str, str]:
        """The request id and the trace of whoever asked, to be carried on."""
        return {name: text for name, text in self.attributes.items() if name in CARRIED}


def receive(
    handle: Callable[[CloudEvent, Runtime], None], event: CloudEvent, runtime: Runtime
) -> None:
    """Handle one event; returning acknowledges it.

    What trying again cannot mend is logged and acknowledged; the rest travels on, so that the
    event is delivered again.
    """
    started = perf_counter()
    attributes = event.get_attributes()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(event_id=str(attributes["id"]))
    try:
        handle(event, runtime)
    except MlsysError as error:
        if error.retryable:
            log.info("event.postponed", code=error.code, reason=str(error))
            raise
        log.warning("event.rejected", code=error.code, reason=loggable(error))
    log.info(
        "event.handled",
        type=str(attributes["type"]),
        seconds=round(perf_counter() - started, 6),
    )


def read_upload(event: CloudEvent) -> UploadFinished:
    """Read that an object was finalized: Cloud Storage's own event, or its notification.

    A notification is a Pub/Sub message whose body is the object, as docs/cloud.md sets it up.

    Raises:
        InvalidInput: another type, a notification of something else, or malformed.

    """
    if event.get_attributes()["type"] != MESSAGE_PUBLISHED:
        return parse_model(_data(event, OBJECT_FINALIZED), UploadFinished)
    message = read_message(event)
    told = message.attributes.get("eventType", "")
    if told != OBJECT_FINALIZE:
        raise InvalidInput(f"expected a notification of {OBJECT_FINALIZE}, got {told[:80]!r}")
    return parse_model(message.body, UploadFinished)


def read_message(event: CloudEvent) -> Message:
    """Read a Pub/Sub event, and carry its request id and trace on into the log.

    Raises:
        InvalidInput: another type, no message, not base64, or not JSON.

    """
    message = _data(event, MESSAGE_PUBLISHED).get("message")
    if not isinstance(message, dict):
        raise InvalidInput("the event has no data.message")
    try:
        body = parse_json(base64.b64decode(str(message.get("data", "")), validate=True))
    except binascii.Error as error:
        raise InvalidInput("data.message.data is not base64") from error
    given = message.get("attributes")
    attributes = {str(k): str(v) for k, v in given.items()} if isinstance(given, dict) else {}
    id = message.get("messageId") or message.get("message_id") or event.get_attributes()["id"]
    read = Message(str(id), body, attributes)
    structlog.contextvars.bind_contextvars(**read.carried)
    return read


def _data(event: CloudEvent, type: str) -> dict[str, Any]:
    found = event.get_attributes()["type"]
    if found != type:
        raise InvalidInput(f"expected an event of type {type}, got {found!r}")
    data = event.get_data()
    if not isinstance(data, dict):
        raise InvalidInput("the event's data are not a JSON object")
    return data
