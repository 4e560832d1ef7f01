"""What both backends of messages hold to: how large a message is, and what goes along with it."""

from collections.abc import Mapping

from mlsys.adapters.documents import json_text
from mlsys.domain.errors import InvalidInput, TooLarge
from mlsys.domain.ids import checked_id
from mlsys.ports import Json

MAX_MESSAGE_BYTES = 64 * 1024
MAX_ATTRIBUTES = 100
MAX_NAME_BYTES = 256
MAX_VALUE_BYTES = 1_024


def message_text(topic: str, body: Json, attributes: Mapping[str, str]) -> str:
    """Return the body as JSON text, if the message can be sent.

    Raises:
        TooLarge: the body is over 64 KiB, or the attributes over Pub/Sub's limits.
        InvalidInput: the topic is not a short name, or the body is not JSON.
    """
    checked_id(topic, what="topic")
    if len(attributes) > MAX_ATTRIBUTES:
        raise TooLarge(f"a message has at most {MAX_ATTRIBUTES} attributes, got {len(attributes)}")
    for name, value in attributes.items():
        if not name or name.startswith("goog"):
            raise InvalidInput(f"attribute {name!r}: want a name that does not start with 'goog'")
        if len(name.encode()) > MAX_NAME_BYTES or len(value.encode()) > MAX_VALUE_BYTES:
            raise TooLarge(
                f"attribute {name[:80]!r}: a name has at most {MAX_NAME_BYTES} bytes, "
                f"a value at most {MAX_VALUE_BYTES}"
            )
    return json_text(body, at_most=MAX_MESSAGE_BYTES, what="a message")
