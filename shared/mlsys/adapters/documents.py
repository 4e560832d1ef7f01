"""What both stores of records hold to: how a body is written, how large, what a query sees of it.

A body travels as JSON text, so that it comes back exactly: nesting, large integers, 1 and 1.0.
What a query may name is kept beside it, as scalars: a name of a-z, 0-9 and `_`, starting with a
letter, at most 64 long; a string of at most 1,024 bytes, an integer of 64 bits, a finite float or
a bool; the first 100 such of a body.
"""

import base64
import binascii
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlsys.domain.errors import InvalidInput, TooLarge
from mlsys.domain.ids import checked_id
from mlsys.ports import Create, Delete, Document, Json, Scalar, Write

MAX_BODY_BYTES = 900_000
MAX_COMMIT_BYTES = 3_500_000
MAX_WRITES = 400
MAX_PAGE = 10_000
MAX_FIELDS = 100
MAX_STRING_BYTES = 1_024
FIELD_PATTERN = r"[a-z][a-z0-9_]{0,63}"
FIELD_BYTES = 20


@dataclass(frozen=True)
class Stored:
    """A body as a store keeps it: its text, and the scalars that a query may name."""

    text: str
    fields: Mapping[str, Scalar]

    @property
    def size_bytes(self) -> int:
        """How much of a commit it takes: what a query may name is sent twice."""
        fields = sum(
            len(name) + FIELD_BYTES + (len(value.encode()) if isinstance(value, str) else 0)
            for name, value in self.fields.items()
        )
        return len(self.text) + fields


NOTHING = Stored("", {})


def json_text(body: Json, *, at_most: int, what: str) -> str:
    r"""Return `body` as compact JSON in ASCII, so that a byte is a character.

    Raises:
        TooLarge: it is longer than `at_most` bytes.
        InvalidInput: it holds NaN, an infinity or an integer of over 4,300 digits.

    >>> json_text({"a": [1, 1.0, "é"]}, at_most=100, what="a record")
    '{"a":[1,1.0,"\\u00e9"]}'

    """
    try:
        text = json.dumps(body, allow_nan=False, separators=(",", ":"))
    except ValueError as error:
        raise InvalidInput(f"{what} is not JSON: {error}") from error
    if len(text) > at_most:
        raise TooLarge(f"{what} has at most {at_most:,} bytes as JSON, got {len(text):,}")
    return text


def stored(writes: Sequence[Write]) -> list[Stored]:
    """Return what each write stores: nothing for a delete.

    Raises:
        TooLarge: more than 400 writes or 3.5 MB.
        InvalidInput: no write, one document twice, an address or a body that cannot be stored.
    """
    if not writes:
        raise InvalidInput("a commit has at least one write")
    if len(writes) > MAX_WRITES:
        raise TooLarge(f"a commit has at most {MAX_WRITES} writes, got {len(writes)}")
    addresses = [address(write) for write in writes]
    if len(set(addresses)) < len(addresses):
        raise InvalidInput("a commit names each document once; one is named twice")
    bodies = [NOTHING if isinstance(write, Delete) else _stored(write.body) for write in writes]
    size_bytes = sum(body.size_bytes for body in bodies)
    if size_bytes > MAX_COMMIT_BYTES:
        raise TooLarge(f"a commit has at most {MAX_COMMIT_BYTES:,} bytes, got {size_bytes:,}")
    return bodies


def address(write: Write) -> tuple[str, str]:
    """Return (collection, id). Raises InvalidInput if it could mean another document."""
    named = write if isinstance(write, Create) else write.seen
    return checked_collection(named.collection), checked_id(named.id, what="record")


def checked_collection(collection: str) -> str:
    """Return `collection` if it is a name, or `{collection}/{id}/{name}`. Raises InvalidInput."""
    parts = collection.split("/")
    if len(parts) % 2 == 0:
        raise InvalidInput(f"{collection[:200]!r} is a document, not a collection")
    for part in parts:
        checked_id(part, what="collection")
    return collection


@dataclass(frozen=True)
class Listing:
    """What a query asks for, apart from where it starts and ends. Raises InvalidInput."""

    collection: str
    where: Mapping[str, Scalar]
    order_by: str | None
    descending: bool

    def __post_init__(self) -> None:
        checked_collection(self.collection)
        if self.descending and self.order_by is None:
            raise InvalidInput("a query by id alone is ascending: name what orders it")
        for name in [*self.where, *([] if self.order_by is None else [self.order_by])]:
            if not re.fullmatch(FIELD_PATTERN, name):
                raise InvalidInput(f"a query cannot name {name[:80]!r}: want a-z, 0-9, '_'")
        for name, value in self.where.items():
            if not _queryable(value):
                raise InvalidInput(f"a query cannot compare {name} with {str(value)[:80]!r}")

    def cursor_after(self, last: Document) -> str:
        """Return the text that means: go on after `last`."""
        value = None if self.order_by is None else last.body[self.order_by]
        content = json.dumps([self._digest(), value, last.id], separators=(",", ":"))
        return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")

    def position(self, cursor: str) -> tuple[Scalar | None, str]:
        """Return (value of `order_by`, id) of the document that `cursor` stands after.

        Raises:
            InvalidInput: the cursor is damaged, or comes from another query.
        """
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            digest, value, id = json.loads(raw)
        except (binascii.Error, ValueError, TypeError, RecursionError) as error:
            raise InvalidInput(f"{cursor[:80]!r} is not a cursor of this list") from error
        fits = value is None if self.order_by is None else _queryable(value)
        if digest != self._digest() or not fits or not isinstance(id, str):
            raise InvalidInput(f"{cursor[:80]!r} is not a cursor of this list")
        return value, checked_id(id, what="cursor")

    def _digest(self) -> str:
        where = sorted(self.where.items())
        asked = json.dumps([self.collection, where, self.order_by, self.descending])
        return hashlib.sha256(asked.encode()).hexdigest()[:16]


def checked_limit(limit: int) -> int:
    """Return `limit` if a page can have so many documents. Raises InvalidInput."""
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidInput(f"limit: expected 1 to {MAX_PAGE:,}, got {limit}")
    return limit


def single(written: Sequence[Document | None]) -> Document:
    """Return the document of a commit with one create or replace."""
    return next(document for document in written if document is not None)


def _stored(body: Json) -> Stored:
    text = json_text(body, at_most=MAX_BODY_BYTES, what="a record")
    names = [
        name
        for name, value in body.items()
        if re.fullmatch(FIELD_PATTERN, name) and _queryable(value)
    ]
    return Stored(text, {name: body[name] for name in names[:MAX_FIELDS]})


def _queryable(value: object) -> bool:
    """Whether both stores compare `value` exactly and alike."""
    if isinstance(value, bool):
        return True
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, str):
        return len(value.encode(errors="replace")) <= MAX_STRING_BYTES and _encodable(value)
    return False


def _encodable(text: str) -> bool:
    """Whether no half of a surrogate pair stands alone in it."""
    return re.search("[\ud800-\udfff]", text) is None
