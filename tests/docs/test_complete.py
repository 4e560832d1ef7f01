"""What there is, is documented; and what is documented, there is."""

import ast
import importlib
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import typer
from pydantic import BaseModel

from mlsys.domain.errors import MlsysError
from mlsys.edge.failures import STATUS
from mlsys.edge.http import Answer, Call, Request, Route, Table, respond
from mlsys.edge.openapi import description_routes
from mlsys.edge.parsing import parse_json
from mlsys.settings import PREFIX, Settings
from tests.docs.pages import API, OPERATIONS, PAGES, ROOT, table

LIBRARY = ROOT / "shared" / "mlsys"


def test_every_setting_is_in_the_table() -> None:
    wanted = [
        [
            f"`{PREFIX}{name.upper()}`",
            f"`{field.default}`" if str(field.default) else "",
            str(field.description),
        ]
        for name, field in Settings.model_fields.items()
    ]

    assert table(OPERATIONS, "variable") == wanted


def test_every_setting_is_in_the_example_of_an_environment() -> None:
    wanted = [
        f"# {field.description}\n#{PREFIX}{name.upper()}={field.default}"
        for name, field in Settings.model_fields.items()
    ]

    title, *found = (ROOT / ".env.example").read_text().strip().split("\n\n")

    assert title.startswith("# ")
    assert found == wanted


def test_every_route_is_documented() -> None:
    served = {f"{route.method} {route.path}" for route in _routes()}
    documented = set(re.findall(r"`((?:GET|POST|PATCH|DELETE) /\S*)`", API.read_text()))

    assert len(served) > 5
    assert documented == served


def test_every_error_is_documented_as_it_is_answered() -> None:
    answered = {
        (f"`{kind.code}`", str(int(answer.status)), parse_json(answer.body)["error"]["status"])
        for kind in STATUS
        for answer in [_answer_to(kind)]
    }

    documented = {(code, http, status) for code, http, status, *_ in table(API, "code")}

    assert documented == answered


def test_every_command_is_documented() -> None:
    from mlsys.cli.app import app

    commands = {f"mlsys {name}" for name in _commands(typer.main.get_command(app))}
    rows = table(OPERATIONS, "command")
    documented = {command for row in rows for command in re.findall(r"`(mlsys [\w -]+)`", row[0])}
    named = {
        command
        for page in PAGES
        for command in re.findall(r"(?:^|`)(mlsys [a-z]+)", page.read_text(), re.MULTILINE)
    }

    assert documented == commands
    known = {command.split()[1] for command in commands}
    assert {name for name in named if name.split()[1] not in known} == set()


def test_every_warning_in_the_log_says_what_to_do() -> None:
    logged = {name for file in LIBRARY.rglob("*.py") for name in _warnings(file)}

    documented = {
        name
        for row in table(OPERATIONS, "warning or error")
        for name in re.findall(r"`([\w.]+)`", row[0])
    }

    assert len(logged) > 5
    assert documented == logged


def _routes() -> Iterator[Route]:
    for file in sorted((LIBRARY / "handlers").glob("[!_]*.py")):
        yield from getattr(importlib.import_module(f"mlsys.handlers.{file.stem}"), "ROUTES", ())
    yield from description_routes(())


def _answer_to(kind: type[MlsysError]) -> Answer:
    def fail(_: Call, __: None) -> BaseModel:
        raise kind("no")

    return respond(Table([Route("GET", "/", fail, HTTPStatus.OK)]), Request("GET", "/"), None)


def _commands(command: object, path: str = "") -> Iterator[str]:
    nested = getattr(command, "commands", None)
    if nested is None:
        yield path.strip()
        return
    for name, child in nested.items():
        yield from _commands(child, f"{path} {name}")


def _warnings(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"warning", "error", "exception", "critical"}
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            yield str(node.args[0].value)
