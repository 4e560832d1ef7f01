"""The shell commands of each guide do what the guide says, on a platform of their own."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from itertools import groupby
from pathlib import Path

import pytest

from tests.docs.pages import Example, examples
from tests.ports import free_port

START_SECONDS = 30.0
GUIDE_SECONDS = 240.0

# What the fixture or `make test` has done already, and what .ci/run does beside it.
DONE_ALREADY = re.compile(r"^(?:mlsys up|make \w+|source \.venv/bin/activate)$", re.MULTILINE)
GUIDES = {
    page.name: list(blocks)
    for page, blocks in groupby(examples("sh"), key=lambda example: example.page)
}


@dataclass(frozen=True)
class Platform:
    """A running `mlsys up`."""

    folder: Path
    port: int
    environment: dict[str, str]


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    """`mlsys up` on a free port, with `.mlsys` in an empty folder as its home."""
    port = free_port()
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MLSYS_HOME": str(tmp_path / ".mlsys"),
    }
    with subprocess.Popen(
        ["mlsys", "up", "--port", str(port)],  # noqa: S607  # found on the PATH made above
        cwd=tmp_path,
        env=environment,
    ) as server:
        try:
            _wait_until_ready(port, server)
            yield Platform(tmp_path, port, environment)
        finally:
            server.terminate()


def test_there_are_guides_with_commands() -> None:
    assert set(GUIDES) >= {"README.md", "quickstart.md"}


@pytest.mark.parametrize("guide", GUIDES)
def test_the_commands_of_a_guide_work(guide: str, platform: Platform) -> None:
    script = _script(GUIDES[guide]).replace(":8080", f":{platform.port}")

    ended = subprocess.run(
        ["/bin/sh", "-eux", "-c", script],
        cwd=platform.folder,
        env=platform.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=GUIDE_SECONDS,
    )

    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-4000:]
    assert script.strip()


def test_a_command_that_fails_is_noticed(tmp_path: Path) -> None:
    ended = subprocess.run(
        ["/bin/sh", "-eux", "-c", "cp there-is-no-such-file.csv here"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )

    assert ended.returncode != 0


def _script(blocks: list[Example]) -> str:
    return DONE_ALREADY.sub("", "\n".join(block.text for block in blocks))


def _wait_until_ready(port: int, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert server.poll() is None, "mlsys up ended"
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == HTTPStatus.OK:
                return
        except (ConnectionError, TimeoutError):
            time.sleep(0.1)
        finally:
            connection.close()
    pytest.fail(f"port {port} was not ready after {START_SECONDS} s")
