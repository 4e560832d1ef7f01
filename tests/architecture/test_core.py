"""The core imports with no extra installed: pydantic and structlog are all it needs."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-core" / "bin" / "python"

CORE = [
    "mlsys.adapters.local.jobs",
    "mlsys.adapters.local.messages",
    "mlsys.adapters.local.objects",
    "mlsys.adapters.local.records",
    "mlsys.domain.errors",
    "mlsys.domain.ids",
    "mlsys.domain.messages",
    "mlsys.domain.promotion",
    "mlsys.domain.records",
    "mlsys.edge.http",
    "mlsys.edge.parsing",
    "mlsys.handlers.health",
    "mlsys.handlers.models",
    "mlsys.handlers.promotion",
    "mlsys.handlers.splits",
    "mlsys.logs",
    "mlsys.ports",
    "mlsys.repositories",
    "mlsys.runtime",
    "mlsys.settings",
    "mlsys.use_cases.registry",
]


@pytest.mark.parametrize("module", CORE)
def test_a_module_of_the_core_imports_alone(module: str) -> None:
    imported = _import(module)

    assert imported.returncode == 0, imported.stderr


@pytest.mark.parametrize("package", ["numpy", "polars", "flask", "optuna", "typer", "google.cloud"])
def test_the_environment_of_the_core_is_bare(package: str) -> None:
    imported = _import(package)

    assert "ModuleNotFoundError" in imported.stderr


def _import(module: str) -> subprocess.CompletedProcess[str]:
    if not PYTHON.exists():
        pytest.fail("there is no .venv-core: run `make envs`")
    return subprocess.run(
        [str(PYTHON), "-c", f"import {module}"], capture_output=True, text=True, check=False
    )
