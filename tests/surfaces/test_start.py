"""The command line starts light, and leaves quietly."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from time import perf_counter
from typing import IO

import pytest

from tests.processes import killed_on_failure
from tests.surfaces.conftest import Done

MLSYS = [sys.executable, "-m", "mlsys.cli"]
COMPUTING = {"catboost", "lightgbm", "numpy", "optuna", "polars", "sklearn", "xgboost"}
HEAVY = COMPUTING | {"grpc", "httpx", "rich", "sqlite3", "starlette", "structlog", "uvicorn"}
IMPORTED = """
import sys
before = set(sys.modules)  # a measured run has some of its own
from mlsys.cli.__main__ import main
sys.argv = ["mlsys", *sys.argv[1:]]
try:
    main()
finally:
    print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}), file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["models", "promote", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    started = perf_counter()
    run = subprocess.run(
        [sys.executable, "-c", IMPORTED, *arguments], capture_output=True, text=True, check=True
    )
    sys.stdout.write(f"mlsys {' '.join(arguments)}: {perf_counter() - started:.2f} s\n")

    assert "mlsys" in run.stdout
    assert "mlsys" in run.stderr.split()
    assert HEAVY & set(run.stderr.split()) == set()


def test_the_list_of_heavy_modules_would_notice() -> None:
    run = subprocess.run(
        [sys.executable, "-c", IMPORTED, "doctor", "--url", "http://127.0.0.1:1"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert {"httpx", "structlog"} <= HEAVY & set(run.stderr.split())


def test_a_client_of_a_deployment_needs_nothing_that_computes() -> None:
    program = "import sys, mlsys; mlsys.Client('http://127.0.0.1:1'); print(*sys.modules)"

    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert COMPUTING & set(run.stdout.split()) == set()


def test_a_reader_that_leaves_is_no_trouble(done: Done) -> None:
    listing = [*MLSYS, "experiments", "trials", done.experiment.id, "--home", str(done.home)]
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as gone:
        run = subprocess.run(listing, stdout=gone, stderr=subprocess.PIPE, check=False)

    assert run.stderr == b""
    assert run.returncode == 141


def test_ctrl_c_is_quiet(tmp_path: Path) -> None:
    request = [*MLSYS, "experiments", "create", "--request", "-", "--home", str(tmp_path / "home")]
    with killed_on_failure(
        subprocess.Popen(
            request, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    ) as run:
        assert run.stdin is not None
        run.stdin.write(b"{")
        run.stdin.flush()
        wait_until_read(run.stdin)
        run.send_signal(signal.SIGINT)
        said = run.communicate()

    assert run.returncode == 130
    assert said == (b"", b"")


def test_ctrl_c_at_the_start_is_quiet() -> None:
    program = """
import sys
class Interrupting:
    def find_spec(self, name, *_):
        if name == "mlsys.cli.app":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupting())
from mlsys.cli.__main__ import main
main()
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)

    assert run.returncode == 130
    assert run.stdout + run.stderr == b""


def wait_until_read(pipe: IO[bytes]) -> None:
    unread = b"more"
    while any(unread):
        time.sleep(0.01)
        unread = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))


def test_data_go_to_standard_output_alone(done: Done) -> None:
    run = subprocess.run(
        [*MLSYS, "models", "list", "--format", "json", "--home", str(done.home)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "churn-v1" in {one["id"] for one in json.loads(run.stdout)}
    assert run.stderr == ""
