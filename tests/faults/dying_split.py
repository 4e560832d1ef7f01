"""One delivery that kills its own process at a point: `python -m tests.faults.dying_split HOME`.

The rest comes as a line of JSON; see `splits.py`. Each point that it comes by is
written out, so that a test can see which there are.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import BinaryIO

import structlog

from mlsys.adapters.local.objects import FileObjects
from mlsys.adapters.local.records import SqliteRecords
from mlsys.domain.errors import MlsysError
from mlsys.domain.messages import UploadFinished
from mlsys.ports import Create, Document, ObjectInfo, Replace, Write
from mlsys.use_cases.split import split_upload
from mlsys.use_cases.splitting.workshop import Workshop

Reach = Callable[[str], None]


class WatchedObjects(FileObjects):
    """Says when an object is begun, about to appear, and there."""

    def __init__(self, home: Path, reach: Reach) -> None:
        super().__init__(home)
        self._reach = reach

    def put_once(self, uri: str, content: bytes) -> ObjectInfo:
        self._reach(f"before {_name(uri)}")
        written = super().put_once(uri, content)
        self._reach(f"after {_name(uri)}")
        return written

    @contextmanager
    def open_writer(self, uri: str, *, once: bool = False) -> Iterator[BinaryIO]:
        with super().open_writer(uri, once=once) as target:
            self._reach(f"begun {_name(uri)}")
            yield target
            self._reach(f"before {_name(uri)}")
        self._reach(f"after {_name(uri)}")


class WatchedRecords(SqliteRecords):
    """Says when a commit comes, and when it is done; nobody else reaches a point meanwhile.

    A process that is stopped in a commit of its heartbeat would keep the database locked.
    """

    def __init__(self, path: Path, reach: Reach, alone: RLock, *, fenced: bool) -> None:
        super().__init__(path)
        self._reach, self._alone, self._fenced = reach, alone, fenced

    def commit(self, writes: Sequence[Write]) -> list[Document | None]:
        [write] = writes
        with self._alone:
            self._reach(f"before {_kind(write)}")
            written = super().commit([write if self._fenced else self._newest(write)])
            self._reach(f"after {_kind(write)}")
            return written

    def _newest(self, write: Write) -> Write:
        if isinstance(write, Replace):
            return Replace(self.get(write.seen.collection, write.seen.id), write.body)
        return write


def main(home: Path) -> int:
    """Deliver; 0 if there is a split, 1 if the delivery is to come again."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asked = json.loads(sys.stdin.readline())

    alone = RLock()

    def reach(point: str) -> None:
        with alone:
            sys.stdout.write(f"{point}\n")
            sys.stdout.flush()
            if point == asked["point"]:
                os.kill(os.getpid(), getattr(signal, asked["signal"]))

    workshop = Workshop(
        objects=WatchedObjects(home, reach),
        records=WatchedRecords(home / "records.db", reach, alone, fenced=asked["fenced"]),
        artifacts_bucket="artifacts",
        lease_seconds=asked["lease_seconds"],
        now=lambda: datetime.now(UTC),
    )
    event = UploadFinished(**asked["event"])
    try:
        split_upload(event, workshop=workshop, uploads_bucket="uploads")
    except MlsysError as error:
        sys.stdout.write(f"raised {error.code}\n")
        return 1
    return 0


def _name(uri: str) -> str:
    return uri.rpartition("/")[2]


def _kind(write: Write) -> str:
    if isinstance(write, Create):
        return "claim"
    assert isinstance(write, Replace)
    seen, body = write.seen.body, write.body
    if body["status"] != "RUNNING":
        return "end"
    return "beat" if body["attempt"] == seen["attempt"] else "claim"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
