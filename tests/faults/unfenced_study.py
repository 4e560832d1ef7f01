"""The study job without its fences: `python -m tests.faults.unfenced_study --experiment ID`."""

import os
import sys
from collections.abc import Sequence
from functools import cached_property
from threading import Event

from mlsys.adapters.local.records import SqliteRecords
from mlsys.domain.errors import Conflict
from mlsys.handlers.study import handle
from mlsys.ports import Document, Records, Replace, Write
from mlsys.runtime import Runtime
from mlsys.settings import settings_from


class UnfencedCommits(SqliteRecords):
    """Overwrites what changed since it was read."""

    def commit(self, writes: Sequence[Write]) -> list[Document | None]:
        while True:
            try:
                return super().commit(writes)
            except Conflict:
                writes = [self._seen_now(write) for write in writes]

    def _seen_now(self, write: Write) -> Write:
        if isinstance(write, Replace):
            return Replace(self.get(write.seen.collection, write.seen.id), write.body)
        return write


class UnfencedRuntime(Runtime):
    """A home on which nobody is stopped."""

    @cached_property
    def records(self) -> Records:
        """SQLite, without compare-and-set."""
        return UnfencedCommits(self.settings.home / "records.db")


if __name__ == "__main__":
    handle(sys.argv[2], UnfencedRuntime(settings_from()), environment=os.environ, stop=Event())
