"""What mlsys needs from outside: one protocol for each thing, with its promises. Read this first.

`adapters/gcp` and `adapters/local` keep them; `tests/contracts` checks every promise on both.
Every method may raise `Unavailable`, which is not repeated below.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, BinaryIO, Protocol

Json = dict[str, Any]
Scalar = str | int | float | bool


# --- Objects ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class ObjectInfo:
    """One generation of one object. `generation` is opaque; a new content has a new one."""

    uri: str
    generation: str
    size_bytes: int
    updated_at: datetime


@dataclass(frozen=True)
class TableSource:
    """What Polars may scan or sink directly: `pl.scan_parquet(path, storage_options=...)`."""

    path: str
    storage_options: Mapping[str, str] = field(default_factory=dict)


class Objects(Protocol):
    """Whole blobs, addressed by `gs://bucket/name`.

    Every adapter promises, and tests/contracts/test_objects.py checks:

    - a reader sees one whole generation, old or new, never a mixture or a part of one;
    - a read that starts after a write returned sees that write, and so does a list;
    - of racing `put_once` calls and `once` writers with different content exactly one succeeds; a
      repeated one with the same content succeeds, so a lost acknowledgement does no harm;
    - a writer that leaves its `with` block by an exception leaves nothing behind.
    """

    def stat(self, uri: str) -> ObjectInfo:
        """Look at the newest generation. Raises NotFound, InvalidInput (not an address)."""
        ...

    def read(self, uri: str, *, sha256: str | None = None) -> bytes:
        """Return the whole content. Raises NotFound, Corrupt (it does not have that sha256)."""
        ...

    def put(self, uri: str, content: bytes) -> ObjectInfo:
        """Store `content`, whatever stood there."""
        ...

    def put_once(self, uri: str, content: bytes) -> ObjectInfo:
        """Store `content` where nothing stands. Raises AlreadyExists (other content does)."""
        ...

    def open_reader(self, uri: str, *, generation: str) -> AbstractContextManager[BinaryIO]:
        """Stream one generation, in bounded memory. Raises NotFound (gone, or replaced)."""
        ...

    def open_writer(self, uri: str, *, once: bool = False) -> AbstractContextManager[BinaryIO]:
        """Stream a new content in, in bounded memory; it appears when the block ends.

        With `once` it appears only where nothing stands. The end of the block then raises
        AlreadyExists (other content does).
        """
        ...

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield what lies below `gs://bucket/` or `gs://bucket/folder/`, by name."""
        ...

    def delete(self, uri: str) -> None:
        """Remove the object; nothing happens where there is none."""
        ...

    def table_source(self, uri: str) -> TableSource:
        """Say how Polars reaches this object."""
        ...


class ObjectReader(Protocol):
    """What a server needs of `Objects`; it may be lighter to start. The same promises hold."""

    def read(self, uri: str, *, sha256: str | None = None) -> bytes:
        """Return the whole content. Raises NotFound, Corrupt (it does not have that sha256)."""
        ...


# --- Records ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Document:
    """A record as it was read. `revision` is opaque; both times are the server's clock."""

    collection: str
    id: str
    body: Json
    revision: str
    updated_at: datetime
    read_at: datetime


@dataclass(frozen=True)
class Create:
    """Store a document where none stands."""

    collection: str
    id: str
    body: Json


@dataclass(frozen=True)
class Replace:
    """Overwrite `seen`, if it still stands as it was seen."""

    seen: Document
    body: Json


@dataclass(frozen=True)
class Delete:
    """Remove `seen`, if it still stands as it was seen."""

    seen: Document


Write = Create | Replace | Delete


@dataclass(frozen=True)
class Page:
    """Some documents, and where to go on: `cursor` is None at the end."""

    documents: Sequence[Document]
    cursor: str | None


