"""What an execution leaves on disk: `status.json`, locks, and the wishes of other processes.

The folder is the whole state, so any process can look, and nothing is lost with whoever started
it. A lock belongs to an open file, which children inherit: it is free exactly when they are dead.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from mlsys.domain.errors import Corrupt, NotFound


class State(StrEnum):
    """How an execution stands: as the port says, and INTERRUPTED, which can be resumed."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    INTERRUPTED = "INTERRUPTED"


class TaskState(StrEnum):
    """How a task stands; the last two are final."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class Wish(StrEnum):
    """What another process asks of the supervisor; a file of this name stands for it."""

    CANCEL = "cancel"
    STOP = "stop"


@dataclass
class Task:
    """One task: `attempt` counts its starts from 0, `failures` what was retried."""

    attempt: int = -1
    failures: int = 0
    state: TaskState = TaskState.WAITING
    exit_code: int | None = None


@dataclass
class Status:
    """One execution. `group` is the process group of the last supervisor and its tasks."""

    job: str
    arguments: list[str]
    max_retries: int
    grace_seconds: float
    state: State = State.RUNNING
    group: int = 0
    tasks: list[Task] = field(default_factory=list)


@dataclass(frozen=True)
class Folder:
    """`{home}/jobs/{execution}`."""

    path: Path

    def read(self) -> Status:
        """Return what was last written. Raises NotFound, Corrupt."""
        try:
            found = json.loads((self.path / "status.json").read_bytes())
            tasks = [Task(**{**task, "state": TaskState(task["state"])}) for task in found["tasks"]]
            return Status(**{**found, "state": State(found["state"]), "tasks": tasks})
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFound(f"there is no execution {self.path.name}") from error
        except (ValueError, TypeError, KeyError) as error:
            raise Corrupt(f"{self.path / 'status.json'}: {error}") from error

    def write(self, status: Status) -> None:
        """Replace the status, so that a reader sees the old one or the new one."""
        beside = self.path / f".status-{os.getpid()}"
        with beside.open("w", encoding="utf-8") as file:
            json.dump(asdict(status), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path / "status.json")

    def wishes(self, wish: Wish) -> bool:
        """Say whether somebody asked for it."""
        return (self.path / wish).exists()

    def ask(self, wish: Wish) -> None:
        """Ask the supervisor for it."""
        (self.path / wish).touch()

    def forget(self, wish: Wish) -> None:
        """Take it back."""
        (self.path / wish).unlink(missing_ok=True)

    def log_of(self, index: int) -> Path:
        """Return where a task's output goes, all attempts after one another."""
        return self.path / f"task-{index}.log"

    @property
    def supervised(self) -> bool:
        """Whether a supervisor lives."""
        return _held(self.path / "supervisor.lock")

    @property
    def alive(self) -> bool:
        """Whether a supervisor lives, or tasks that outlived theirs."""
        return self.supervised or _held(self.path / "tasks.lock")

    @contextmanager
    def supervisor_lock(self) -> Iterator[BinaryIO | None]:
        """Hold what makes one the only supervisor; None if another is."""
        with (self.path / "supervisor.lock").open("ab") as lock:
            yield lock if _locked(lock, fcntl.LOCK_EX) else None

    @contextmanager
    def tasks_lock(self) -> Iterator[BinaryIO | None]:
        """Hold what each task inherits; None if tasks of a dead supervisor still live."""
        with (self.path / "tasks.lock").open("ab") as lock:
            yield lock if _locked(lock, fcntl.LOCK_EX) else None


def _held(path: Path) -> bool:
    with suppress(FileNotFoundError), path.open("rb") as lock:
        return not _locked(lock, fcntl.LOCK_SH)
    return False


def _locked(file: BinaryIO, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
