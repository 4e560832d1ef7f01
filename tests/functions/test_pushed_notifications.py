"""Split takes what Cloud Storage tells a topic, as Pub/Sub pushes it: at most once, or again."""

import base64
import json
from typing import Any

import httpx
import pytest

from mlsys.domain.split_records import Attempt, SplitStatus
from mlsys.repositories.splits import SPLITS
from mlsys.runtime import Runtime
from tests.functions.conftest import Deploy

MESSAGE_ID = "12345678901234567"
OTHER = Attempt.model_validate({"number": 1, "token": "another"})


def push(client: httpx.Client, told: Any, *, event: str = "OBJECT_FINALIZE") -> httpx.Response:
    """Push a notification, with the fields and attributes that Cloud Storage sends."""
    resource = {
        "kind": "storage#object",
        "id": "uploads/iris/table.csv/1",
        "contentType": "text/csv",
        "size": "1234",
        "timeCreated": "2026-11-01T00:00:00.000Z",
        **told,
    }
    attributes = {
        "notificationConfig": "projects/_/buckets/uploads/notificationConfigs/1",
        "eventType": event,
        "payloadFormat": "JSON_API_V1",
        "bucketId": str(told.get("bucket")),
        "objectId": str(told.get("name")),
        "objectGeneration": str(told.get("generation")),
        "eventTime": "2026-11-01T00:00:00.000000Z",
    }
    message = {
        "data": base64.b64encode(json.dumps(resource).encode()).decode(),
        "attributes": attributes,
        "messageId": MESSAGE_ID,
        "message_id": MESSAGE_ID,
        "publishTime": "2026-11-01T00:00:00.000Z",
        "publish_time": "2026-11-01T00:00:00.000Z",
    }
    envelope = {
        "message": message,
        "subscription": "projects/demo/subscriptions/mlsys-push-split-dev",
        "deliveryAttempt": 1,
    }
    return client.post("/", json=envelope)


def test_a_notification_splits_once_however_often_it_is_delivered(
    deploy: Deploy, runtime: Runtime, uploaded: dict[str, str]
) -> None:
    client = deploy("split")

    answered = [push(client, uploaded).status_code for _ in range(2)]

    [split] = SPLITS.list(records=runtime.records).values
    assert answered == [200, 200]
    assert (split.status, sum(split.rows.values())) == (SplitStatus.READY, 120)
    assert split.request_id == MESSAGE_ID


def test_while_another_is_at_it_the_notification_is_to_come_again(
    deploy: Deploy, runtime: Runtime, uploaded: dict[str, str]
) -> None:
    client = deploy("split")
    push(client, uploaded)
    [split] = SPLITS.list(records=runtime.records).values
    held = {"status": SplitStatus.RUNNING, "attempt": OTHER}
    SPLITS.change(split.id, lambda one: one.model_copy(update=held), records=runtime.records)

    answered = push(client, uploaded)

    assert answered.status_code == 500


@pytest.mark.parametrize(
    ("told", "event"),
    [
        ({}, "OBJECT_DELETE"),
        ({}, "OBJECT_METADATA_UPDATE"),
        ({"bucket": "artifacts"}, "OBJECT_FINALIZE"),
        ({"generation": None}, "OBJECT_FINALIZE"),
        ({"generation": "1"}, "OBJECT_FINALIZE"),
        ({"name": "../../etc/passwd"}, "OBJECT_FINALIZE"),
    ],
)
def test_what_trying_again_cannot_mend_is_acknowledged(
    deploy: Deploy, runtime: Runtime, uploaded: dict[str, str], told: Any, event: str
) -> None:
    answered = push(deploy("split"), {**uploaded, **told}, event=event)

    assert answered.status_code == 200
    assert SPLITS.list(records=runtime.records).values == []