class Records(Protocol):
    """Small JSON documents, addressed by (collection, id).

    A collection is a name, or `{collection}/{id}/{name}` for what belongs to one document. A body
    is a JSON object of at most 900,000 bytes; what a query names is a scalar at its top level
    (adapters/documents.py says which).

    Every adapter promises, and tests/contracts/test_records.py checks:

    - a read that starts after a write returned sees that write;
    - of racing creates, or replaces of one revision, exactly one succeeds;
    - a commit happens whole or not at all: once one of its writes was seen, all are;
    - a commit whose acknowledgement was lost on the way is not reported as failed;
    - each write, even of an equal body, gives a new revision and a new `updated_at`;
    - a returned body is a fresh copy that the caller may change, equal to what was stored.
    """

    def get(self, collection: str, id: str) -> Document:
        """Read one document. Raises NotFound."""
        ...

    def get_many(self, collection: str, ids: Sequence[str]) -> dict[str, Document]:
        """Read several; an id without a document has no entry."""
        ...

    def query(
        self,
        collection: str,
        *,
        where: Mapping[str, Scalar] | None = None,
        order_by: str | None = None,
        descending: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        """Read what equals `where`, by `order_by` and then id; documents without it are left out.

        Bools come before numbers, and numbers before strings. `descending` turns both orders
        round, and needs `order_by`. A cursor stays good while documents come and go: nothing that
        stays is missed or repeated. Raises InvalidInput (the cursor is not one of this query's).
        """
        ...

    def create(self, collection: str, id: str, body: Json) -> Document:
        """Store a new document. Raises AlreadyExists, TooLarge."""
        ...

    def replace(self, seen: Document, body: Json) -> Document:
        """Overwrite `seen`. Raises Conflict if it changed or went away, TooLarge."""
        ...

    def commit(self, writes: Sequence[Write]) -> list[Document | None]:
        """Do all writes (1 to 400, 3.5 MB), or none; a deleted document is answered with None.

        Each document is named once; what a query may name counts twice. Raises AlreadyExists (a
        create came too late), Conflict (a replace or delete did), TooLarge.
        """
        ...


class RecordReader(Protocol):
    """What a server needs of `Records`; it may be lighter to start. The same promises hold."""

    def get(self, collection: str, id: str) -> Document:
        """Read one document. Raises NotFound."""
        ...


# --- Messages --------------------------------------------------------------------------------


class Messages(Protocol):
    """Topics that deliver each message at least once, in any order, as a CloudEvent over HTTP.

    Every adapter promises, and tests/contracts/test_messages.py checks:

    - a published message arrives with its body and attributes, even if nobody listened before;
    - what is not answered 2xx arrives again.
    """

    def publish(self, topic: str, body: Json, *, attributes: Mapping[str, str]) -> str:
        """Send `body`, at most 64 KiB as JSON. Returns the message id. Raises TooLarge."""
        ...


# --- Jobs ------------------------------------------------------------------------------------


class ExecutionState(StrEnum):
    """How an execution stands; the last three are final."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def final(self) -> bool:
        """Whether nothing of the execution runs any more."""
        return self is not ExecutionState.RUNNING


@dataclass(frozen=True)
class Execution:
    """One start of a job: `tasks` processes that get the same arguments."""

    id: str
    job: str
    state: ExecutionState
    tasks: int
    succeeded: int
    failed: int


class Jobs(Protocol):
    """Processes that run to their end, several tasks side by side.

    A task finds `CLOUD_RUN_EXECUTION`, `CLOUD_RUN_TASK_INDEX`, `CLOUD_RUN_TASK_ATTEMPT` and
    `CLOUD_RUN_TASK_COUNT` in its environment. `start` cannot be idempotent: whoever calls it
    twice has two executions, so the job itself must claim its work.

    Every adapter promises, and tests/contracts/test_jobs.py checks:

    - a task that ends with another code than 0, or is killed, is started again as the next
      attempt, up to the job's limit; only then the execution is FAILED;
    - a cancelled task gets SIGTERM, then 10 seconds, then SIGKILL.
    """

    def start(self, job: str, *, arguments: Sequence[str], tasks: int = 1) -> Execution:
        """Start the job and return at once. Raises NotFound (no such job)."""
        ...

    def look(self, execution_id: str) -> Execution:
        """Say how an execution stands. Raises NotFound."""
        ...

    def cancel(self, execution_id: str) -> None:
        """Ask for its end; nothing happens to what has ended. Raises NotFound."""
        ...
