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
        wait_for(lambda: _rests(process))
        if _writable(home / "records.db"):
            return True
        os.kill(process, signal.SIGCONT)
        return False

    wait_for(stopped)


def _rests(process: int) -> bool:
    """Whether no thread of it runs: it goes on for a moment after the signal was sent."""
    try:
        told = [file.read_text() for file in PROC.glob(f"{process}/task/*/stat")]
    except OSError:
        return False
    return {one.rpartition(")")[2].split()[0] for one in told} <= {"T", "Z", "X"}


def _writable(database: Path) -> bool:
    """Whether no process holds the lock of the database right now."""
    with closing(sqlite3.connect(database, timeout=0.1, isolation_level=None)) as db:
        with suppress(sqlite3.OperationalError):
            db.execute("begin immediate")
            db.execute("rollback")
            return True
        return False
