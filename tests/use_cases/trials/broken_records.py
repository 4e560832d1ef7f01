"""The local records, watched, broken, or on a clock of the test's own."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock

from mlsys.adapters.local.records import SqliteRecords
from mlsys.domain.errors import Conflict, Unavailable
from mlsys.ports import Document, Json, Write


class CountingRecords(SqliteRecords):
    """Counts calls, and how many ids were asked for."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.calls: Counter[str] = Counter()
        self._counting = Lock()

    def get_many(self, collection: str, ids: Sequence[str]) -> dict[str, Document]:
        with self._counting:
            self.calls["reads"] += 1
            self.calls["ids read"] += len(ids)
        return super().get_many(collection, ids)

    def commit(self, writes: Sequence[Write]) -> list[Document | None]:
        with self._counting:
            self.calls["writes"] += 1
        return super().commit(writes)


class UnfencedRecords(SqliteRecords):
    """Overwrites whatever stands there: what a storage without a fence would do."""

    def replace(self, seen: Document, body: Json) -> Document:
        try:
            return super().replace(seen, body)
        except Conflict:
            return super().replace(self.get(seen.collection, seen.id), body)


class FlakyRecords(SqliteRecords):
    """Answers `Unavailable` as often as told, after doing what was asked or instead of it."""

    lost_requests = 0
    lost_answers = 0

    def commit(self, writes: Sequence[Write]) -> list[Document | None]:
        if self.lost_requests:
            self.lost_requests -= 1
            raise Unavailable("the request was lost")
        written = super().commit(writes)
        if self.lost_answers:
            self.lost_answers -= 1
            raise Unavailable("the answer was lost")
        return written


class OvertakenRecords(SqliteRecords):
    """Lets somebody else come first: calls `first` once, before the next commit."""

    first: Callable[[], object] | None = None

    def commit(self, writes: Sequence[Write]) -> list[Document | None]:
        first, self.first = self.first, None
        if first is not None:
            first()
        return super().commit(writes)


class ClockedRecords(SqliteRecords):
    """Has a server's clock that stands still until it is told that time passed."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._now = datetime(2026, 1, 1, tzinfo=UTC)
        self._updated_at: dict[str, datetime] = {}

    def let_pass(self, seconds: float) -> None:
        """Move the clock."""
        self._now += timedelta(seconds=seconds)

    def get_many(self, collection: str, ids: Sequence[str]) -> dict[str, Document]:
        return {id: self._timed(seen) for id, seen in super().get_many(collection, ids).items()}

    def commit(self, writes: Sequence[Write]) -> list[Document | None]:
        written = super().commit(writes)
        for document in written:
            if document is not None:
                self._updated_at[document.revision] = self._now
        return [None if document is None else self._timed(document) for document in written]

    def _timed(self, seen: Document) -> Document:
        return replace(
            seen, updated_at=self._updated_at.get(seen.revision, self._now), read_at=self._now
        )
