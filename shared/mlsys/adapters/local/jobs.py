"""`Jobs` as subprocesses of this machine."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import BinaryIO
from uuid import uuid4

from mlsys.adapters.local.executions import Folder, State, Status, Task, TaskState, Wish
from mlsys.domain.errors import Corrupt, InvalidInput, NotFound, Unavailable
from mlsys.domain.ids import checked_id
from mlsys.ports import Execution, ExecutionState

INHERITED = frozenset(
    {"PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"}
)
INHERITED_PREFIXES = ("MLSYS_", "PYTHON", "LC_")
POLL_SECONDS = 0.05
LOOK_SECONDS = 0.02
LEAVE_SECONDS = 5.0
STOP_MARGIN_SECONDS = 5.0
UNFINISHED = frozenset({State.RUNNING, State.INTERRUPTED})


class SubprocessJobs:
    """`Jobs` as subprocesses; each execution is run by a supervisor that outlives its starter.

    Everything about an execution lies in `{home}/jobs/{execution}`: `status.json` and one log per
    task, for people too. Tasks inherit PATH, HOME, the locale, `MLSYS_*` and `PYTHON*`, and get
    what `environment` adds; nothing else, so that no secret of this shell reaches them.
    """

    def __init__(
        self,
        home: Path,
        commands: Mapping[str, Sequence[str]],
        environment: Mapping[str, str] | None = None,
        max_retries: int = 3,
        *,
        grace_seconds: float = 10.0,
    ) -> None:
        self._jobs = home.resolve() / "jobs"
        self._commands = commands
        self._environment = environment or {}
        self._max_retries = max_retries
        self._grace_seconds = grace_seconds

    def start(self, job: str, *, arguments: Sequence[str], tasks: int = 1) -> Execution:
        if job not in self._commands:
            raise NotFound(f"there is no job {job!r}: there are {sorted(self._commands)}")
        if tasks < 1:
            raise InvalidInput(f"an execution has at least 1 task, got {tasks}")

        folder = Folder(self._jobs / f"{job}-{uuid4().hex[:8]}")
        folder.path.mkdir(parents=True)
        status = Status(job, list(arguments), self._max_retries, self._grace_seconds)
        status.tasks = [Task() for _ in range(tasks)]
        with folder.supervisor_lock() as lock:
            if lock is None:
                raise Unavailable(f"{folder.path} is in other hands: start again")
            folder.write(status)
            self._supervise(folder, status, lock)
        return _execution(folder, status)

    def look(self, execution_id: str) -> Execution:
        folder = self._folder(execution_id)
        status = folder.read()
        if status.state is State.RUNNING and not folder.alive:
            status = folder.read()
            if status.state is State.RUNNING and not folder.alive:
                status.state = State.INTERRUPTED
        return _execution(folder, status)

    def cancel(self, execution_id: str) -> None:
        folder = self._folder(execution_id)
        if folder.read().state in UNFINISHED:
            folder.ask(Wish.CANCEL)
            self._taken_over(folder)

    def stop_all(self) -> list[str]:
        """Interrupt what runs here, and wait until it ended; `resume` goes on with it.

        Returns:
            The ids of what was interrupted.

        Raises:
            Unavailable: something did not end, 5 seconds after its tasks were to be killed.
        """
        stopping = [folder for folder in self._folders() if folder.alive]
        for folder in stopping:
            folder.ask(Wish.STOP)
            self._taken_over(folder)
        grace = max((folder.read().grace_seconds for folder in stopping), default=0.0)
        deadline = time.monotonic() + grace + STOP_MARGIN_SECONDS
        while running := [folder.path.name for folder in stopping if folder.alive]:
            if time.monotonic() > deadline:
                raise Unavailable(f"still running after {grace:g} seconds and SIGKILL: {running}")
            time.sleep(POLL_SECONDS)
        return [one.path.name for one in stopping if one.read().state is State.INTERRUPTED]

    def resume(self) -> list[str]:
        """Start what was interrupted, by `stop_all` or by the death of its supervisor, again.

        Tasks that had not ended start as their next attempt; what ran on without a supervisor is
        killed first. An execution never has two supervisors, however many call this at once.

        Returns:
            The ids of what was started.
        """
        return [
            folder.path.name
            for folder in self._folders()
            if folder.read().job in self._commands and self._taken_over(folder, go_on=True)
        ]

    def log_of(self, execution_id: str, task: int = 0) -> Path:
        """Return the file that holds what a task wrote to its standard output and error."""
        return self._folder(execution_id).log_of(task)

    def _folder(self, execution_id: str) -> Folder:
        try:
            return Folder(self._jobs / checked_id(execution_id, what="execution"))
        except InvalidInput as error:
            raise NotFound(f"there is no execution {execution_id[:80]!r}") from error

    def _folders(self) -> Iterator[Folder]:
        with suppress(FileNotFoundError):
            for path in sorted(self._jobs.iterdir()):
                with suppress(NotFound, Corrupt):
                    Folder(path).read()
                    yield Folder(path)

    def _taken_over(self, folder: Folder, *, go_on: bool = False) -> bool:
        """Start a supervisor for what has not ended, unless one lives; wait for one that leaves."""
        began = time.monotonic()
        while True:
            with folder.supervisor_lock() as lock:
                status = folder.read()
                if status.state not in UNFINISHED:
                    return False
                if lock is not None:
                    if go_on:
                        folder.forget(Wish.STOP)
                    status.state = State.RUNNING
                    folder.write(status)
                    self._supervise(folder, status, lock)
                    return True
            leaving = status.state is State.INTERRUPTED
            if time.monotonic() - began > (LEAVE_SECONDS if leaving else LOOK_SECONDS):
                return False
            time.sleep(0.001)

    def _supervise(self, folder: Folder, status: Status, lock: BinaryIO) -> None:
        module = "mlsys.adapters.local.supervisor"
        command = self._commands.get(status.job, ())
        arguments = [str(folder.path), str(lock.fileno()), *command]
        with (folder.path / "supervisor.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - the platform's own module
                [sys.executable, "-P", "-m", module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[lock.fileno()],
                env=_inherited() | dict(self._environment),
                start_new_session=True,
            )
        Thread(target=process.wait, daemon=True, name=f"reap {folder.path.name}").start()


def _inherited() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name in INHERITED or name.startswith(INHERITED_PREFIXES)
    }


def _execution(folder: Folder, status: Status) -> Execution:
    states = [task.state for task in status.tasks]
    interrupted = status.state is State.INTERRUPTED
    return Execution(
        folder.path.name,
        status.job,
        ExecutionState.FAILED if interrupted else ExecutionState(status.state),
        tasks=len(states),
        succeeded=states.count(TaskState.SUCCEEDED),
        failed=states.count(TaskState.FAILED),
    )
