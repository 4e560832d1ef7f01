"""The promises of `Messages`, on every backend."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlsys.adapters.local.messages import SqliteMessages, topic_channel
from mlsys.dev.delivery import DeliveryWorker
from mlsys.domain.errors import InvalidInput, TooLarge
from mlsys.ports import Json, Messages
from tests.cloud.listener import Received, listening
from tests.ports import free_port

TOPIC = "experiments"


@dataclass(frozen=True)
class Messaging:
    """The port, and how to have a topic pushed to a URL."""

    messages: Messages
    subscribe: Callable[[str], object]


@pytest.fixture(params=["local", pytest.param("gcp", marks=pytest.mark.emulator)])
def messaging(request: pytest.FixtureRequest, tmp_path: Path, project: str) -> Iterator[Messaging]:
    """The port with one topic that nobody listens to yet, once per backend."""
    with ExitStack() as stack:
        if request.param == "local":
            outbox = SqliteMessages(tmp_path / "outbox.db", retry_seconds=[0.2] * 50)
            yield Messaging(outbox, lambda url: _deliver(stack, outbox, url))
        else:
            request.getfixturevalue("pubsub_emulator")
            yield _in_pubsub(stack, project)


def test_a_message_arrives_with_its_body_and_attributes(messaging: Messaging) -> None:
    body = {"name": "čaj ☕", "seed": 2**53 + 1, "nested": [[1.0, 1, None]], "": {}}
    attributes = {"request_id": "r-1", "traceparent": "00-ab-cd-01", "empty": "", "timeout": "☕ x"}

    with listening() as endpoint:
        messaging.subscribe(endpoint.url)
        id = messaging.messages.publish(TOPIC, body, attributes=attributes)
        message = _message(endpoint.next())

    assert json.loads(base64.b64decode(message["data"])) == body
    assert message.get("attributes", {}) == attributes
    assert message["messageId"] == id
    assert message["publishTime"].endswith("Z")


def test_a_message_without_attributes_arrives(messaging: Messaging) -> None:
    with listening() as endpoint:
        messaging.subscribe(endpoint.url)
        messaging.messages.publish(TOPIC, {}, attributes={})
        message = _message(endpoint.next())

    assert json.loads(base64.b64decode(message["data"])) == {}
    assert message.get("attributes", {}) == {}


@pytest.mark.parametrize("status", [301, 400, 429, 500, 503])
def test_what_is_not_answered_2xx_arrives_again(messaging: Messaging, status: int) -> None:
    with listening(answers=[status, status, 200]) as endpoint:
        messaging.subscribe(endpoint.url)
        messaging.messages.publish(TOPIC, {"n": 1}, attributes={"a": "b"})
        arrivals = [_message(endpoint.next()) for _ in range(3)]

    assert arrivals[0] == arrivals[1] == arrivals[2]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_what_is_answered_2xx_does_not_come_again(messaging: Messaging, status: int) -> None:
    with listening(answers=[status]) as endpoint:
        messaging.subscribe(endpoint.url)
        messaging.messages.publish(TOPIC, {"n": 1}, attributes={})
        endpoint.next()

        assert endpoint.silent(seconds=1)


def test_a_message_published_before_anyone_listened_arrives(messaging: Messaging) -> None:
    port = free_port()
    messaging.subscribe(f"http://127.0.0.1:{port}/")
    messaging.messages.publish(TOPIC, {"n": 1}, attributes={})

    with listening(port) as endpoint:
        message = _message(endpoint.next())

    assert json.loads(base64.b64decode(message["data"])) == {"n": 1}


def test_each_of_many_messages_arrives(messaging: Messaging) -> None:
    with listening(answers=[500, 200, 500]) as endpoint:
        messaging.subscribe(endpoint.url)
        ids = {messaging.messages.publish(TOPIC, {"n": n}, attributes={}) for n in range(20)}
        arrived = [_message(endpoint.next())["messageId"] for _ in range(22)]

    assert len(ids) == 20
    assert set(arrived) == ids


def test_a_body_of_64_kib_is_sent_and_one_more_byte_refused(messaging: Messaging) -> None:
    largest = {"text": "x" * (64 * 1024 - len('{"text":""}'))}

    with listening() as endpoint:
        messaging.subscribe(endpoint.url)
        with pytest.raises(TooLarge):
            messaging.messages.publish(TOPIC, {"text": largest["text"] + "x"}, attributes={})
        messaging.messages.publish(TOPIC, largest, attributes={})
        message = _message(endpoint.next())

    assert json.loads(base64.b64decode(message["data"])) == largest


@pytest.mark.parametrize(
    ("largest", "beyond"),
    [
        ({f"a{n}": "" for n in range(100)}, {f"a{n}": "" for n in range(101)}),
        ({"a" * 256: ""}, {"a" * 257: ""}),
        ({"a": "x" * 1_024}, {"a": "x" * 1_025}),
    ],
    ids=["number", "name", "value"],
)
def test_attributes_have_limits(
    messaging: Messaging, largest: dict[str, str], beyond: dict[str, str]
) -> None:
    messaging.messages.publish(TOPIC, {}, attributes=largest)

    with pytest.raises(TooLarge):
        messaging.messages.publish(TOPIC, {}, attributes=beyond)


@pytest.mark.parametrize("body", [{"a": float("nan")}, {"a": 10**5000}])
def test_a_body_that_is_not_json_is_refused(messaging: Messaging, body: Json) -> None:
    with pytest.raises(InvalidInput):
        messaging.messages.publish(TOPIC, body, attributes={})


@pytest.mark.parametrize("topic", ["", "a/b", "projects/p/topics/t", "Ä"])
def test_a_topic_is_a_short_name(messaging: Messaging, topic: str) -> None:
    with pytest.raises(InvalidInput):
        messaging.messages.publish(topic, {}, attributes={})


def _deliver(stack: ExitStack, outbox: SqliteMessages, url: str) -> None:
    stack.enter_context(DeliveryWorker(outbox, {topic_channel(TOPIC): url}, timeout_seconds=5))


def _in_pubsub(stack: ExitStack, project: str) -> Messaging:
    from google.cloud import pubsub_v1

    from mlsys.adapters.gcp.messages import PubSubMessages

    publisher = pubsub_v1.PublisherClient()
    stack.callback(publisher.transport.close)
    stack.callback(publisher.stop)
    topic = publisher.topic_path(project, TOPIC)
    publisher.create_topic(name=topic)

    def subscribe(url: str) -> None:
        subscriber = stack.enter_context(pubsub_v1.SubscriberClient())
        name = subscriber.subscription_path(project, TOPIC)
        pushed = {"name": name, "topic": topic, "push_config": {"push_endpoint": url}}
        subscriber.create_subscription(request=pushed)
        stack.callback(subscriber.delete_subscription, subscription=name)

    return Messaging(PubSubMessages(project, publisher), subscribe)


def _message(received: Received) -> dict[str, Any]:
    """Take the message out of a CloudEvent, or of the push format of before CloudEvents."""
    message: dict[str, Any] = received.body["message"]
    return {name: message[name] for name in message if "_" not in name}
