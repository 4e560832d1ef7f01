"""A function that serves in a process of its own, as in its image."""

import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.cloud.deployed import HOST, arguments_of, listening_at
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
MEGABYTE = 10**6
START_SECONDS = 60


@dataclass(frozen=True)
class Process:
    """A function that serves; Python tells in its log what it imports."""

    pid: int
    url: str
    log: Path
    packages: Path

    def imported(self) -> set[str]:
        """Name the packages imported so far that do not belong to Python; Google's in full."""
        names = re.findall(r"^import time: .*\| +(\S+)$", self.log.read_text(), re.MULTILINE)
        parts = [name.split(".") for name in names]
        packages = {".".join(one[: 3 if one[0] == "google" else 1]) for one in parts}
        return {name for name in packages - {"mlsys"} if self._is_installed(name)}

    def memory_mb(self) -> float:
        """Say how much memory it has with its children; what several share counts once."""
        if not Path("/proc/self/smaps_rollup").exists():
            pytest.skip("only Linux tells who shares which memory")
        rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in _family(self.pid)]
        kib = [
            int(found)
            for text in rollups
            for found in re.findall(r"^Pss: +(\d+)", text, re.MULTILINE)
        ]
        return sum(kib) * 1024 / MEGABYTE

    def _is_installed(self, name: str) -> bool:
        """Tell what was imported from what was only looked for."""
        place = name.replace(".", "/")
        return any(self.packages.glob(f"{place}/")) or any(self.packages.glob(f"{place}.*"))


@contextmanager
def serving(
    name: str, extras: str, environment: Mapping[str, str], folder: Path
) -> Iterator[Process]:
    """Serve a function as its image does until the block ends."""
    python = ROOT / f".venv-{extras}" / "bin" / "python"
    if not python.exists():
        pytest.fail(f"there is no {python.parents[1].name}: run `make envs`")
    port, log = free_port(), folder / "log"
    command = [str(python), "-X", "importtime", *arguments_of(name, port)]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, env={**environment, **listening_at(port)}, cwd=ROOT, stderr=output
        ) as running,
    ):
        [packages] = python.parents[1].glob("lib/python*/site-packages")
        process = Process(running.pid, f"http://{HOST}:{port}", log, packages)
        try:
            _wait_for(process, running)
            yield process
        finally:
            running.terminate()


def _wait_for(process: Process, running: subprocess.Popen[bytes]) -> None:
    """Wait for an answer that needs nobody."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and running.poll() is None:
        try:
            httpx.get(f"{process.url}/there-is-nothing-here", timeout=START_SECONDS)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"{process.url} does not answer: {process.log.read_text()[-2000:]}")


def _family(pid: int) -> list[int]:
    """Return a process and all below it."""
    told = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for one in told for child in one.read_text().split()]
    return [pid, *(member for child in children for member in _family(child))]
