"""Each deployable starts with its own extras installed, and imports nothing that it does not need.

`make weights` prints what each costs.
"""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import pytest

from mlsys.domain.choices import ModelType
from mlsys.domain.learners.table import learner
from mlsys.domain.scoring.table import FILE_NAMES
from tests.domain.learning import BINARY, fit

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
ASGI = {"anyio", "starlette"}
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
    "predict": Weight("serve", FRAMEWORK | ASGI | NUMBERS),
    "importance": Weight("ingest-plots-serve", FRAMEWORK | NUMBERS | TABLES),
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

    probe = start(name, weight.extras, tmp_path)

    assert CORE & set(probe.packages)
    assert set(probe.packages) - CORE - weight.allowed == set()
    print(f"\n{probe.line}", end="")  # noqa: T201  # `make weights` shows it


def test_what_is_not_allowed_is_noticed(tmp_path: Path) -> None:
    probe = start("study", "train", tmp_path)

    assert {"numpy", "optuna", "polars"} & (set(probe.packages) - CORE - FRAMEWORK)


SCORE = """
import sys
from pathlib import Path

import numpy as np
from probe import third_party

from mlsys.domain.learners.base import Task
from mlsys.domain.choices import ModelType
from mlsys.domain.scoring.table import load_booster

content = Path(sys.argv[2]).read_bytes()
booster = load_booster(ModelType(sys.argv[1]), content, task=Task("binary", 2))
booster.predict(np.ones((1, 4)))
booster.contributions(np.ones((1, 4)))
booster.importance()
print(*third_party())
"""
OF_CATBOOST = {"_catboost", "catboost", "six"}


@pytest.mark.parametrize("model_type", ModelType)
def test_scoring_a_model_imports_none_of_what_trained_it(
    model_type: ModelType, tmp_path: Path
) -> None:
    file = tmp_path / FILE_NAMES[model_type]
    file.write_bytes(fit(learner(model_type), BINARY, rounds=3).to_bytes())

    ended = subprocess.run(
        [str(ROOT / ".venv-serve/bin/python"), "-c", SCORE, model_type.value, str(file)],
        env={"PYTHONPATH": str(ROOT / "tests" / "architecture")},
        capture_output=True,
        text=True,
        check=True,
    )

    imported = set(ended.stdout.split()) - CORE - NUMBERS
    assert imported == (OF_CATBOOST if model_type is ModelType.CATBOOST else set())


@dataclass(frozen=True)
class Probe:
    """What a start took."""

    packages: list[str]
    line: str


def start(name: str, extras: str, home: Path) -> Probe:
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
