"""`Records` in a SQLite file."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from mlsys.adapters.documents import (
    Listing,
    Stored,
    address,
    checked_collection,
    checked_limit,
    single,
    stored,
)
from mlsys.adapters.local.database import Database
from mlsys.domain.errors import AlreadyExists, Conflict, NotFound
from mlsys.domain.ids import checked_id
from mlsys.ports import Create, Delete, Document, Json, Page, Replace, Scalar, Write

SCHEMA = """
create table if not exists records (
    collection text not null, id text not null, body text not null,
    revision text not null, updated_at text not null,
    primary key (collection, id)
);
create table if not exists fields (
    collection text not null, id text not null, name text not null, kind integer not null, value,
    primary key (collection, id, name)
) without rowid;
create index if not exists fields_by_value on fields (collection, name, kind, value, id);
"""


class SqliteRecords:
    """`Records` in a SQLite file; safe for many threads and processes on one machine."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, SCHEMA)

    def get(self, collection: str, id: str) -> Document:
        found = self.get_many(collection, [id])
        if id not in found:
            raise NotFound(f"{collection}/{id} does not exist")
        return found[id]

    def get_many(self, collection: str, ids: Sequence[str]) -> dict[str, Document]:
        wanted = json.dumps([checked_id(id, what="record") for id in ids])
        with self._database.reading() as db:
            rows = db.execute(
                "select id, body, revision, updated_at from records "
                "where collection = ? and id in (select value from json_each(?))",
                (checked_collection(collection), wanted),
            ).fetchall()
        return {row[0]: _document(collection, *row) for row in rows}

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
        statement, values = _select(listing, cursor)
        values.append(checked_limit(limit) + 1)
        with self._database.reading() as db:
            rows = db.execute(statement, values).fetchall()
        documents = [_document(collection, *row) for row in rows[:limit]]
        more = len(rows) > limit
        return Page(documents, listing.cursor_after(documents[-1]) if more else None)

    def create(self, collection: str, id: str, body: Json) -> Document:
        return single(self.commit([Create(collection, id, body)]))

    def replace(self, seen: Document, body: Json) -> Document:
        return single(self.commit([Replace(seen, body)]))

    def commit(self, writes: Sequence[Write]) -> list[Document | None]:
        bodies = stored(writes)
        token = uuid4().hex
        with self._database.writing() as db:
            now = datetime.now(UTC)
            return [
                _write(db, write, body, token=token, now=now)
                for write, body in zip(writes, bodies, strict=True)
            ]


def _select(listing: Listing, cursor: str | None) -> tuple[str, list[Scalar]]:
    """Return the query as SQL, still without its limit, and its values."""
    way, beyond = ("desc", "<") if listing.descending else ("asc", ">")
    tables, conditions = ["records"], ["records.collection = ?"]
    values: list[Scalar] = []
    order = [f"records.id {way}"]
    if listing.order_by is not None:
        tables.append(
            "join fields on fields.collection = records.collection "
            "and fields.id = records.id and fields.name = ?"
        )
        values.append(listing.order_by)
        order = [f"fields.kind {way}", f"fields.value {way}", f"fields.id {way}"]
    values.append(listing.collection)
    for name, value in listing.where.items():
        conditions.append(
            "exists (select 1 from fields wanted where wanted.collection = records.collection "
            "and wanted.id = records.id and wanted.name = ? and wanted.kind = ? "
            "and wanted.value = ?)"
        )
        values += [name, _kind(value), value]
    if cursor is not None:
        value_or_none, id = listing.position(cursor)
        if value_or_none is None:
            conditions.append(f"records.id {beyond} ?")
            values.append(id)
        else:
            conditions.append(f"(fields.kind, fields.value, fields.id) {beyond} (?, ?, ?)")
            values += [_kind(value_or_none), value_or_none, id]
    statement = (  # fixed parts only; every value is bound
        "select records.id, records.body, records.revision, records.updated_at "  # noqa: S608
        f"from {' '.join(tables)} where {' and '.join(conditions)} "
        f"order by {', '.join(order)} limit ?"
    )
    return statement, values


def _kind(value: Scalar) -> int:
    """Order kinds as Firestore does: bools, then numbers, then strings."""
    if isinstance(value, bool):
        return 0
    return 2 if isinstance(value, str) else 1


def _write(
    db: sqlite3.Connection, write: Write, body: Stored, *, token: str, now: datetime
) -> Document | None:
    collection, id = address(write)
    updated_at = now
    if not isinstance(write, Create):
        _remove(db, write.seen)
        updated_at = max(now, write.seen.updated_at + timedelta(microseconds=1))
    if isinstance(write, Delete):
        return None
    row = (id, body.text, token, updated_at.isoformat())
    try:
        db.execute("insert into records values (?, ?, ?, ?, ?)", (collection, *row))
    except sqlite3.IntegrityError as error:
        raise AlreadyExists(f"{collection}/{id} already exists") from error
    db.executemany(
        "insert into fields values (?, ?, ?, ?, ?)",
        [(collection, id, name, _kind(value), value) for name, value in body.fields.items()],
    )
    return _document(collection, *row)


def _remove(db: sqlite3.Connection, seen: Document) -> None:
    removed = db.execute(
        "delete from records where collection = ? and id = ? and revision = ?",
        (seen.collection, seen.id, seen.revision),
    )
    if removed.rowcount == 0:
        raise Conflict(f"{seen.collection}/{seen.id} changed or went away since it was read")
    db.execute("delete from fields where collection = ? and id = ?", (seen.collection, seen.id))


def _document(collection: str, id: str, text: str, revision: str, updated_at: str) -> Document:
    updated = datetime.fromisoformat(updated_at)
    return Document(
        collection,
        id,
        json.loads(text),
        revision=revision,
        updated_at=updated,
        read_at=max(datetime.now(UTC), updated),
    )
