"""The local outbox and its delivery worker, beyond what `Messages` promises."""

import json
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from cloudevents.http import from_http

from mlsys.adapters.local import messages
from mlsys.adapters.local.messages import Channel, Event, SqliteMessages, topic_channel
from mlsys.dev.delivery import DeliveryWorker
from tests.cloud.listener import Listener, listening
from tests.processes import killed_on_failure
from tests.waiting import PATIENCE_SECONDS, wait_for

FINALIZED = Channel(
    "google.cloud.storage.object.v1.finalized", "//storage.googleapis.com/projects/_/buckets/up"
)
UPLOAD = Event(
    source=FINALIZED.source,
    id="up/players/1.csv/17",
    type=FINALIZED.type,
    subject="objects/players/čaj 100%.csv",
    time=datetime(2026, 11, 1, 12, 30, tzinfo=UTC),
    data={"bucket": "up", "name": "players/čaj 100%.csv", "generation": "17"},
)


@pytest.fixture
def outbox(tmp_path: Path) -> SqliteMessages:
    return SqliteMessages(tmp_path / "outbox.db", retry_seconds=[0.05] * 4)


def test_an_event_arrives_as_a_cloudevent_in_binary_mode(outbox: SqliteMessages) -> None:
    outbox.enqueue(UPLOAD)

    with listening() as endpoint, _delivering(outbox, endpoint):
        received = endpoint.next()

    event = from_http(received.headers, json.dumps(received.body))
    assert event["id"] == UPLOAD.id
    assert event["source"] == UPLOAD.source
    assert event["type"] == UPLOAD.type
    assert event["specversion"] == "1.0"
    assert event["time"] == "2026-11-01T12:30:00Z"
    assert event["subject"] == "objects/players/%C4%8Daj%20100%25.csv"
    assert received.headers["content-type"] == "application/json"
    assert received.body == UPLOAD.data


def test_an_event_enqueued_twice_is_one_event_even_after_its_delivery(
    outbox: SqliteMessages,
) -> None:
    added = [outbox.enqueue(UPLOAD), outbox.enqueue(UPLOAD)]

    with listening() as endpoint, _delivering(outbox, endpoint):
        endpoint.next()
        _wait_until_empty(outbox)
        added.append(outbox.enqueue(UPLOAD))

        assert endpoint.silent(seconds=0.5)
    assert added == [True, False, False]


def test_an_event_of_another_channel_waits(outbox: SqliteMessages) -> None:
    outbox.publish("other", {}, attributes={})
    outbox.enqueue(UPLOAD)

    with listening() as endpoint, _delivering(outbox, endpoint):
        endpoint.next()
        wait_for(lambda: outbox.waiting() == 1)

    assert outbox.claim([topic_channel("other")], hold_seconds=1) is not None


def test_a_refused_event_is_a_dead_letter_after_five_attempts(outbox: SqliteMessages) -> None:
    outbox.enqueue(UPLOAD)

    with listening(answers=[500] * 9) as endpoint, _delivering(outbox, endpoint):
        _wait_until_empty(outbox)
        attempts = [endpoint.next() for _ in range(5)]

        assert endpoint.silent(seconds=0.3)
    [dead] = outbox.dead_letters()
    assert len(attempts) == 5
    assert dead.event == UPLOAD
    assert dead.attempts == 5
    assert dead.reason.startswith("answered 500")


def test_an_event_that_kills_its_worker_is_a_dead_letter_after_five_attempts(
    outbox: SqliteMessages,
) -> None:
    outbox.enqueue(UPLOAD)

    attempts = []
    while (claim := outbox.claim([FINALIZED], hold_seconds=600)) is not None:
        attempts.append(claim.attempt)
        outbox.release_all()

    [dead] = outbox.dead_letters()
    assert attempts == [1, 2, 3, 4, 5]
    assert "died" in dead.reason


