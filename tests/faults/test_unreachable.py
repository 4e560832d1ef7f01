"""Google Cloud that does not answer is `Unavailable`, after a bounded time."""

import time

import pytest

from mlsys.domain.errors import Unavailable
from tests.ports import free_port

pytest.importorskip("google.cloud.firestore", reason="needs the extra gcp")


@pytest.fixture(autouse=True)
def _nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", nowhere)
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", nowhere)
    monkeypatch.setattr("mlsys.adapters.gcp.translated.TOTAL_SECONDS", 0.5)


def test_a_store_that_does_not_answer_is_unavailable() -> None:
    from google.cloud import firestore

    from mlsys.adapters.gcp.records import FirestoreRecords

    client = firestore.Client(project="test-project")
    records = FirestoreRecords(client)
    began = time.monotonic()

    with pytest.raises(Unavailable):
        records.get("splits", "a")
    with pytest.raises(Unavailable):
        records.query("splits")
    with pytest.raises(Unavailable):
        records.create("splits", "a", {})

    client.close()
    assert time.monotonic() - began < 10


def test_a_topic_that_does_not_answer_is_unavailable() -> None:
    from google.cloud import pubsub_v1

    from mlsys.adapters.gcp.messages import PubSubMessages

    publisher = pubsub_v1.PublisherClient()
    began = time.monotonic()

    with pytest.raises(Unavailable):
        PubSubMessages("test-project", publisher).publish("experiments", {}, attributes={})

    publisher.stop()
    publisher.transport.close()
    assert time.monotonic() - began < 10
