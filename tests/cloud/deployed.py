"""The deployables as processes under the real functions-framework, on Google's clients."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from tests.ports import free_port

ROOT = Path(__file__).parents[2]
EVENTS = {"split", "launch"}
START_SECONDS = 60
HOST = "127.0.0.1"


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


def arguments_of(name: str, port: int) -> list[str]:
    """Start a function as its image does; what serves itself is told where by `listening_at`."""
    folder = ROOT / "functions" / name
    if (folder / "__main__.py").exists():
        return [str(folder)]
    return [
        *("-m", "functions_framework", "--target", name, "--source", str(folder / "main.py")),
        *("--signature-type", "cloudevent" if name in EVENTS else "http"),
        *("--host", HOST, "--port", str(port)),
    ]


def listening_at(port: int) -> dict[str, str]:
    """Tell what serves itself where to listen."""
    return {"MLSYS_HOST": HOST, "MLSYS_PORT": str(port)}


@contextmanager
def _function(name: str, environment: Mapping[str, str], log: Path) -> Iterator[str]:
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments_of(name, port)],
            env={**environment, **listening_at(port)},
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )
        try:
            yield f"http://{HOST}:{port}"
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
