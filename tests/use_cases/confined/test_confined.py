"""A child process has limits, and what becomes of it is said in our own errors."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from mlsys.adapters.local.objects import FileObjects
from mlsys.domain.errors import Busy, InvalidInput, MlsysError, TooLarge, Unavailable
from mlsys.use_cases.confined.processes import run_confined
from mlsys.use_cases.confined.pumps import Traffic
from tests.domain.parting import said

CONFINE = """
import os, signal, sys, time
from pathlib import Path
from mlsys.use_cases.confined.limits import confine
confine(memory_mib=512, seconds=20, file_bytes=10**7)
folder = Path(sys.argv[1])
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run some code in a confined child."""

    def run(code: str, *, seconds: int = 20, on_wait: Callable[[], None] = lambda: None) -> None:
        (tmp_path / "child_of_a_test.py").write_text(CONFINE + code)
        monkeypatch.syspath_prepend(tmp_path)
        run_confined(
            "child_of_a_test",
            tmp_path,
            memory_mib=512,
            seconds=seconds,
            on_wait=on_wait,
            traffic=Traffic([], {}, FileObjects(tmp_path / "objects")),
        )

    return run


def test_a_child_does_its_work_in_the_folder(run: Callable[..., None], tmp_path: Path) -> None:
    run("(folder / 'done').write_text(os.getcwd())")

    assert (tmp_path / "done").read_text() == str(tmp_path)


def test_the_child_that_divides_starts_without_what_only_its_parent_needs() -> None:
    loaded = "import sys, mlsys.use_cases.splitting.divide; print(*sys.modules)"

    names = said(loaded).decode().split()

    assert "polars" in names
    assert not {"structlog", "rich", "mlsys.use_cases.confined.pumps"} & {*names}


def test_a_child_gets_no_credentials(
    run: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/key.json")

    run("(folder / 'names').write_text(' '.join(os.environ))")

    assert set((tmp_path / "names").read_text().split()) <= {
        "COVERAGE_PROCESS_CONFIG",
        "PATH",
        "LANG",
        "LC_CTYPE",
        "LD_LIBRARY_PATH",
        "MALLOC_MMAP_THRESHOLD_",
        "MALLOC_TRIM_THRESHOLD_",
        "OPENBLAS_NUM_THREADS",
        "POLARS_MAX_THREADS",
        "PYTHONPATH",
        "_RJEM_MALLOC_CONF",
    }


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        ("bytearray(10**9)", TooLarge, "needs more than 512 MiB"),
        ("sys.exit(3)", InvalidInput, "exit code 3"),
        ("(folder / 'big').write_bytes(bytes(10**7 + 1))", InvalidInput, "exit code 1"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", InvalidInput, "signal SIGSEGV"),
        ("os.kill(os.getpid(), signal.SIGKILL)", TooLarge, "it was killed"),
        ("os.kill(os.getpid(), signal.SIGTERM)", Unavailable, "asked to end"),
    ],
)
def test_how_a_child_ended_is_said(
    run: Callable[..., None], code: str, kind: type[MlsysError], said: str
) -> None:
    with pytest.raises(kind, match=said):
        run(code)


def test_a_crash_is_logged_with_its_place_and_without_values(run: Callable[..., None]) -> None:
    with capture_logs() as logs, pytest.raises(InvalidInput):
        run("raise ValueError('the name of a customer')")

    [line] = logs
    assert line["event"] == "child.crashed"
    assert "child_of_a_test.py" in line["at"][-1]
    assert "customer" not in str(line)


def test_a_slow_child_is_ended(run: Callable[..., None]) -> None:
    started = time.monotonic()

    with pytest.raises(TooLarge, match="longer than 1 second"):
        run("time.sleep(60)", seconds=1)

    assert time.monotonic() - started < 10


def test_whoever_waits_may_give_up_and_the_child_ends(
    run: Callable[..., None], tmp_path: Path
) -> None:
    def give_up() -> None:
        if (tmp_path / "pid").exists():
            raise Busy("taken over")

    with pytest.raises(Busy):
        run(
            "(folder / 'pid.part').write_text(str(os.getpid()))\n"
            "(folder / 'pid.part').rename(folder / 'pid')\n"
            "time.sleep(60)",
            on_wait=give_up,
        )

    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), signal.SIG_DFL)


def test_what_a_child_started_ends_with_it(run: Callable[..., None], tmp_path: Path) -> None:
    run(
        "import subprocess\n"
        "subprocess.Popen(['sh', '-c', 'while true; do echo >> beats; sleep 0.02; done'])\n"
        "while not (folder / 'beats').exists():\n"
        "    time.sleep(0.01)"
    )

    beats = (tmp_path / "beats").stat().st_size
    time.sleep(0.2)
    assert (tmp_path / "beats").stat().st_size == beats
