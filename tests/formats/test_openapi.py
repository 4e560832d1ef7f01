"""OpenAPI of the routes and of one model: told from the code, and true of it."""

import inspect
import json
import re
from http import HTTPStatus
from typing import Any

import jsonschema_rs
import polars as pl
import pytest
from pydantic import BaseModel

from mlsys.dev.routes import ROUTES
from mlsys.edge.http import Answer, Call, Request, Route, respond
from mlsys.edge.openapi import described, openapi_of
from mlsys.handlers.predict import _predict_instances
from tests.formats.asking import ROW, ROWS, Predictor, rows_for

REF = re.compile(r'"\$ref": "#/components/schemas/([^"]+)"')


class Note(BaseModel):
    """What a route of this test takes and answers."""

    text: str


def write(call: Call, _: str) -> Note:
    """Keep a note.

    Nowhere.
    """
    return call.json(Note)


def own(method: str, path: str) -> Answer:
    routes = (Route("POST", "/notes/{id}<script>", write, HTTPStatus.CREATED, body=Note),)
    return respond(described(routes), Request(method, path), "")


def test_every_route_says_what_its_handler_reads() -> None:
    for route in ROUTES:
        source = inspect.getsource(route.handle)
        source += inspect.getsource(_predict_instances) if "_predict_instances(" in source else ""
        reads = re.findall(r"call\.(?:json|query)\(\s*(?:\w+\.)?(\w+)", source)

        says = [model.__name__ for model in (route.body, route.query) if model is not None]

        assert says == reads, f"{route.method} {route.path}: say body= or query= in its Route"


def test_every_route_is_told_with_what_it_takes_and_answers() -> None:
    answered = own("GET", "/openapi.json")

    document = json.loads(answered.body)
    operation = document["paths"]["/notes/{id}<script>"]["post"]
    ref = {"$ref": "#/components/schemas/Note"}
    assert answered.headers["Content-Type"] == "application/json"
    assert document["openapi"] == "3.1.0"
    assert operation["summary"] == "Keep a note."
    assert operation["requestBody"]["content"]["application/json"]["schema"] == ref
    assert operation["responses"]["201"]["content"]["application/json"]["schema"] == ref
    assert [one["name"] for one in operation["parameters"]] == ["id"]
    assert {"/openapi.json", "/docs"} < set(document["paths"])


def test_the_page_of_the_routes_needs_no_other_page() -> None:
    answered = own("GET", "/docs")

    page = answered.body.decode()
    assert answered.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "/notes/{id}&lt;script&gt;" in page
    assert "Keep a note." in page
    assert "<script" not in page
    assert "//" not in page


def test_another_method_of_a_description_is_refused() -> None:
    assert own("POST", "/docs").status == 405
    assert own("GET", "/notes").status == 404


def test_the_platforms_document_points_nowhere_that_is_not_there() -> None:
    document = openapi_of(ROUTES)

    text = json.dumps(document)
    operations = [one for path in document["paths"].values() for one in path.values()]
    assert len(operations) > 20
    assert text.count('"$ref"') == len(REF.findall(text))
    assert set(REF.findall(text)) <= set(document["components"]["schemas"])
    assert len({one["operationId"] for one in operations}) == len(operations)


def test_of_two_handlers_of_a_path_the_first_answers_and_is_told() -> None:
    document = openapi_of(ROUTES)
    [path] = [one for one in document["paths"] if re.fullmatch(r"/v1/models/{\w+}", one)]

    assert document["paths"][path]["get"]["summary"] == "Show a version of a model."


@pytest.mark.parametrize("model", ROWS)
def test_the_schema_of_a_model_takes_the_rows_that_the_model_takes(
    predictor: Predictor, held_out: pl.DataFrame, model: str
) -> None:
    document = predictor.get(f"/v1/models/{model}/openapi.json")
    body = {"instances": rows_for(model, held_out), "parameters": {"explain": 2}}

    answer = predictor.post(f"/v1/models/{model}:predict", body)

    [(path, operations)] = document["paths"].items()
    sent = operations["post"]["requestBody"]["content"]["application/json"]["schema"]
    given = operations["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert path == f"/v1/models/{model}:predict"
    assert errors(document, sent, body) == []
    assert errors(document, given, answer) == []


@pytest.mark.parametrize(
    ("model", "change"),
    [
        ("mended", {"bands": {"risk_level": "extreme"}}),
        ("mended", {"bands": {}}),
        ("mended", {"prediction": "huge"}),
        ("kept", {"prediction": 11.5}),
        ("kept", {"prediction": 16}),
    ],
    ids=str,
)
def test_the_schema_of_a_model_knows_its_labels_bands_and_bounds(
    predictor: Predictor, model: str, change: dict[str, Any]
) -> None:
    document = predictor.get(f"/v1/models/{model}/openapi.json")
    [operations] = document["paths"].values()
    given = operations["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    answer = predictor.post(f"/v1/models/{model}:predict", {"instances": [ROWS[model]]})

    assert errors(document, given, answer) == []
    answer["predictions"][0] |= change
    assert errors(document, given, answer) != []


@pytest.mark.parametrize(
    "row",
    [
        {**ROW, "size": "11"},
        {**ROW, "size": None},
        {**ROW, "colour": 3},
        {**ROW, "noise": True},
        {"colour": "red", "noise": 7},
        [11, "red", 7],
    ],
    ids=json.dumps,
)
def test_the_schema_of_a_model_refuses_what_the_model_refuses(
    predictor: Predictor, row: Any
) -> None:
    document = predictor.get("/v1/models/lightgbm/openapi.json")
    [operations] = document["paths"].values()
    sent = operations["post"]["requestBody"]["content"]["application/json"]["schema"]

    assert errors(document, sent, {"instances": [ROW]}) == []
    assert errors(document, sent, {"instances": [ROW, row]}) != []
    if isinstance(row, dict):
        predictor.refused("/v1/models/lightgbm:predict", {"instances": [ROW, row]})


def errors(document: Any, schema: Any, value: Any) -> list[str]:
    """Return what a schema of a document says against a value."""
    whole = {**schema, "components": document["components"]}
    validator = jsonschema_rs.Draft202012Validator(whole)
    return [str(one) for one in validator.iter_errors(value)]


def test_a_model_says_which_classes_it_predicts(predictor: Predictor) -> None:
    def prediction(model: str) -> Any:
        schemas = predictor.get(f"/v1/models/{model}/openapi.json")["components"]["schemas"]
        return schemas["Prediction"]["properties"]["prediction"]

    assert prediction("whole") == {"enum": [2, 10, 33]}
    assert prediction("truth") == {"enum": [False, True]}
    assert prediction("value") == {"type": "number"}
