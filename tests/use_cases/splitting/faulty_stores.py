"""Stores that fail, forget or change under a split, and what must hold whatever they do."""

import io
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from mlsys.adapters.local.objects import FileObjects
from mlsys.adapters.local.records import SqliteRecords
from mlsys.domain.errors import MlsysError, NotFound
from mlsys.domain.split_records import Split
from mlsys.ports import Document, ObjectInfo, Replace, Write
from tests.use_cases.splitting.uploads import Platform

ROWS = 60
LEFT = {"train.parquet", "val.parquet", "test.parquet", "profile.json", "manifest.json"}
MIB = 2**20

Act = Callable[[str], object]


class Killed(BaseException):
    """The process ends here: nothing catches this."""


class WatchedObjects(FileObjects):
    """Calls `before` and `after` with the name of each object that is written."""

    def __init__(self, home: Path, *, before: Act = len, after: Act = len) -> None:
        super().__init__(home)
        self._before, self._after = before, after
        self._acting = Lock()

    def put_once(self, uri: str, content: bytes) -> ObjectInfo:
        with self._acting:
            self._before(_name(uri))
        written = super().put_once(uri, content)
        self._after(_name(uri))
        return written

    @contextmanager
    def open_writer(self, uri: str, *, once: bool = False) -> Iterator[BinaryIO]:
        with super().open_writer(uri, once=once) as target:
            yield target
            with self._acting:
                self._before(_name(uri))
        self._after(_name(uri))


class DyingRecords(SqliteRecords):
    """Dies at its second commit, and so after the claim."""

    commits = 0

    def commit(self, writes: Sequence[Write]) -> list[Document | None]:
        self.commits += 1
        if self.commits == 2:
            raise Killed
        return super().commit(writes)


class UnfencedRecords(SqliteRecords):
    """Replaces whatever stands there: a compare-and-set that does not compare."""

    def commit(self, writes: Sequence[Write]) -> list[Document | None]:
        return super().commit([self._newest(write) for write in writes])

    def _newest(self, write: Write) -> Write:
        if isinstance(write, Replace):
            return Replace(self.get(write.seen.collection, write.seen.id), write.body)
        return write


class LateRecords(SqliteRecords):
    """Does not see what another attempt has just created."""

    def get(self, collection: str, id: str) -> Document:
        raise NotFound(f"{collection}/{id} does not exist")


class ForgetfulObjects(FileObjects):
    """Says that it stored an object, and has not: what a commit before the files comes to."""

    @contextmanager
    def open_writer(self, uri: str, *, once: bool = False) -> Iterator[BinaryIO]:
        with super().open_writer(f"{uri}.other", once=once) as target:
            yield target


class MovingObjects(FileObjects):
    """Calls `act` once, after the k-th block of an upload was read."""

    def __init__(self, home: Path, act: Act, *, blocks: int) -> None:
        super().__init__(home)
        self._act, self._left = act, blocks

    @contextmanager
    def open_reader(self, uri: str, *, generation: str) -> Iterator[BinaryIO]:
        with super().open_reader(uri, generation=generation) as source:
            yield _Interrupted(source, self._tick)

    def _tick(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._act("")


class _Interrupted(io.BytesIO):
    def __init__(self, source: BinaryIO, tick: Callable[[], None]) -> None:
        super().__init__(source.read())
        self._tick = tick

    def read(self, size: int | None = -1, /) -> bytes:
        block = super().read(min(size or 0, MIB // 4))
        self._tick()
        return block


def problems(platform: Platform, *, attempt: int | None = None) -> list[str]:
    """Hold what remains against what was promised; an empty list is a promise kept."""
    found = []
    with closing(sqlite3.connect(platform.home / "records.db")) as db:
        bodies = [row[0] for row in db.execute("select body from records")]
    splits = [Split.model_validate_json(body) for body in bodies]
    if [one.status for one in splits] != ["READY"]:
        return [f"want one ready split, got {[one.status for one in splits]}"]
    [split] = splits
    if attempt is not None and split.attempt.number != attempt:
        found.append(f"attempt {split.attempt.number} wrote after attempt {attempt} was done")
    try:
        table = platform.table(split)
    except MlsysError as error:
        return [*found, f"a file cannot be read: {error}"]
    if sorted(table["id"]) != list(range(ROWS)) or sum(split.rows.values()) != ROWS:
        found.append("the rows do not add up to the upload")
    if {_name(uri) for uri in platform.artifacts()} != LEFT:
        found.append("something else was left behind")
    return found


def _name(uri: str) -> str:
    return uri.rpartition("/")[2]
