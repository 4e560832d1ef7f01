"""What there is to call, told from the routes: OpenAPI 3.1, and a page that needs no other."""

import inspect
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from mlsys import __version__
from mlsys.domain.ids import ID_PATTERN
from mlsys.edge.failures import ErrorAnswer
from mlsys.edge.http import Call, Content, Route, Runtime, Table

OPENAPI = "3.1.0"
DESCRIBED = ("/openapi.json", "/docs")
ID = {"type": "string", "pattern": ID_PATTERN}
PLACED = {"version": {"type": "integer", "minimum": 1}}
REF = "#/components/schemas/{model}"


@cache
def described(routes: tuple[Route[Runtime], ...]) -> Table[Runtime]:
    """Return the table of the routes and of those that describe them."""
    return Table((*description_routes(routes), *routes))


def description_routes(routes: Sequence[Route[Runtime]]) -> tuple[Route[Runtime], ...]:
    """Return `GET /openapi.json` and `GET /docs` of these routes."""

    def openapi(call: Call, _: Runtime) -> Content:
        """Describe all routes in OpenAPI 3.1."""
        call.work()
        return Content("application/json", json.dumps(openapi_of(all_routes)).encode())

    def docs(_: Call, __: Runtime) -> Content:
        """List all routes on a page."""
        return Content("text/html; charset=utf-8", page_of(all_routes).encode())

    own = (Route("GET", DESCRIBED[0], openapi), Route("GET", DESCRIBED[1], docs))
    all_routes = (*routes, *own)
    return own


def openapi_of(routes: Sequence[Route[Runtime]], *, title: str = "mlsys") -> dict[str, Any]:
    """Describe routes in OpenAPI 3.1; of two with one path and method the first counts."""
    first = {
        (route.method, re.sub(r"{\w+}", "{}", route.path)): route for route in reversed(routes)
    }
    counted = [route for route in routes if route in first.values()]
    refs, schemas = _schemas(counted)
    paths: dict[str, dict[str, Any]] = {}
    for route in counted:
        operations = paths.setdefault(route.path, {})
        operations[route.method.lower()] = _operation(route, refs, schemas)
    return {
        "openapi": OPENAPI,
        "info": {"title": title, "version": __version__},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def page_of(routes: Sequence[Route[Runtime]]) -> str:
    """List routes as HTML."""
    rows = "\n".join(
        f"<tr><td>{route.method}</td><td><code>{escape(route.path)}</code></td>"
        f"<td>{escape(_summary(route))}</td></tr>"
        for route in sorted(routes, key=lambda one: (one.path, one.method))
    )
    return PAGE.format(version=escape(__version__), rows=rows)


PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>mlsys {version}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem }}
table {{ border-collapse: collapse; width: 100% }}
td {{ border-top: 1px solid #8884; padding: .3rem 1rem .3rem 0 }}
</style>
<h1>mlsys {version}</h1>
<p>All that can be called here; <a href="openapi.json">openapi.json</a> says it to machines.</p>
<table>
{rows}
</table>
</html>
"""


def _operation(route: Route[Runtime], refs: "_Refs", schemas: Mapping[str, Any]) -> dict[str, Any]:
    answers = [refs[answer, "serialization"] for answer in _answers_of(route)]
    schema = answers[0] if len(answers) == 1 else {"oneOf": answers}
    content: dict[str, Any] = {"application/json": {"schema": schema}} if answers else {}
    if _answers_otherwise(route):
        content["*/*"] = {}
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": _summary(route),
        "parameters": [*_path_parameters(route), *_query_parameters(route, refs, schemas)],
        "responses": {
            str(int(route.status)): {"description": route.status.phrase, "content": content},
            "default": {
                "description": "what went wrong",
                "content": {
                    "application/json": {"schema": refs[_error_of(route), "serialization"]}
                },
            },
        },
    }
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": refs[route.body, "validation"]}},
        }
    return operation


_Refs = Mapping[Any, dict[str, Any]]
"""Where the schema of a (model, mode) stands."""


def _schemas(routes: Sequence[Route[Runtime]]) -> tuple[_Refs, dict[str, Any]]:
    """Return where the schema of each model stands, and all of them."""
    wanted: dict[tuple[type[BaseModel], Any], None] = {}
    for route in routes:
        for answer in _answers_of(route):
            wanted[answer, "serialization"] = None
        for model in filter(None, (route.body, route.query)):
            wanted[model, "validation"] = None
        wanted[_error_of(route), "serialization"] = None
    refs, whole = models_json_schema(list(wanted), ref_template=REF)
    return refs, whole.get("$defs", {})


def _answers_of(route: Route[Runtime]) -> list[type[BaseModel]]:
    """Return the models that a route may answer with; none where it answers no JSON."""
    return [one for one in _returned(route) if issubclass(one, BaseModel)]


def _answers_otherwise(route: Route[Runtime]) -> bool:
    """Whether a route may answer what is no JSON of a model."""
    return Content in _returned(route)


def _returned(route: Route[Runtime]) -> tuple[Any, ...]:
    """Return what its handler returns: one class, one of several, or the shape of a Json."""
    told = get_type_hints(route.handle)["return"]
    return get_args(told) or (told,)


def _error_of(route: Route[Runtime]) -> type[BaseModel]:
    if route.error is None:
        return ErrorAnswer
    shape: type[BaseModel] = get_type_hints(route.error)["return"]
    return shape


def _summary(route: Route[Runtime]) -> str:
    return (inspect.getdoc(route.handle) or "").partition("\n")[0]


def _operation_id(route: Route[Runtime]) -> str:
    words = re.findall(r"\w+", route.path)
    return "_".join([route.method.lower(), *words])


def _path_parameters(route: Route[Runtime]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": PLACED.get(name, ID)}
        for name in re.findall(r"{(\w+)}", route.path)
    ]


def _query_parameters(
    route: Route[Runtime], refs: _Refs, schemas: Mapping[str, Any]
) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    name = refs[route.query, "validation"]["$ref"].rpartition("/")[2]
    whole = schemas[name]
    return [
        {
            "name": one,
            "in": "query",
            "required": one in whole.get("required", ()),
            "schema": schema,
        }
        for one, schema in whole["properties"].items()
    ]
