"""Names of things: what an id may look like, ids made from content, addresses of objects."""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import StringConstraints

from mlsys.domain.errors import InvalidInput

ID_PATTERN = r"^[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?$"
BUCKET_PATTERN = r"^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$"
MAX_KEY_BYTES = 1024

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]


def checked_id(value: str, *, what: str) -> str:
    """Return `value` if it may name a record.

    Raises:
        InvalidInput: it has other characters than a-z, 0-9, `_`, `-`, or is over 64 long.

    >>> checked_id("churn-2", what="model")
    'churn-2'

    """
    if not re.fullmatch(ID_PATTERN, value):
        raise InvalidInput(
            f"{what}: {value[:80]!r} is not an id: 1 to 64 of a-z, 0-9, '_' and '-', "
            "starting and ending with a letter or digit"
        )
    return value


def content_id(prefix: str, *parts: Any) -> str:
    """Make an id from what it stands for: the same parts, the same id, on every machine.

    Args:
        prefix: what kind of thing it is, e.g. `split`.
        parts: JSON values; dictionaries are compared without regard to order.

    Returns:
        `{prefix}-` and 24 hexadecimal digits (96 bits of SHA-256).

    >>> content_id("split", {"a": 1, "b": 2}) == content_id("split", {"b": 2, "a": 1})
    True

    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return f"{prefix}-{hashlib.sha256(text.encode()).hexdigest()[:24]}"


@dataclass(frozen=True)
class Address:
    """Where an object lies: `gs://{bucket}/{key}`."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"gs://{self.bucket}/{self.key}"


def parse_uri(uri: str) -> Address:
    """Take a `gs://` URI apart, refusing whatever could point elsewhere.

    Raises:
        InvalidInput: another scheme, no key, an empty, `.` or `..` segment, or a character
            that a library could expand or decode (wildcards, `%`, backslash, control characters).

    >>> parse_uri("gs://artifacts/models/churn/v1/model.txt").key
    'models/churn/v1/model.txt'

    """
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "gs" or not re.fullmatch(BUCKET_PATTERN, bucket):
        raise InvalidInput(f"{uri[:200]!r} is not an object address: want gs://bucket/name")
    if len(key.encode(errors="replace")) > MAX_KEY_BYTES or any(
        part in {"", ".", ".."} for part in key.split("/")
    ):
        raise InvalidInput(
            f"{uri[:200]!r}: an object name has 1 to {MAX_KEY_BYTES} bytes "
            "and no empty, '.' or '..' part"
        )
    if re.search(r"[*?\[\]{}%\\\x00-\x1f\x7f\ud800-\udfff]", key):
        raise InvalidInput(
            f"{uri[:200]!r}: an object name here has no wildcard, '%', '\\' or control character"
        )
    return Address(bucket, key)


def parse_folder(uri: str) -> Address:
    """Take the address of everything below a bucket or folder apart; `key` is "" or ends in `/`.

    Raises:
        InvalidInput: it does not end in `/`, or what stands before is no address.

    >>> parse_folder("gs://uploads/titanic/").key
    'titanic/'
    >>> parse_folder("gs://uploads/").key
    ''

    """
    if not uri.endswith("/"):
        raise InvalidInput(f"{uri[:200]!r} is not a folder address: want gs://bucket/folder/")
    inside = parse_uri(f"{uri}_")
    return Address(inside.bucket, inside.key.removesuffix("_"))
