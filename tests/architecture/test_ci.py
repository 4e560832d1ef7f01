"""In CI a test that misses its emulator fails, and the summary would notice if it did not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ON_EMULATOR = """
import pytest

@pytest.mark.emulator
def test_on_an_emulator():
    {outcome}

def test_elsewhere():
    pass
"""


@pytest.mark.parametrize(
    ("outcome", "ci", "passes"),
    [
        ("pytest.skip('no emulator')", "", True),
        ("pytest.skip('no emulator')", "true", False),
        ("pass", "true", True),
    ],
)
def test_a_skipped_emulator_fails_in_ci_only(
    outcome: str, ci: str, *, passes: bool, tmp_path: Path
) -> None:
    result = _run_tests(tmp_path, outcome, ci=ci)

    assert (result.returncode == 0) == passes, result.stdout


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        ("pass", "2 tests, 0 skipped; 1 on emulators, 0 of them skipped"),
        ("pytest.skip('none here')", "2 tests, 1 skipped; 1 on emulators, 1 of them skipped"),
    ],
)
def test_the_summary_fails_when_an_emulator_was_skipped(
    outcome: str, says: str, tmp_path: Path
) -> None:
    _run_tests(tmp_path, outcome, ci="")

    summary = _run([ROOT / ".ci" / "skipped.py", tmp_path / "tests.xml"])

    assert says in summary.stdout
    assert (summary.returncode == 0) == (outcome == "pass")


def test_the_summary_fails_when_no_emulator_was_used(tmp_path: Path) -> None:
    report = tmp_path / "tests.xml"
    report.write_text("<testsuites><testsuite><testcase name='a'/></testsuite></testsuites>")

    summary = _run([ROOT / ".ci" / "skipped.py", report])

    assert summary.returncode == 1


def _run_tests(folder: Path, outcome: str, *, ci: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(ROOT / "conftest.py", folder)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = emulator\n")
    (folder / "test_it.py").write_text(ON_EMULATOR.format(outcome=outcome))
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    if ci:
        environment["CI"] = ci
    return _run(["-m", "pytest", "--junitxml=tests.xml", folder], folder, environment)


def _run(
    arguments: list[str | Path],
    folder: Path = ROOT,
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
