"""Running a command and watching the memory of it and its children."""

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LOOK_SECONDS = 0.02
PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass(frozen=True)
class Run:
    """Wall seconds, and the resident memory of the whole tree at its highest."""

    seconds: float
    peak_mib: float


def measured(command: Sequence[str]) -> Run:
    """Run a command to its end. Raises CalledProcessError (it failed)."""
    peak = 0.0
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, _resident_mib(process.pid))
            time.sleep(LOOK_SECONDS)
    seconds = time.perf_counter() - started
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Run(seconds, peak)


def _resident_mib(pid: int) -> float:
    """Add up what a process and all below it hold; one that has just ended holds nothing."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [one for task in tasks for one in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * PAGE_MIB + sum(_resident_mib(int(child)) for child in children)
