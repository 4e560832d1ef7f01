"""Where studies are kept while they are timed: SQLite, and the Firestore emulator if there is one.

Without the emulator its lines are left out, with the reason.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from mlsys.ports import Records
from tests.cloud.emulators import FIRESTORE, Missing, kept_session, running

CALLS = {"create", "replace", "get", "get_many", "query", "commit"}


@contextmanager
def backends(folder: Path) -> Iterator[dict[str, Records]]:
    """Open what there is."""
    from mlsys.adapters.local.records import SqliteRecords

    found: dict[str, Records] = {"SQLite": SqliteRecords(folder / "bench.db")}
    with kept_session() as session:
        try:
            os.environ.setdefault(FIRESTORE.variable, running(FIRESTORE, session))
        except Missing as missing:
            print(f"not on Firestore: {missing}")
            yield found
            return
        from google.cloud import firestore

        from mlsys.adapters.gcp.records import FirestoreRecords

        client = firestore.Client(project=f"bench-{uuid4().hex[:12]}")
        found["Firestore"] = FirestoreRecords(client)
        yield found
        client.close()


class FarRecords:
    """Records that are so many seconds away: each call takes them longer."""

    def __init__(self, records: Records, seconds: float) -> None:
        self._records, self._seconds = records, seconds

    def __getattr__(self, name: str) -> Any:
        if name in CALLS:
            time.sleep(self._seconds)
        return getattr(self._records, name)


def far(records: Records, seconds: float) -> Any:
    """Put records so many seconds away; it has all that they have."""
    return FarRecords(records, seconds)


def spread(figures: Sequence[float], digits: int = 3) -> str:
    """Write the median, and from where to where."""
    ordered = sorted(figures)
    middle = (ordered[len(ordered) // 2] + ordered[(len(ordered) - 1) // 2]) / 2
    return f"{middle:.{digits}f} ({ordered[0]:.{digits}f} to {ordered[-1]:.{digits}f})"
