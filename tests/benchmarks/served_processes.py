"""A server as a process on a core of its own: started, asked, weighed and ended."""

import ctypes
import http.client
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from tests.benchmarks.contestants import Contestant
from tests.benchmarks.served_model import ServedModel
from tests.ports import free_port

PR_SET_CHILD_SUBREAPER = 36
LOOK_SECONDS = 0.002
START_SECONDS = 120.0
ANSWER_SECONDS = 60.0
MIB_PER_KB = 1 / 1024


class NotServed(Exception):
    """A contestant does not start, or says something else than the model."""


@dataclass(frozen=True)
class Memory:
    """MiB of the whole tree: its share of what is resident, and the sum of what peaked."""

    pss: float
    peak: float


class Server:
    """A contestant that was just forked; `ended` kills all of it and tells what it took."""

    def __init__(self, contestant: Contestant, log: Path, *, core: int) -> None:
        self.contestant = contestant
        self.port = free_port()
        self.log = log
        self._cpu_seconds = 0.0
        self._began = time.perf_counter()
        with log.open("wb") as output, _on(core):
            self._process = subprocess.Popen(
                contestant.command(self.port),
                env=contestant.environment(self.port),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def answered_after(self, model: ServedModel, *, rows: int) -> float:
        """Ask until an answer is right; return the seconds since the fork. Raises NotServed."""
        body = self.contestant.body(model, rows)
        deadline, said = time.perf_counter() + START_SECONDS, "nothing"
        while time.perf_counter() < deadline and self._process.poll() is None:
            try:
                status, answer = self._ask(body)
            except (OSError, http.client.HTTPException) as error:
                said = repr(error)
            else:
                seconds = time.perf_counter() - self._began
                if self.contestant.is_right(status, answer, model, rows):
                    return seconds
                said = f"{status} {answer[:300]!r}"
                if status == HTTPStatus.OK:
                    break
            time.sleep(LOOK_SECONDS)
        raise NotServed(f"said {said}; its log ends {self.log.read_text()[-600:]!r}")

    def memory(self) -> Memory:
        """Weigh the tree now."""
        shares, peaks = [], []
        for pid in _tree(self._process.pid):
            shares.append(_kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss"))
            peaks.append(_kilobytes(Path(f"/proc/{pid}/status"), "VmHWM"))
        return Memory(sum(shares) * MIB_PER_KB, sum(peaks) * MIB_PER_KB)

    def cpu_seconds(self) -> float:
        """Add up the processor seconds of the tree, so far; in steps of hundredths."""
        ticks = [_ticks(pid) for pid in _tree(self._process.pid)]
        return sum(ticks) / os.sysconf("SC_CLK_TCK")

    def end(self) -> float:
        """Kill the tree, from the root down; return the processor seconds of all of it."""
        if self._process.returncode is None:
            pids = list(_tree(self._process.pid))
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._cpu_seconds = sum(_reaped(pid) for pid in pids)
            self._process.wait()
        return self._cpu_seconds

    def _ask(self, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        try:
            connection.request(
                "POST", self.contestant.path, body, {"Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@contextmanager
def served(contestant: Contestant, log: Path, *, core: int) -> Iterator[Server]:
    """Serve until the block ends."""
    server = Server(contestant, log, core=core)
    try:
        yield server
    finally:
        server.end()


def prepare(contestant: Contestant, folder: Path) -> None:
    """Run what has to run before the first start. Raises NotServed."""
    if not contestant.before:
        return
    command = [contestant.python, *contestant.before]
    ended = subprocess.run(
        command,
        env=contestant.environment(),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise NotServed(f"could not be prepared: {ended.stderr[-600:]}")


def adopt_orphans() -> None:
    """Let what a killed server leaves behind become this process's children, to be reaped."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def evict(folders: list[Path]) -> None:
    """Drop the files below some folders from the page cache, but for what is mapped just now."""
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                descriptor = os.open(path, os.O_RDONLY)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(descriptor)


@contextmanager
def _on(core: int) -> Iterator[None]:
    """Let what is started in the block run on one core only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _tree(pid: int) -> Iterator[int]:
    """Yield a process and all below it, parents first."""
    yield pid
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [one for task in tasks for one in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return
    for child in children:
        yield from _tree(int(child))


def _ticks(pid: int) -> int:
    """What a process and the children that it waited for used."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(map(int, text.rpartition(")")[2].split()[11:15]))


def _reaped(pid: int) -> float:
    """Wait for a process; what it had waited for is in its seconds."""
    try:
        _, _, usage = os.wait4(pid, 0)
    except ChildProcessError:
        return 0.0
    return usage.ru_utime + usage.ru_stime


def _kilobytes(file: Path, name: str) -> int:
    try:
        lines = file.read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(one.split()[1]) for one in lines if one.startswith(f"{name}:")), 0)
