"""Processes of others: which there are, and how to stop one that others can go on without."""

import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from tests.waiting import wait_for

PROC = Path("/proc")


def processes(wanted: Callable[[list[str]], bool]) -> list[int]:
    """Return those whose command line is wanted."""
    found = []
    for path in PROC.glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode().split("\0")
        except OSError:
            continue
        if wanted(words):
            found.append(int(path.parent.name))
    return found


def stop_between_writes(process: int, home: Path) -> None:
    """Stop a process while it writes nothing: a database that stays locked is another fault."""

    def stopped() -> bool:
        os.kill(process, signal.SIGSTOP)
        if _writable(home / "records.db"):
            return True
        os.kill(process, signal.SIGCONT)
        return False

    wait_for(stopped)


def _writable(database: Path) -> bool:
    """Whether no process holds the lock of the database right now."""
    with closing(sqlite3.connect(database, timeout=0.1, isolation_level=None)) as db:
        with suppress(sqlite3.OperationalError):
            db.execute("begin immediate")
            db.execute("rollback")
            return True
        return False
