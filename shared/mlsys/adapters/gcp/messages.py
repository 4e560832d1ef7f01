"""`Messages` in Pub/Sub."""

from collections.abc import Mapping
from typing import Any

from google.api_core import exceptions as vendor
from google.cloud.pubsub_v1 import PublisherClient
from google.pubsub_v1 import PublisherClient as PlainClient

from mlsys.adapters.envelopes import message_text
from mlsys.adapters.gcp.translated import ATTEMPT_SECONDS, patiently, translated
from mlsys.domain.errors import NotFound
from mlsys.ports import Json


def pubsub_messages(project: str) -> "PubSubMessages":
    """Connect; `PUBSUB_EMULATOR_HOST` leads to the emulator."""
    return PubSubMessages(project, PublisherClient())


class PubSubMessages:
    """`Messages` in Pub/Sub; a topic is named without its project."""

    def __init__(self, project: str, publisher: PublisherClient) -> None:
        self._project = project
        self._publisher = publisher

    @translated
    def publish(self, topic: str, body: Json, *, attributes: Mapping[str, str]) -> str:
        text = message_text(topic, body, attributes)
        path = self._publisher.topic_path(self._project, topic)
        message = {"data": text.encode(), "attributes": dict(attributes)}
        try:
            answer = patiently(lambda: self._send(path, message))
        except vendor.NotFound as error:
            raise NotFound(f"topic {path} does not exist: create it first") from error
        [message_id] = answer.message_ids
        return str(message_id)

    def _send(self, path: str, message: Json) -> Any:
        """Send at once; the client's own `publish` batches, and has no attribute `timeout`."""
        request = {"topic": path, "messages": [message]}
        return PlainClient.publish(self._publisher, request, retry=None, timeout=ATTEMPT_SECONDS)
