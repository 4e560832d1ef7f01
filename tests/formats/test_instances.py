"""Vertex AI and KServe's first protocol: `instances` in, `predictions` out."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlsys.domain.errors import InvalidInput
from mlsys.runtime import Runtime
from mlsys.settings import settings_from
from tests.formats.asking import ROW, ROWS, Predictor, rows_for


@pytest.mark.parametrize("model", ROWS)
def test_it_answers_what_our_own_format_answers(
    predictor: Predictor, held_out: pl.DataFrame, model: str
) -> None:
    rows = rows_for(model, held_out)

    found = predictor.post(f"/v1/models/{model}:predict", {"instances": rows})

    assert found["predictions"] == predictor.predicted(model, rows)
    assert (found["model_id"], found["version"]) == (f"{model}-v1", 1)


def test_rows_may_be_lists_of_all_features_in_their_order(predictor: Predictor) -> None:
    tensors = predictor.get("/v2/models/lightgbm")["inputs"]
    values = [ROW[one["name"]] for one in tensors]

    found = predictor.post("/v1/models/lightgbm:predict", {"instances": [values, ROW]})

    assert found["predictions"] == predictor.predicted("lightgbm", [ROW, ROW])


def test_parameters_are_taken(predictor: Predictor) -> None:
    asked = {"explain": True, "threshold": 0.25, "passthrough": ["id"]}

    found = predictor.post(
        "/v1/models/lightgbm:predict", {"instances": [{**ROW, "id": 1}], "parameters": asked}
    )

    [one] = found["predictions"]
    assert (one["threshold"], one["passthrough"]) == (0.25, {"id": 1})
    assert set(one["explanation"]["contributions"]) == set(ROW)


def test_all_problems_are_told_with_their_places_in_googles_form(predictor: Predictor) -> None:
    names = [one["name"] for one in predictor.get("/v2/models/lightgbm")["inputs"]]
    values = [{**ROW, "size": "x"}[name] for name in names]

    error = predictor.refused(
        "/v1/models/lightgbm:predict", {"instances": [{**ROW, "noise": None}, values, {}]}
    )["error"]

    told = {one["field"] for one in error["details"][0]["fieldViolations"]}
    assert error["status"] == "INVALID_ARGUMENT"
    assert {"instances[0].noise", f"instances[1][{names.index('size')}]"} <= told
    assert {"instances[2].size", "instances[2].noise"} <= told
    assert "instances[0].noise: " in error["message"]


@pytest.mark.parametrize("row", [1, "row", None, [1], [1, 2, 3, 4]])
def test_what_is_no_row_is_refused(predictor: Predictor, row: Any) -> None:
    error = predictor.refused("/v1/models/lightgbm:predict", {"instances": [ROW, row]})["error"]

    [told] = error["details"][0]["fieldViolations"]
    assert told["field"] == "instances[1]"
    assert told["description"] == "expected an object, or a list of 3 values"


@pytest.mark.parametrize("instances", [[], None, {}, [ROW] * 10_001])
def test_no_rows_and_too_many_are_refused(predictor: Predictor, instances: Any) -> None:
    assert predictor.refused("/v1/models/lightgbm:predict", {"instances": instances})


def test_a_model_that_there_is_not_is_not_found(predictor: Predictor) -> None:
    answered = predictor.answer("POST", "/v1/models/nobody:predict", {"instances": [ROW]})

    assert answered.status == 404
    assert json.loads(answered.body)["error"]["status"] == "NOT_FOUND"


def test_a_model_is_ready_when_it_is_loaded(predictor: Predictor) -> None:
    assert predictor.get("/v1/models/lightgbm") == {"name": "lightgbm", "ready": True}
    assert predictor.answer("GET", "/v1/models/nobody").status == 404
    assert predictor.answer("GET", "/v1/models/No-Body").status == 400


def test_vertex_ai_says_where_it_asks(trained_home: Path) -> None:
    environment = {
        "MLSYS_HOME": str(trained_home),
        "MLSYS_DEFAULT_MODEL": "lightgbm",
        "AIP_HEALTH_ROUTE": "/v1/endpoints/1/deployedModels/2",
        "AIP_PREDICT_ROUTE": "/v1/endpoints/1/deployedModels/2:predict",
    }
    vertex = Predictor(Runtime(settings_from(environment)))

    found = vertex.post("/v1/endpoints/1/deployedModels/2:predict", {"instances": [ROW]})

    assert found["predictions"] == vertex.predicted("lightgbm", [ROW])
    assert vertex.get("/v1/endpoints/1/deployedModels/2") == {"status": "ok"}


def test_a_route_of_vertex_ai_may_be_one_of_ours(trained_home: Path) -> None:
    environment = {
        "MLSYS_HOME": str(trained_home),
        "MLSYS_DEFAULT_MODEL": "lightgbm",
        "AIP_HEALTH_ROUTE": "/ping",
        "AIP_PREDICT_ROUTE": "/v1/predict",
    }
    vertex = Predictor(Runtime(settings_from(environment)))

    assert vertex.post("/v1/predict", {"instances": [ROW]})["model"] == "lightgbm"
    assert vertex.get("/ping") == {"status": "ok"}


@pytest.mark.parametrize("name", ["No Body", "-a", "a/b", "a" * 65])
def test_what_cannot_be_a_models_name_is_no_default(name: str) -> None:
    with pytest.raises(InvalidInput, match="MLSYS_DEFAULT_MODEL: "):
        settings_from({"MLSYS_DEFAULT_MODEL": name})


@pytest.mark.parametrize(
    ("environment", "port"),
    [
        ({}, 8080),
        ({"PORT": "9000"}, 9000),
        ({"PORT": "9000", "AIP_HTTP_PORT": "9001"}, 9001),
        ({"PORT": "9000", "AIP_HTTP_PORT": "9001", "MLSYS_PORT": "9002"}, 9002),
    ],
)
def test_a_container_listens_where_it_is_told(environment: dict[str, str], port: int) -> None:
    assert settings_from(environment).port == port


def test_our_own_variables_go_before_vertex_ais() -> None:
    environment = {"AIP_PREDICT_ROUTE": "/theirs", "MLSYS_PREDICT_ROUTE": "/ours"}

    assert settings_from(environment).predict_route == "/ours"
