"""CloudEvents: what is acknowledged, what comes again, and what is carried on."""

import base64
import json
from typing import Any

import pytest
import structlog
from cloudevents.http import CloudEvent
from structlog.testing import capture_logs

from mlsys.domain.errors import Busy, InvalidInput, NotFound
from mlsys.edge.events import (
    MESSAGE_PUBLISHED,
    OBJECT_FINALIZED,
    read_message,
    read_upload,
    receive,
)


def event(type: str, data: Any) -> CloudEvent:
    return CloudEvent({"type": type, "source": "//test", "id": "e-1"}, data)


def message(body: bytes, **attributes: str) -> CloudEvent:
    data = base64.b64encode(body).decode()
    return event(
        MESSAGE_PUBLISHED,
        {"message": {"data": data, "attributes": attributes, "messageId": "m-1"}},
    )


def raising(error: Exception | None) -> Any:
    def handle(_: Any, __: Any) -> None:
        if error is not None:
            raise error

    return handle


@pytest.mark.parametrize("error", [None, InvalidInput("wrong"), NotFound("gone")])
def test_what_trying_again_cannot_mend_is_acknowledged(error: Exception | None) -> None:
    with capture_logs() as lines:
        receive(raising(error), event(OBJECT_FINALIZED, {}), None)

    rejected = [line for line in lines if line["event"] == "event.rejected"]
    assert len(rejected) == (error is not None)
    assert lines[-1]["event"] == "event.handled"


def test_what_passes_is_asked_for_again() -> None:
    with pytest.raises(Busy):
        receive(raising(Busy("another is at it")), event(OBJECT_FINALIZED, {}), None)


def test_what_nobody_foresaw_is_asked_for_again() -> None:
    with pytest.raises(ZeroDivisionError):
        receive(raising(ZeroDivisionError()), event(OBJECT_FINALIZED, {}), None)


def test_an_upload_is_read_whatever_else_the_event_says() -> None:
    upload = read_upload(
        event(
            OBJECT_FINALIZED,
            {"bucket": "uploads", "name": "iris/a.csv", "generation": "7", "size": "12"},
        )
    )

    assert (upload.bucket, upload.name, upload.generation) == ("uploads", "iris/a.csv", "7")


def test_a_notification_says_the_same_in_a_message() -> None:
    told = {"kind": "storage#object", "bucket": "uploads", "name": "iris/a.csv", "generation": "7"}

    upload = read_upload(message(json.dumps(told).encode(), eventType="OBJECT_FINALIZE"))

    assert (upload.bucket, upload.name, upload.generation) == ("uploads", "iris/a.csv", "7")


@pytest.mark.parametrize(
    "forged",
    [
        event(
            "google.cloud.storage.object.v1.deleted",
            {"bucket": "b", "name": "n", "generation": "1"},
        ),
        event(OBJECT_FINALIZED, {"bucket": "b", "name": "n"}),
        event(OBJECT_FINALIZED, {"bucket": 3, "name": "n", "generation": "1"}),
        event(OBJECT_FINALIZED, b"not json"),
        event(OBJECT_FINALIZED, None),
        event(OBJECT_FINALIZED, []),
        message(b'{"bucket": "b", "name": "n", "generation": "1"}'),
        message(b'{"bucket": "b", "name": "n", "generation": "1"}', eventType="OBJECT_DELETE"),
        message(b'{"bucket": "b", "name": "n"}', eventType="OBJECT_FINALIZE"),
        message(b"[]", eventType="OBJECT_FINALIZE"),
        message(b"{", eventType="OBJECT_FINALIZE"),
        event(MESSAGE_PUBLISHED, {"bucket": "b", "name": "n", "generation": "1"}),
    ],
)
def test_a_forged_or_malformed_upload_is_refused(forged: CloudEvent) -> None:
    with pytest.raises(InvalidInput):
        read_upload(forged)


def test_a_message_is_read_and_its_request_id_goes_into_the_log() -> None:
    structlog.contextvars.clear_contextvars()

    read = read_message(message(json.dumps({"a": 1}).encode(), request_id="r-1", other="x"))

    assert (read.id, read.body, read.attributes["other"]) == ("m-1", {"a": 1}, "x")
    assert structlog.contextvars.get_contextvars() == {"request_id": "r-1"}


@pytest.mark.parametrize(
    "malformed",
    [
        message(b"{"),
        message(b'{"a": NaN}'),
        event(MESSAGE_PUBLISHED, {}),
        event(MESSAGE_PUBLISHED, {"message": "text"}),
        event(MESSAGE_PUBLISHED, {"message": {"data": "%%%"}}),
        event(MESSAGE_PUBLISHED, {"message": {}}),
        event(OBJECT_FINALIZED, {"message": {"data": "e30="}}),
    ],
)
def test_a_malformed_message_is_refused(malformed: CloudEvent) -> None:
    with pytest.raises(InvalidInput):
        read_message(malformed)
