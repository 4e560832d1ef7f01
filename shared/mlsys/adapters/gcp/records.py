"""`Records` in Firestore."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from google.api_core import exceptions as vendor
from google.api_core.retry import Retry, if_exception_type
from google.cloud.firestore import (
    Client,
    DocumentReference,
    DocumentSnapshot,
    FieldFilter,
    LastUpdateOption,
    Query,
    WriteBatch,
)
from google.cloud.firestore_v1.field_path import FieldPath
from proto.datetime_helpers import DatetimeWithNanoseconds

from mlsys.adapters.documents import (
    Listing,
    Stored,
    address,
    checked_collection,
    checked_limit,
    single,
    stored,
)
from mlsys.adapters.gcp.translated import ATTEMPT_SECONDS, TRANSIENT, patiently, translated
from mlsys.domain.errors import AlreadyExists, Conflict, MlsysError, NotFound
from mlsys.domain.ids import checked_id
from mlsys.ports import Create, Delete, Document, Json, Page, Replace, Scalar, Write

NEVER = Retry(if_exception_type())
"""A query that breaks off midway asks its retry whether to go on, so None is not good enough."""


def firestore_records(project: str, database: str) -> "FirestoreRecords":
    """Connect; `FIRESTORE_EMULATOR_HOST` leads to the emulator."""
    return FirestoreRecords(Client(project=project, database=database))


class FirestoreRecords:
    """`Records` in Firestore.

    A document has three fields: `json`, the text of the body, which comes back exactly; `fields`,
    the scalars that a query may name; `token`, of the commit that wrote it, by which we know our
    own write after its acknowledgement was lost.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def get(self, collection: str, id: str) -> Document:
        found = self.get_many(collection, [id])
        if id not in found:
            raise NotFound(f"{collection}/{id} does not exist")
        return found[id]

    @translated
    def get_many(self, collection: str, ids: Sequence[str]) -> dict[str, Document]:
        parent = self._client.collection(checked_collection(collection))
        references = [parent.document(checked_id(id, what="record")) for id in ids]
        if not references:
            return {}
        snapshots = patiently(
            lambda: list(self._client.get_all(references, retry=None, timeout=ATTEMPT_SECONDS))
        )
        return {one.id: _document(collection, one) for one in snapshots if one.exists}

    @translated
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
        listing = Listing(collection, where or {}, order_by, descending)
        query = self._query(listing, cursor).limit(checked_limit(limit) + 1)
        snapshots = patiently(lambda: query.get(retry=NEVER, timeout=ATTEMPT_SECONDS))
        documents = [_document(collection, one) for one in snapshots[:limit]]
        more = len(snapshots) > limit
        return Page(documents, listing.cursor_after(documents[-1]) if more else None)

    def create(self, collection: str, id: str, body: Json) -> Document:
        return single(self.commit([Create(collection, id, body)]))

    def replace(self, seen: Document, body: Json) -> Document:
        return single(self.commit([Replace(seen, body)]))

    @translated
    def commit(self, writes: Sequence[Write]) -> list[Document | None]:
        bodies = stored(writes)
        times = self._commit(writes, bodies, token=uuid4().hex)
        return [
            None if isinstance(write, Delete) else _written(write, body, written_at)
            for write, body, written_at in zip(writes, bodies, times, strict=True)
        ]

    def _query(self, listing: Listing, cursor: str | None) -> Query:
        way = Query.DESCENDING if listing.descending else Query.ASCENDING
        query = Query(self._client.collection(listing.collection))
        for name, value in listing.where.items():
            query = query.where(filter=FieldFilter(_path(name), "==", value))
        if listing.order_by is not None:
            query = query.order_by(_path(listing.order_by), direction=way)
        query = query.order_by("__name__", direction=way)
        if cursor is None:
            return query
        last, id = listing.position(cursor)
        return query.start_after([id] if last is None else [last, id])

    def _commit(
        self, writes: Sequence[Write], bodies: Sequence[Stored], *, token: str
    ) -> list[DatetimeWithNanoseconds]:
        """Send one atomic batch until it stands or is refused. Return when each write happened."""
        batch = self._client.batch()
        for write, body in zip(writes, bodies, strict=True):
            self._add(batch, write, body, token=token)
        uncertain = False

        def attempt() -> list[DatetimeWithNanoseconds]:
            nonlocal uncertain
            try:
                results = batch.commit(retry=None, timeout=ATTEMPT_SECONDS)
            except TRANSIENT:
                uncertain = True
                raise
            except (vendor.AlreadyExists, vendor.FailedPrecondition, vendor.NotFound) as error:
                stands_since = self._stands_since(writes, token=token) if uncertain else None
                if stands_since is None:
                    raise _refusal(error, writes) from error
                return [stands_since] * len(writes)
            return [result.update_time or batch.commit_time for result in results]

        return patiently(attempt)

    def _add(self, batch: WriteBatch, write: Write, body: Stored, *, token: str) -> None:
        reference = self._reference(write)
        content = {"json": body.text, "fields": dict(body.fields), "token": token}
        if isinstance(write, Create):
            batch.create(reference, content)
        elif isinstance(write, Replace):
            batch.update(reference, content, option=_unchanged(write.seen))
        else:
            batch.delete(reference, option=_unchanged(write.seen))

    def _stands_since(
        self, writes: Sequence[Write], *, token: str
    ) -> DatetimeWithNanoseconds | None:
        """Return when an earlier attempt of ours was applied, or None if none was.

        A commit is atomic: one document with our token proves all of it. One that only deletes
        leaves no token; it counts as ours if all it was to delete is gone.
        """
        references = [self._reference(write) for write in writes]
        snapshots = list(self._client.get_all(references, retry=None, timeout=ATTEMPT_SECONDS))
        for one in snapshots:
            if one.exists and one.get("token") == token:
                return one.update_time
        gone = not any(one.exists for one in snapshots)
        only_deletes = all(isinstance(write, Delete) for write in writes)
        return snapshots[0].read_time if gone and only_deletes else None

    def _reference(self, write: Write) -> DocumentReference:
        collection, id = address(write)
        return self._client.collection(collection).document(id)


def _path(name: str) -> str:
    return FieldPath("fields", name).to_api_repr()


def _unchanged(seen: Document) -> LastUpdateOption:
    return LastUpdateOption(DatetimeWithNanoseconds.from_rfc3339(seen.revision))


def _refusal(error: vendor.GoogleAPICallError, writes: Sequence[Write]) -> MlsysError:
    names = ", ".join("/".join(address(write)) for write in writes[:5])
    if isinstance(error, vendor.AlreadyExists):
        return AlreadyExists(f"of {names}, one to be created already exists: {error.message}")
    return Conflict(f"of {names}, one changed or went away since it was read: {error.message}")


def _written(write: Write, body: Stored, at: DatetimeWithNanoseconds) -> Document:
    collection, id = address(write)
    return _as_document(collection, id, body.text, updated_at=at, read_at=at)


def _document(collection: str, snapshot: DocumentSnapshot) -> Document:
    return _as_document(
        collection,
        snapshot.id,
        snapshot.get("json"),
        updated_at=snapshot.update_time,
        read_at=snapshot.read_time,
    )


def _as_document(
    collection: str,
    id: str,
    text: str,
    *,
    updated_at: DatetimeWithNanoseconds,
    read_at: DatetimeWithNanoseconds,
) -> Document:
    return Document(
        collection,
        id,
        json.loads(text),
        revision=updated_at.rfc3339(),
        updated_at=datetime.fromisoformat(updated_at.isoformat()),
        read_at=datetime.fromisoformat(read_at.isoformat()),
    )
