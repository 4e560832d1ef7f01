"""`Messages` in a SQLite outbox, from which dev/delivery.py delivers."""

import base64
import json
import sqlite3
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from mlsys.adapters.envelopes import message_text
from mlsys.adapters.local.database import Database
from mlsys.ports import Json

MESSAGE_PUBLISHED = "google.cloud.pubsub.topic.v1.messagePublished"
RETRY_SECONDS = (1.0, 5.0, 30.0, 120.0, 300.0, 600.0)
PROJECT = "projects/local"

SCHEMA = """
create table if not exists events (
    source text not null, id text not null, type text not null, subject text,
    time text not null, data text not null,
    state text not null default 'WAITING', due_at real not null,
    attempts integer not null default 0, holder text, reason text,
    primary key (source, id)
);
create index if not exists events_due on events (state, due_at);
"""


@dataclass(frozen=True)
class Event:
    """A CloudEvent. `source` and `id` together name it: there is only one such event."""

    source: str
    id: str
    type: str
    subject: str | None
    time: datetime
    data: Json


@dataclass(frozen=True)
class Claim:
    """An event that one worker delivers now, for the `attempt`th time, counted from 1."""

    event: Event
    attempt: int
    holder: str


@dataclass(frozen=True)
class DeadLetter:
    """An event that nobody will deliver any more, and what its last attempt said."""

    event: Event
    attempts: int
    reason: str


@dataclass(frozen=True)
class Channel:
    """Events of one type from one source: what an Eventarc trigger listens to."""

    type: str
    source: str


def topic_channel(topic: str) -> Channel:
    """Return where the messages of a topic come from."""
    return Channel(MESSAGE_PUBLISHED, f"//pubsub.googleapis.com/{PROJECT}/topics/{topic}")


class SqliteMessages:
    """`Messages` in a SQLite file, for many threads and processes: a durable outbox of events.

    An event is tried once and then again after each of `retry_seconds`; then it is a dead letter.
    """

    def __init__(self, path: Path, *, retry_seconds: Sequence[float] = RETRY_SECONDS) -> None:
        self._database = Database(path, SCHEMA)
        self._retry_seconds = tuple(retry_seconds)

    def publish(self, topic: str, body: Json, *, attributes: Mapping[str, str]) -> str:
        text = message_text(topic, body, attributes)
        id, now = uuid4().hex, datetime.now(UTC)
        channel = topic_channel(topic)
        message = {
            "data": base64.b64encode(text.encode()).decode(),
            "attributes": dict(attributes),
            "messageId": id,
            "publishTime": now.isoformat().replace("+00:00", "Z"),
        }
        data = {"message": message, "subscription": f"{PROJECT}/subscriptions/{topic}"}
        self.enqueue(Event(channel.source, id, channel.type, None, now, data))
        return id

    def enqueue(self, event: Event) -> bool:
        """Add an event, unless it was ever added. Return whether it was new."""
        with self._database.writing() as db:
            added = db.execute(
                "insert into events (source, id, type, subject, time, data, due_at) "
                "values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing",
                (
                    event.source,
                    event.id,
                    event.type,
                    event.subject,
                    event.time.isoformat(),
                    json.dumps(event.data),
                    time.time(),
                ),
            )
        return added.rowcount == 1

    def claim(self, channels: Collection[Channel], *, hold_seconds: float) -> Claim | None:
        """Take an event that is due: until `hold_seconds` have passed nobody else gets it.

        The attempt is counted here, so that an event that kills its worker is tried no more often
        than any other.
        """
        wanted = json.dumps([[channel.type, channel.source] for channel in channels])
        with self._database.reading() as db:
            if _due(db, wanted) is None:
                return None
        with self._database.writing() as db:
            while (due := _due(db, wanted)) is not None:
                event, attempts = due
                if attempts <= len(self._retry_seconds):
                    claim = Claim(event, attempts + 1, uuid4().hex)
                    db.execute(
                        "update events set due_at = ?, attempts = attempts + 1, holder = ? "
                        "where source = ? and id = ?",
                        (time.time() + hold_seconds, claim.holder, event.source, event.id),
                    )
                    return claim
                _bury(db, event, "the worker died during the last attempt")
        return None

    def acknowledge(self, claim: Claim) -> None:
        """Note that the event was delivered. Its name is kept: it will not come a second time."""
        with self._database.writing() as db:
            db.execute(
                "update events set state = 'DELIVERED', data = '{}', reason = null, holder = null "
                "where source = ? and id = ?",
                (claim.event.source, claim.event.id),
            )

    def retry(self, claim: Claim, *, reason: str) -> bool:
        """Note that the attempt failed. Return whether there will be another.

        Nothing happens if the claim ran out and somebody else holds the event now.
        """
        with self._database.writing() as db:
            if not _held(db, claim):
                return True
            if claim.attempt > len(self._retry_seconds):
                _bury(db, claim.event, reason)
                return False
            seconds = self._retry_seconds[claim.attempt - 1]
            db.execute(
                "update events set due_at = ?, reason = ?, holder = null "
                "where source = ? and id = ?",
                (time.time() + seconds, reason, claim.event.source, claim.event.id),
            )
        return True

    def give_back(self, claim: Claim) -> None:
        """Undo a claim, as if the attempt had not been made."""
        with self._database.writing() as db:
            if _held(db, claim):
                db.execute(
                    "update events set due_at = ?, attempts = attempts - 1, holder = null "
                    "where source = ? and id = ?",
                    (time.time(), claim.event.source, claim.event.id),
                )

    def release_all(self) -> None:
        """Make due what a worker held when it died. For the one worker of a home, at its start."""
        with self._database.writing() as db:
            db.execute(
                "update events set due_at = ?, holder = null "
                "where state = 'WAITING' and holder is not null",
                (time.time(),),
            )

    def waiting(self) -> int:
        """Return how many events are neither delivered nor dead."""
        with self._database.reading() as db:
            [count] = db.execute("select count(*) from events where state = 'WAITING'").fetchone()
        return int(count)

    def dead_letters(self) -> list[DeadLetter]:
        """Return what was given up, oldest first."""
        with self._database.reading() as db:
            rows = db.execute(
                "select source, id, type, subject, time, data, attempts, reason from events "
                "where state = 'DEAD' order by time, source, id"
            ).fetchall()
        return [DeadLetter(_event(row), attempts=row[6], reason=row[7]) for row in rows]


def _due(db: sqlite3.Connection, wanted: str) -> tuple[Event, int] | None:
    """Return the event of a wanted channel that is due for longest, and its attempts so far."""
    row = db.execute(
        "select source, id, type, subject, time, data, attempts from events "
        "where state = 'WAITING' and due_at <= ? and (type, source) in "
        "(select json_extract(value, '$[0]'), json_extract(value, '$[1]') from json_each(?)) "
        "order by due_at limit 1",
        (time.time(), wanted),
    ).fetchone()
    return None if row is None else (_event(row), row[6])


def _held(db: sqlite3.Connection, claim: Claim) -> bool:
    found = db.execute(
        "select 1 from events where source = ? and id = ? and holder = ?",
        (claim.event.source, claim.event.id, claim.holder),
    )
    return found.fetchone() is not None


def _bury(db: sqlite3.Connection, event: Event, reason: str) -> None:
    db.execute(
        "update events set state = 'DEAD', reason = ?, holder = null where source = ? and id = ?",
        (reason, event.source, event.id),
    )


def _event(row: Sequence[Any]) -> Event:
    source, id, type, subject, at, data = row[:6]
    return Event(source, id, type, subject, datetime.fromisoformat(at), json.loads(data))
