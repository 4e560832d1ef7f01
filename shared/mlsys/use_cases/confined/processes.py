"""Running a module in a child process with limits: what kills the child does not kill us.

Polars and the model libraries abort the process where memory ends, and no `except` catches that.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from mlsys.domain.errors import InvalidInput, MlsysError, TooLarge, Unavailable
from mlsys.use_cases.confined.pumps import Moved, Pumps, Traffic

POLL_SECONDS = 0.1
KEPT = ("PATH", "LANG", "LD_LIBRARY_PATH", "POLARS_MAX_THREADS", "COVERAGE_PROCESS_CONFIG")
LAST_WORDS = 20_000
QUIET = {
    "MALLOC_MMAP_THRESHOLD_": "1000000000",
    "MALLOC_TRIM_THRESHOLD_": "1000000000",
    "_RJEM_MALLOC_CONF": "dirty_decay_ms:10000,muzzy_decay_ms:10000",
    "OPENBLAS_NUM_THREADS": "1",
}
"""Memory that a block has freed serves the next one: to get it anew from the kernel takes longer
than to read what it is for. And threads that nobody gives work to must not wait for it busily."""
OUT_OF_MEMORY = (b"memory allocation of", b"MemoryError")


def run_confined(
    module: str,
    folder: Path,
    *,
    memory_mib: int,
    seconds: float,
    on_wait: Callable[[], None],
    traffic: Traffic,
) -> Moved:
    """Run `python -m module folder` to its end. It must call `confine` before it starts work.

    It gets no credentials: of the environment only what Python needs. Its standard input is the
    socket through which `streams.py` asks for what `traffic` allows.

    Args:
        module: what to run; it reads and writes in `folder`.
        folder: a private folder; what the child says goes to `errors.txt` there.
        memory_mib: the limit that the child sets, for the message.
        seconds: how long it may take.
        on_wait: called again and again while it runs; what it raises ends the child.
        traffic: what it may read and write besides that.

    Returns:
        What it read to the end, and the parts that it wanted to keep and that are now stored.
        Where this raises, none is, unless another could not be stored; see `Pumps.settle`.

    Raises:
        TooLarge: it needed more memory or time, or an object that it wants as a file is too large.
        InvalidInput: it crashed otherwise, or asked for what it may not have.
        NotFound: a source was replaced or deleted.
        AlreadyExists: another content stands where a part is to be stored.
        Unavailable: it was asked to end, because the machine shuts down; or a backend did not
            answer.
    """
    said = folder / "errors.txt"
    with Pumps(traffic, folder) as pumps:
        child = _started(module, folder, said, pumps)
        try:
            ended = _waited(child, seconds, pumps, on_wait)
        finally:
            _kill(child)
        if ended and child.returncode == 0:
            return pumps.settle(on_wait)
        pumps.stop(on_wait)
    if not ended:
        raise TooLarge(f"it took longer than {seconds} seconds")
    raise _explained(child.returncode, said.read_bytes()[-LAST_WORDS:], module, memory_mib)


def _started(module: str, folder: Path, said: Path, pumps: Pumps) -> subprocess.Popen[bytes]:
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= QUIET
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    with said.open("wb") as errors, pumps.theirs as channel:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-P", "-m", module, str(folder)],
            env=environment,
            stdin=channel.fileno(),
            stdout=errors,
            stderr=errors,
            cwd=folder,
            start_new_session=True,  # Ctrl-C is for us, and then we end it
        )


def _waited(
    child: subprocess.Popen[bytes], seconds: float, pumps: Pumps, on_wait: Callable[[], None]
) -> bool:
    """Answer what it asks, until it ends; False if it does not in time."""
    started = time.monotonic()
    connected = True
    while time.monotonic() - started < seconds:
        connected = connected and pumps.attend(POLL_SECONDS)
        try:
            child.wait(0 if connected else POLL_SECONDS)
        except subprocess.TimeoutExpired:
            pumps.check()
            on_wait()
        else:
            return True
    return False


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End it, and with it what it may have started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _explained(returncode: int, last_words: bytes, module: str, memory_mib: int) -> MlsysError:
    if returncode == -signal.SIGTERM:
        return Unavailable("the work was asked to end")
    if any(sign in last_words for sign in OUT_OF_MEMORY):
        return TooLarge(f"it needs more than {memory_mib} MiB of memory")
    if returncode == -signal.SIGKILL:
        return TooLarge("it was killed, as systems do where memory or processor time ends")
    how = _how(returncode)
    structlog.get_logger().error("child.crashed", module=module, how=how, at=_places(last_words))
    return InvalidInput(f"the process that did the work ended with {how}, which we did not foresee")


def _places(said: bytes) -> list[str]:
    """Return the lines of a traceback that name code, and none that could hold a cell."""
    lines = said.decode(errors="replace").splitlines()
    return [line.strip() for line in lines if line.startswith('  File "')][-10:]


def _how(returncode: int) -> str:
    if returncode >= 0:
        return f"exit code {returncode}"
    return f"signal {signal.Signals(-returncode).name}"
