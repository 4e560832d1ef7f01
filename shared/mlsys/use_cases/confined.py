"""Running a module in a child process with limits: what kills the child does not kill us.

Polars and the model libraries abort the process where memory ends, and no `except` catches that.
"""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from mlsys.domain.errors import InvalidInput, TooLarge, Unavailable

POLL_SECONDS = 0.02
MAX_POLL_SECONDS = 0.5
KEPT = ("PATH", "LANG", "LD_LIBRARY_PATH", "POLARS_MAX_THREADS", "COVERAGE_PROCESS_CONFIG")
LAST_WORDS = 20_000
OUT_OF_MEMORY = (b"memory allocation of", b"MemoryError")


def run_confined(
    module: str, folder: Path, *, memory_mib: int, seconds: int, on_wait: Callable[[], None]
) -> None:
    """Run `python -m module folder` to its end. It must call `confine` before it starts work.

    It gets no credentials: of the environment only what Python needs.

    Args:
        module: what to run; it reads and writes in `folder`.
        folder: a private folder; what the child says goes to `errors.txt` there.
        memory_mib: the limit that the child sets, for the message.
        seconds: how long it may take.
        on_wait: called again and again while it runs; what it raises ends the child.

    Raises:
        TooLarge: it needed more memory or time.
        InvalidInput: it crashed otherwise.
        Unavailable: it was asked to end, because the machine shuts down.
    """
    said = folder / "errors.txt"
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    with said.open("wb") as errors:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-P", "-m", module, str(folder)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            cwd=folder,
            start_new_session=True,  # Ctrl-C is for us, and then we end it
        )
    try:
        ended = _waited(child, seconds, on_wait)
    finally:
        child.kill()
        child.wait()
    if not ended:
        raise TooLarge(f"it took longer than {seconds} seconds")
    if child.returncode == 0:
        return
    if child.returncode == -signal.SIGTERM:
        raise Unavailable("the work was asked to end")
    last_words = said.read_bytes()[-LAST_WORDS:]
    if any(sign in last_words for sign in OUT_OF_MEMORY):
        raise TooLarge(f"it needs more than {memory_mib} MiB of memory")
    how = _how(child.returncode)
    structlog.get_logger().error("child.crashed", module=module, how=how, at=_places(last_words))
    raise InvalidInput(f"the process that did the work ended with {how}, which we did not foresee")


def confine(*, memory_mib: int, seconds: int, file_bytes: int) -> None:
    """Set this process's limits: memory, processor seconds, size of a file.

    Memory is what Linux counts as data: the address space also holds a GiB that is only reserved.
    macOS does not enforce it.
    """
    resource.setrlimit(resource.RLIMIT_DATA, (memory_mib * 2**20,) * 2)
    cpu_seconds = seconds * (os.cpu_count() or 1)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _waited(child: subprocess.Popen[bytes], seconds: int, on_wait: Callable[[], None]) -> bool:
    """Wait for the end, looking less and less often."""
    started = time.monotonic()
    pause = POLL_SECONDS
    while time.monotonic() - started < seconds:
        try:
            child.wait(pause)
        except subprocess.TimeoutExpired:
            on_wait()
            pause = min(2 * pause, MAX_POLL_SECONDS)
        else:
            return True
    return False


def _places(said: bytes) -> list[str]:
    """Return the lines of a traceback that name code, and none that could hold a cell."""
    lines = said.decode(errors="replace").splitlines()
    return [line.strip() for line in lines if line.startswith('  File "')][-10:]


def _how(returncode: int) -> str:
    if returncode >= 0:
        return f"exit code {returncode}"
    return f"signal {signal.Signals(-returncode).name}"