def test_the_pause_before_another_attempt_grows(tmp_path: Path) -> None:
    outbox = SqliteMessages(tmp_path / "outbox.db", retry_seconds=[0.0, 600.0])
    outbox.enqueue(UPLOAD)

    first = outbox.claim([FINALIZED], hold_seconds=600)
    assert first is not None
    outbox.retry(first, reason="busy")
    second = outbox.claim([FINALIZED], hold_seconds=600)
    assert second is not None
    outbox.retry(second, reason="busy")

    assert outbox.claim([FINALIZED], hold_seconds=600) is None
    assert outbox.waiting() == 1


def test_a_claim_is_exclusive_until_it_runs_out(
    outbox: SqliteMessages, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(messages, "time", SimpleNamespace(time=lambda: now))
    outbox.enqueue(UPLOAD)

    first = outbox.claim([FINALIZED], hold_seconds=60)
    meanwhile = outbox.claim([FINALIZED], hold_seconds=60)
    now += 61
    second = outbox.claim([FINALIZED], hold_seconds=600)
    assert first is not None
    outbox.retry(first, reason="too late to matter")

    assert meanwhile is None
    assert second is not None
    assert outbox.claim([FINALIZED], hold_seconds=600) is None


def test_an_endpoint_that_does_not_answer_in_time_gets_the_event_again(
    outbox: SqliteMessages,
) -> None:
    outbox.enqueue(UPLOAD)

    with (
        listening(answers=[None]) as endpoint,
        DeliveryWorker(outbox, {FINALIZED: endpoint.url}, timeout_seconds=0.2),
    ):
        endpoint.next()
        again = endpoint.next()
        _wait_until_empty(outbox)

    assert again.body == UPLOAD.data


def test_a_slow_event_does_not_hold_up_the_next(outbox: SqliteMessages) -> None:
    outbox.enqueue(UPLOAD)

    with listening(answers=[None]) as endpoint, _delivering(outbox, endpoint):
        endpoint.next()
        outbox.publish("experiments", {}, attributes={})

        assert "message" in endpoint.next().body


def test_the_end_breaks_off_what_is_under_way_and_the_next_start_brings_it(
    outbox: SqliteMessages,
) -> None:
    outbox.enqueue(UPLOAD)

    with listening(answers=[None]) as endpoint:
        with _delivering(outbox, endpoint):
            endpoint.next()
            began = time.monotonic()
        seconds = time.monotonic() - began
        claim = outbox.claim([FINALIZED], hold_seconds=600)
        with _delivering(outbox, endpoint):
            again = endpoint.next()
            _wait_until_empty(outbox)

    assert seconds < PATIENCE_SECONDS
    assert claim is not None
    assert claim.attempt == 1
    assert again.body == UPLOAD.data


def test_what_a_killed_worker_left_is_delivered_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    outbox = SqliteMessages(path)
    outbox.enqueue(UPLOAD)
    script = (
        "import sys, time, pathlib\n"
        "from mlsys.adapters.local.messages import Channel, SqliteMessages\n"
        "from mlsys.dev.delivery import DeliveryWorker\n"
        "_, path, kind, source, url = sys.argv\n"
        "outbox = SqliteMessages(pathlib.Path(path))\n"
        "with DeliveryWorker(outbox, {Channel(kind, source): url}): time.sleep(60)\n"
    )

    with listening(answers=[None]) as endpoint:
        arguments = [str(path), FINALIZED.type, FINALIZED.source, endpoint.url]
        with killed_on_failure(
            subprocess.Popen([sys.executable, "-c", script, *arguments])
        ) as killed:
            endpoint.next()
            killed.kill()
        with _delivering(outbox, endpoint):
            again = endpoint.next()
            _wait_until_empty(outbox)

    assert again.body == UPLOAD.data


def _delivering(
    outbox: SqliteMessages, endpoint: Listener
) -> AbstractContextManager[DeliveryWorker]:
    channels = [FINALIZED, topic_channel("experiments")]
    return DeliveryWorker(outbox, dict.fromkeys(channels, endpoint.url))


def _wait_until_empty(outbox: SqliteMessages) -> None:
    wait_for(lambda: outbox.waiting() == 0)
