"""The import contracts hold, and each of them would notice when it did not."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = {
    contract["id"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
}

# What must not be possible: in a new module of this package (or, with a file's name, at the end of
# that file) this line, which this contract forbids.
FORBIDDEN = [
    ("layers", "domain", "import mlsys.ports"),
    ("layers", "ports", "import mlsys.repositories"),
    ("layers", "repositories", "import mlsys.use_cases"),
    ("layers", "repositories", "import mlsys.adapters.local.records"),
    ("layers", "use_cases", "import mlsys.adapters"),
    ("layers", "use_cases", "import mlsys.edge"),
    ("layers", "use_cases", "import mlsys.logs"),
    ("layers", "adapters", "import mlsys.use_cases"),
    ("layers", "adapters", "import mlsys.settings"),
    ("layers", "edge", "import mlsys.use_cases"),
    ("layers", "settings", "import mlsys.logs"),
    ("layers", "starting", "import mlsys.settings"),
    ("layers", "use_cases", "import mlsys.runtime"),
    ("layers", "runtime", "import mlsys.handlers"),
    ("layers", "handlers", "import mlsys.dev"),
    ("layers", "handlers", "import mlsys.cli"),
    ("layers", "domain", "def late() -> None:\n    import mlsys.settings"),
    ("rooms", "use_cases/leading/ends", "import mlsys.use_cases.training.material"),
    ("rooms", "use_cases/serving/shelf", "import mlsys.use_cases.predict"),
    ("backends", "adapters/gcp", "import mlsys.adapters.local.records"),
    ("backends", "adapters/local", "import mlsys.adapters.gcp.records"),
    ("handlers", "handlers/health", "import mlsys.handlers.predict"),
    ("learners", "domain/learners/xgboost", "import mlsys.domain.learners.lightgbm"),
    ("scoring", "domain/scoring/xgboost", "import mlsys.domain.scoring.lightgbm"),
    ("deployables", "handlers", "import functions.predict.main"),
    ("deployables", "dev", "import jobs.study"),
    ("deployables", "edge", "import functions_framework"),
    ("pure-domain", "domain", "import time"),
    ("pure-domain", "domain", "import structlog"),
    ("pure-domain", "domain", "import random"),
    ("pure-domain", "domain/learners", "from urllib.request import urlopen"),
    ("vendor", "adapters/local", "from google.cloud import storage"),
    ("vendor", "use_cases", "import google.api_core.exceptions"),
    ("vendor", "handlers", "import grpc"),
    ("sqlite", "use_cases", "import sqlite3"),
    ("optuna", "domain", "import optuna"),
    ("optuna", "handlers", "from optuna.trial import Trial"),
    ("boosting", "use_cases", "import lightgbm"),
    ("boosting", "domain/learners/xgboost", "import catboost"),
    ("servers", "handlers", "import flask"),
    ("servers", "edge", "from starlette.requests import Request"),
    ("heavy", "use_cases", "import pandas"),
    ("heavy", "domain", "import pickle"),
    ("heavy", "domain/learners", "from sklearn.metrics import roc_auc_score"),
    ("light-serving", "handlers/predict", "import polars"),
    ("light-serving", "runtime", "import optuna"),
    ("light-serving", "domain/scoring/lightgbm", "import mlsys.domain.learners.lightgbm"),
]


def test_every_contract_is_shown_breaking() -> None:
    shown = {contract for contract, _, _ in FORBIDDEN}

    assert shown == set(CONTRACTS)


def test_every_contract_holds() -> None:
    result = _lint(ROOT)

    assert result.returncode == 0, result.stdout
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in result.stdout


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_contract_notices_each_import_it_forbids(contract: str, tmp_path: Path) -> None:
    lines = [(place, line) for id, place, line in FORBIDDEN if id == contract]
    planted = list(_plant(tmp_path, lines))
    if contract == "rooms":
        planted = [_rooms_of(one) for one in planted]

    result = _lint(tmp_path, "--contract", contract)

    assert result.returncode == 1, result.stdout + result.stderr
    assert "0 kept, 1 broken" in result.stdout
    found = re.sub(r"\s+", " ", result.stdout)
    assert [one for one in planted if one not in found] == []


def test_a_module_outside_the_layers_is_noticed(tmp_path: Path) -> None:
    list(_plant(tmp_path, []))
    (tmp_path / "shared/mlsys/helpers.py").write_text('"""Nobody knows where this belongs."""\n')

    result = _lint(tmp_path, "--contract", "layers")

    assert result.returncode == 1
    assert "helpers" in result.stdout


def _plant(root: Path, lines: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Copy the library below `root` with these lines in it; yield what must be reported."""
    shutil.copy(ROOT / "pyproject.toml", root)
    library = root / "shared" / "mlsys"
    shutil.copytree(
        ROOT / "shared" / "mlsys", library, ignore=shutil.ignore_patterns("__pycache__")
    )
    for number, (place, line) in enumerate(lines):
        file = library / f"{place}.py"
        if (library / place).is_dir():
            file = library / place / f"planted_{number}.py"
        with file.open("a") as module:
            module.write(f"\n{line}\n")
        importer = ".".join(file.relative_to(root / "shared").with_suffix("").parts)
        imported = re.search(r"(?:from|import) (\S+)", line)
        assert imported
        name = imported[1] if imported[1].startswith("mlsys") else imported[1].partition(".")[0]
        yield f"{importer} -> {name}"


def _rooms_of(planted: str) -> str:
    """Name the rooms alone: so a circle is reported."""
    return " -> ".join(f".{module.split('.')[2]}" for module in planted.split(" -> "))


def _lint(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            str(Path(sys.executable).parent / "lint-imports"),
            "--no-logo",
            "--no-cache",
            *("--config", str(root / "pyproject.toml")),
            *arguments,
        ],
        cwd=root / "shared",
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "", "COLUMNS": "400"},
    )
