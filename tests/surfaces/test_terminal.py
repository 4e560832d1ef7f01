"""What a person sees at a terminal."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.surfaces.conftest import Done

MLSYS = [sys.executable, "-m", "mlsys.cli"]
SIZE = {"COLUMNS": "100", "LINES": "30", "TERM": "xterm"}


def at_a_terminal(*arguments: str, until: str | None = None) -> str:
    """Run a command whose output and talk go to a terminal; press Ctrl-C once `until` is there."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*MLSYS, *arguments], stdout=theirs, stderr=theirs, env=os.environ | SIZE
    ) as process:
        os.close(theirs)
        seen = ""
        for text in _read(ours):
            seen += text
            if until is not None and until in seen:
                process.send_signal(signal.SIGINT)
                until = None
        os.close(ours)
        code = process.wait(30)
    assert code == 0, seen
    return seen.replace("\r\n", "\n")


def test_a_list_is_drawn(done: Done) -> None:
    seen = at_a_terminal("splits", "list", "--home", str(done.home))

    assert "\x1b[1m" in seen
    assert "────" in seen
    assert done.split.id in seen


def test_trials_fill_a_bar(done: Done) -> None:
    seen = at_a_terminal("experiments", "watch", done.experiment.id, "--home", str(done.home))

    assert "3/3" in seen
    assert "━━━━" in seen
    assert "best" in seen


def test_the_log_of_the_platform_is_readable(tmp_path: Path) -> None:
    seen = at_a_terminal("up", "--home", str(tmp_path), "--port", "0", until="until Ctrl-C")

    started = next(line for line in seen.splitlines() if "platform.started" in line)
    assert started.split()[1:3] == ["platform.started", f"url={seen.split('url=')[1].split()[0]}"]
    assert '"severity"' not in seen
    assert seen.splitlines()[-1] == "stopped"


def _read(terminal: int) -> Iterator[str]:
    """Yield what is written until the other side is closed, which Linux tells by an error."""
    while True:
        try:
            content = os.read(terminal, 65536)
        except OSError:
            return
        if not content:
            return
        yield content.decode(errors="replace")
