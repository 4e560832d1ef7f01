"""What a person sees at a terminal."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from mlsys.repositories.experiments import EXPERIMENTS
from mlsys.runtime import Runtime
from mlsys.sdk.local import local_settings
from tests.domain.studied import experiment
from tests.processes import killed_on_failure
from tests.surfaces.conftest import Done

MLSYS = [sys.executable, "-m", "mlsys.cli"]
SIZE = {"COLUMNS": "100", "LINES": "30", "TERM": "xterm"}


def at_a_terminal(*arguments: str, until: str | None = None, code: int = 0) -> str:
    """Run a command whose output and talk go to a terminal; press Ctrl-C once `until` is there."""
    ours, theirs = pty.openpty()
    with killed_on_failure(
        subprocess.Popen([*MLSYS, *arguments], stdout=theirs, stderr=theirs, env=os.environ | SIZE)
    ) as process:
        os.close(theirs)
        seen = ""
        for text in _read(ours):
            seen += text
            if until is not None and until in seen:
                process.send_signal(signal.SIGINT)
                until = None
        os.close(ours)
        ended = process.wait(30)
    assert ended == code, seen
    return seen.replace("\r\n", "\n")


def test_a_list_is_drawn(done: Done) -> None:
    seen = at_a_terminal("splits", "list", "--home", str(done.home))

    assert "\x1b[1m" in seen
    assert "────" in seen
    assert done.split.id in seen


def test_a_study_is_drawn_until_it_is_over(done: Done) -> None:
    seen = at_a_terminal("experiments", "watch", done.experiment.id, "--home", str(done.home))

    assert "3/3" in seen
    assert "━━━━" in seen
    assert "best roc_auc" in seen
    assert "trials/min" in seen
    assert "status       SUCCEEDED" in seen


def test_ctrl_c_leaves_a_study_alone(tmp_path: Path) -> None:
    records = Runtime(local_settings(tmp_path)).records
    EXPERIMENTS.create("exp-1", experiment(), records=records)
    watch = ["experiments", "watch", "exp-1", "--home", str(tmp_path)]

    seen = at_a_terminal(*watch, until="0/10", code=130)

    assert "Traceback" not in seen
    assert "Aborted" not in seen
    assert EXPERIMENTS.get("exp-1", records=records).value == experiment()


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
