"""The rooms of the house: names match, sizes fit, and what is forbidden is not there."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlsys import ports
from mlsys.domain.errors import MlsysError
from mlsys.edge.failures import STATUS

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "shared" / "mlsys"
MODULES = sorted(
    file
    for folder in ("shared", "functions", "jobs", "tests", ".ci")
    for file in (ROOT / folder).rglob("*.py")
)
# A contract test is one file per port, however many promises it makes.
SHORT = [file for file in MODULES if file.parent.name != "contracts"]
DEPLOYABLES = sorted(
    file
    for pattern in ("functions/*/main.py", "functions/*/__main__.py", "jobs/*/__main__.py")
    for file in ROOT.glob(pattern)
)
EXCEPTIONS = {"shared/mlsys/runtime.py": ["TYPE_CHECKING"]}  # it says there why
MAX_LINES = 300
WRITTEN = (
    *("*.md", "*.yaml", ".*.yaml", ".env*", ".ci/*", ".ci/checks/*", "docs/**/*.md"),
    *("Dockerfile", ".dockerignore", ".github/**/*", "infra/**/*.tf", "infra/*.yaml"),
)
# The one place that names where genuine Terraform may be found beside us, if it is.
OUTSIDE = "TERRAFORM_OFFLINE ?="

PORTS = {
    "jobs": ports.Jobs,
    "messages": ports.Messages,
    "objects": ports.Objects,
    "records": ports.Records,
}
# What adapters of one backend share among themselves, and the other backend has no need of.
SUPPORT = {
    "gcp": {
        *("default_credentials", "downloads", "reading", "rest"),
        *("tokens", "translated", "uploads"),
    },
    "local": {"database", "disk_errors", "executions", "supervisor"},
}


def test_every_deployable_has_a_handler_of_its_name_and_no_handler_is_left() -> None:
    deployables = {file.parent.name for file in DEPLOYABLES}
    handlers = {file.stem for file in (LIBRARY / "handlers").glob("[!_]*.py")}

    assert {"predict", "split", "study"} <= deployables
    assert deployables == handlers


@pytest.mark.parametrize("file", DEPLOYABLES, ids=lambda file: "/".join(file.parts[-2:]))
def test_a_deployable_only_wires(file: Path) -> None:
    name = file.parent.name
    tree = ast.parse(file.read_text())

    imported = set(_imported(tree))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    defined = [node.name for node in tree.body if isinstance(node, functions)]

    assert f"mlsys.handlers.{name}" in imported
    assert imported <= {
        "cloudevents.http",
        "flask",
        "functions_framework",
        "functions_framework.aio",
        "mlsys.edge.asgi",
        "mlsys.edge.events",
        "mlsys.edge.flask",
        "mlsys.edge.listening",
        f"mlsys.handlers.{name}",
        "mlsys.runtime",
        "mlsys.starting",
        "starlette.requests",
        "sys",
    }
    assert defined == ([name] if file.name == "main.py" else [])


def test_both_backends_offer_the_same_modules() -> None:
    offered = {
        backend: {file.stem for file in (LIBRARY / "adapters" / backend).glob("[!_]*.py")} - support
        for backend, support in SUPPORT.items()
    }

    assert offered == {"gcp": set(PORTS), "local": set(PORTS)}


@pytest.mark.parametrize("backend", SUPPORT)
@pytest.mark.parametrize("port", PORTS)
def test_an_adapter_has_the_methods_of_its_port_in_their_order(backend: str, port: str) -> None:
    wanted = [name for name in vars(PORTS[port]) if not name.startswith("_")]
    tree = ast.parse((LIBRARY / "adapters" / backend / f"{port}.py").read_text())
    classes = [
        [node.name for node in body.body if isinstance(node, ast.FunctionDef)]
        for body in tree.body
        if isinstance(body, ast.ClassDef)
    ]

    offered = [[name for name in methods if name in wanted] for methods in classes]

    assert len(wanted) > 0
    assert wanted in offered


@pytest.mark.parametrize("file", SHORT, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_module_is_read_in_one_sitting(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= MAX_LINES


def test_every_error_has_a_status_and_a_code_of_its_own() -> None:
    kinds = set(_descendants(MlsysError))

    assert len(kinds) > 5
    assert kinds == set(STATUS)
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all("code" in vars(kind) for kind in kinds)


def test_importing_mlsys_imports_nothing() -> None:
    program = "import sys; seen = set(sys.modules); import mlsys; print(*set(sys.modules) - seen)"

    imported = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert imported.stdout.split() == ["mlsys"]


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(ROOT)))
def test_nothing_forbidden_is_written(file: Path) -> None:
    allowed = EXCEPTIONS.get(str(file.relative_to(ROOT)), [])

    assert list(_faults(file.read_text())) == allowed


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("try:\n    f()\nexcept:\n    pass", "bare except"),
        ("try:\n    f()\nexcept Exception:\n    pass", "except Exception"),
        ("try:\n    f()\nexcept (ValueError, Exception) as e:\n    raise", "except Exception"),
        ("try:\n    f()\nexcept BaseException:\n    pass", "BaseException that ends here"),
        ("import pickle", "pickle"),
        ("from joblib import load", "joblib"),
        ("np.load(path, allow_pickle=True)", "allow_pickle"),
        ("from __future__ import annotations", "__future__"),
        ("from typing import TYPE_CHECKING", "TYPE_CHECKING"),
        ("from unittest.mock import Mock", "unittest.mock"),
    ],
)
def test_what_is_forbidden_is_noticed(source: str, fault: str) -> None:
    assert list(_faults(source)) == [fault]


def test_undoing_and_raising_again_is_allowed() -> None:
    source = "try:\n    f()\nexcept BaseException:\n    undo()\n    raise"

    assert list(_faults(source)) == []


def test_nothing_points_at_somebodys_machine() -> None:
    machine = re.compile(r"(?<![\w.}])/(?:root|work|Users|home/\w+)/|\.\./shared/|index-url[ =]")
    texts = [
        *MODULES,
        *(ROOT / name for name in ("Makefile", "conftest.py", "pyproject.toml", "uv.lock")),
        *(file for kind in WRITTEN for file in ROOT.glob(kind) if file.is_file()),
    ]

    found = [
        f"{text.relative_to(ROOT)}: {line}"
        for text in texts
        for line in text.read_text().splitlines()
        if machine.search(line) and not line.startswith(OUTSIDE)
    ]

    assert len(texts) > 50
    assert machine.search(str(Path("/", "root", "notes")))
    assert found == []


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)


def _descendants(kind: type[MlsysError]) -> Iterator[type[MlsysError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)


def _faults(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler):
            caught = set() if node.type is None else _names(node.type)
            ends = not isinstance(node.body[-1], ast.Raise)
            if node.type is None:
                yield "bare except"
            elif "Exception" in caught:
                yield "except Exception"
            elif "BaseException" in caught and ends:
                yield "BaseException that ends here"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from _forbidden_imports(node)
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            yield "allow_pickle"


def _names(expression: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}


def _forbidden_imports(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    names = {alias.name for alias in node.names}
    modules = {str(node.module)} if isinstance(node, ast.ImportFrom) else names
    forbidden = {"pickle", "joblib", "dill", "cloudpickle", "unittest.mock", "__future__"}
    yield from sorted(modules & forbidden)
    if "TYPE_CHECKING" in names:
        yield "TYPE_CHECKING"
