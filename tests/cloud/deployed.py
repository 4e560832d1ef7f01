"""The deployables as processes under the real functions-framework, on Google's clients."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from tests.cloud.listener import free_port

ROOT = Path(__file__).parents[2]
EVENTS = {"split", "launch"}
START_SECONDS = 60


@contextmanager
def deployed(
    names: list[str], environment: Mapping[str, str], logs: Path
) -> Iterator[dict[str, str]]:
    """Serve functions until the block ends; gives the URL of each."""
    with ExitStack() as stack:
        urls = {
            name: stack.enter_context(_function(name, environment, logs / f"{name}.log"))
            for name in names
        }
        for name, url in urls.items():
            _wait_for(url, logs / f"{name}.log")
        yield urls


@contextmanager
def _function(name: str, environment: Mapping[str, str], log: Path) -> Iterator[str]:
    port = free_port()
    command = [
        *(sys.executable, "-m", "functions_framework"),
        *("--target", name, "--source", str(ROOT / "functions" / name / "main.py")),
        *("--signature-type", "cloudevent" if name in EVENTS else "http"),
        *("--host", "127.0.0.1", "--port", str(port)),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=dict(environment), cwd=ROOT, stdout=output, stderr=output
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait_for(url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            httpx.get(url, timeout=5)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"{url} does not answer: {log.read_text()}")
