"""A SQLite file for many threads and processes of one machine, its errors in our words."""

import os
import sqlite3
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlsys.domain.errors import Corrupt, Unavailable

LOCK_TIMEOUT_SECONDS = 20.0
PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}
BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class Database:
    """One file. Connections are kept between uses, and closed when this object goes away.

    Raises `Unavailable` while the file is locked, the disk full or not readable, and `Corrupt`
    where the file is damaged or no database.
    """

    def __init__(self, path: Path, schema: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._idle = _Idle()
        weakref.finalize(self, self._idle.close)
        with self._connection() as db:
            db.execute("pragma journal_mode = wal")
            db.executescript(f"begin immediate; {schema} commit;")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection; each statement sees one state of the whole file."""
        with self._connection() as db:
            yield db

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection inside a transaction: all of the block is written, or nothing.

        Nobody else writes meanwhile.
        """
        with self._connection() as db:
            db.execute("begin immediate")
            yield db
            db.execute("commit")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with _translated(self._path):
            db = self._idle.take() or self._connect()
            try:
                yield db
            finally:
                if db.in_transaction:
                    db.execute("rollback")
                self._idle.give_back(db)

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(
            self._path,
            timeout=LOCK_TIMEOUT_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            db.execute("pragma synchronous = full")
        except BaseException:
            db.close()
            raise
        return db


class _Idle:
    """Connections that wait for their next use. A child process leaves its parent's alone."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._connections: deque[sqlite3.Connection] = deque()
        self._inherited: list[deque[sqlite3.Connection]] = []

    def take(self) -> sqlite3.Connection | None:
        if self._process != os.getpid():
            self._inherited.append(self._connections)
            self._connections = deque()
            self._process = os.getpid()
        try:
            return self._connections.pop()
        except IndexError:
            return None

    def give_back(self, connection: sqlite3.Connection) -> None:
        self._connections.append(connection)

    def close(self) -> None:
        while self._process == os.getpid() and self._connections:
            self._connections.pop().close()


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in PASSING:
            raise Unavailable(f"{path}: {error}; see that the disk has room, then again") from error
        if code in BROKEN:
            raise Corrupt(f"{path}: {error}; restore it from a copy") from error
        raise
