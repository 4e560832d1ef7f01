"""Runs one execution's tasks: `python -m mlsys.adapters.local.supervisor FOLDER FD COMMAND...`.

FD is the open, locked `supervisor.lock` of the folder: it makes this process the only one.
SIGTERM, like the wish `stop`, interrupts the execution, so that it can be resumed.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from mlsys.adapters.local.executions import Folder, State, Status, Task, TaskState, Wish

POLL_SECONDS = 0.05
ORPHANS_SECONDS = 5.0
CANNOT_START = 127


class Supervisor:
    """One run of an execution, from its (first or next) attempts to its end."""

    def __init__(self, folder: Folder, command: Sequence[str], held: BinaryIO) -> None:
        self._folder = folder
        self._command = command
        self._held = held
        self._status = folder.read()
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._told_to_stop = False
        self._kill_at: float | None = None

    def run(self) -> None:
        """Return when nothing of the execution runs any more and its status says how it ended."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)
        self._status.group = os.getpgrp()
        if not self._ending():
            for index, task in enumerate(self._status.tasks):
                if task.state not in {TaskState.SUCCEEDED, TaskState.FAILED}:
                    self._start(index, task)
        while self._processes:
            time.sleep(POLL_SECONDS)
            self._obey()
            for index, process in list(self._processes.items()):
                if process.poll() is not None:
                    del self._processes[index]
                    self._ended(index, process.returncode)
        self._status.state = self._outcome()
        self._folder.write(self._status)

    def _stop(self, *_: object) -> None:
        self._told_to_stop = True

    def _start(self, index: int, task: Task) -> None:
        task.attempt += 1
        task.state = TaskState.RUNNING
        self._folder.write(self._status)
        with self._folder.log_of(index).open("ab") as log:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            log.write(f"--- {now} attempt {task.attempt}\n".encode())
            log.flush()
            try:
                self._processes[index] = subprocess.Popen(  # noqa: S603 - the user's own command
                    [*self._command, *self._status.arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=[self._held.fileno()],
                    env={**os.environ, **self._variables(index, task)},
                )
            except OSError as error:
                log.write(f"cannot start {self._command[0]}: {error.strerror}\n".encode())
                self._ended(index, CANNOT_START)

    def _variables(self, index: int, task: Task) -> dict[str, str]:
        return {
            "CLOUD_RUN_JOB": self._status.job,
            "CLOUD_RUN_EXECUTION": self._folder.path.name,
            "CLOUD_RUN_TASK_INDEX": str(index),
            "CLOUD_RUN_TASK_ATTEMPT": str(task.attempt),
            "CLOUD_RUN_TASK_COUNT": str(len(self._status.tasks)),
        }

    def _obey(self) -> None:
        """Forward SIGTERM once when told to end, and SIGKILL when the grace is over."""
        now = time.monotonic()
        if self._kill_at is None and self._ending():
            self._kill_at = now + self._status.grace_seconds
            for process in self._processes.values():
                process.terminate()
        elif self._kill_at is not None and now >= self._kill_at:
            for process in self._processes.values():
                process.kill()

    def _ending(self) -> bool:
        wishes = self._folder.wishes
        return self._told_to_stop or wishes(Wish.STOP) or wishes(Wish.CANCEL)

    def _ended(self, index: int, exit_code: int) -> None:
        task = self._status.tasks[index]
        task.exit_code = exit_code
        if self._kill_at is not None:
            task.state = TaskState.WAITING
        elif exit_code == 0:
            task.state = TaskState.SUCCEEDED
        elif task.failures < self._status.max_retries:
            task.failures += 1
            self._start(index, task)
        else:
            task.state = TaskState.FAILED
        self._folder.write(self._status)

    def _outcome(self) -> State:
        states = {task.state for task in self._status.tasks}
        if states & {TaskState.WAITING, TaskState.RUNNING}:
            return State.CANCELLED if self._folder.wishes(Wish.CANCEL) else State.INTERRUPTED
        return State.FAILED if TaskState.FAILED in states else State.SUCCEEDED


def main(arguments: Sequence[str]) -> int:
    """Supervise, unless tasks of a killed supervisor cannot be ended."""
    folder, command = Folder(Path(arguments[0])), arguments[2:]
    deadline = time.monotonic() + ORPHANS_SECONDS
    while time.monotonic() < deadline:
        with folder.tasks_lock() as held:
            if held is not None:
                Supervisor(folder, command, held).run()
                _end_group()
                return 0
        _kill_orphans(folder.read())
        time.sleep(POLL_SECONDS)
    return 1


def _kill_orphans(status: Status) -> None:
    """End what outlived its supervisor; while one of them lives, its group's number is its own."""
    with suppress(ProcessLookupError, PermissionError):
        if status.group:
            os.killpg(status.group, signal.SIGKILL)


def _end_group() -> None:
    """End what tasks left behind, as the end of a container would."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
