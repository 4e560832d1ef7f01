"""Each deployable starts with its own extras installed, and imports nothing that it does not need.

`make weights` prints what each costs.
"""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import pytest

ROOT = Path(__file__).parents[2]

CORE = {
    "annotated_types",
    "pydantic",
    "pydantic_core",
    "structlog",
    "typing_extensions",
    "typing_inspection",
}
FRAMEWORK = {
    "blinker",
    "click",
    "cloudevents",
    "deprecation",
    "flask",
    "functions_framework",
    "google.cloud.functions",
    "google.cloud.functions_v1",
    "itsdangerous",
    "jinja2",
    "markupsafe",
    "packaging",
    "werkzeug",
}
NUMBERS = {"numpy"}
TABLES = {"polars", "_polars_runtime_32"}
SEARCH = {"optuna", "colorlog", "packaging", "tqdm"}


@dataclass(frozen=True)
class Weight:
    """`extras`, joined by `-`, name the environment `.venv-{extras}`."""

    extras: str
    allowed: set[str]


WEIGHTS = {
    "health": Weight("functions", FRAMEWORK),
    "models": Weight("functions", FRAMEWORK),
    "promotion": Weight("functions", FRAMEWORK),
    "splits": Weight("ingest", FRAMEWORK),
    "experiments": Weight("serve", FRAMEWORK | NUMBERS),
    "launch": Weight("serve", FRAMEWORK | NUMBERS),
    "predict": Weight("serve", FRAMEWORK | NUMBERS),
    "importance": Weight("ingest-serve", FRAMEWORK | NUMBERS | TABLES),
    "ingest": Weight("ingest", NUMBERS),
    "split": Weight("ingest", FRAMEWORK | NUMBERS),
    "study": Weight("train", NUMBERS | TABLES | SEARCH),
}


def test_every_deployable_is_weighed() -> None:
    deployables = [*ROOT.glob("functions/*/main.py"), *ROOT.glob("jobs/*/__main__.py")]

    assert {file.parent.name for file in deployables} == set(WEIGHTS)


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_deployable_starts_with_its_extras_and_imports_no_more(name: str, tmp_path: Path) -> None:
    weight = WEIGHTS[name]

    probe = _start(name, weight.extras, tmp_path)

    assert CORE & set(probe.packages)
    assert set(probe.packages) - CORE - weight.allowed == set()
    print(f"\n{probe.line}", end="")  # noqa: T201  # `make weights` shows it


def test_what_is_not_allowed_is_noticed(tmp_path: Path) -> None:
    probe = _start("study", "train", tmp_path)

    assert {"numpy", "optuna", "polars"} & (set(probe.packages) - CORE - FRAMEWORK)


@dataclass(frozen=True)
class Probe:
    """What a start took."""

    packages: list[str]
    line: str


def _start(name: str, extras: str, home: Path) -> Probe:
    python = ROOT / f".venv-{extras}" / "bin" / "python"
    if not python.exists():
        pytest.fail(f"there is no {python.parents[1].name}: run `make envs`")
    started = perf_counter()

    ended = subprocess.run(
        [str(python), str(ROOT / "tests" / "architecture" / "probe.py"), name],
        cwd=ROOT,
        env={"MLSYS_HOME": str(home), "MLSYS_LOG_LEVEL": "warning"},
        capture_output=True,
        text=True,
        check=False,
    )

    seconds = perf_counter() - started
    assert ended.returncode == 0, ended.stderr
    took = json.loads(ended.stdout.splitlines()[-1])
    line = (
        f"{name:12} [{extras:12}] {seconds:6.2f} s  {took['peak_mib']:6.0f} MiB  "
        f"{took['modules']:5} modules  {len(took['packages']):3} packages"
    )
    return Probe(took["packages"], line)
