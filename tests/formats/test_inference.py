"""Open Inference Protocol V2: a JSON tensor for each column."""

import json
from typing import Any

import polars as pl
import pytest

from tests.formats.asking import ROW, ROWS, Predictor, rows_for

PATH = "/v2/models/lightgbm/infer"
KINDS = {bool: "BOOL", str: "BYTES", int: "INT64", float: "FP64"}


def tensor(name: str, values: list[Any], **other: Any) -> dict[str, Any]:
    """Write a column down; its datatype is told by the first value that is there."""
    datatype = next(KINDS[type(one)] for one in [*values, 0.0] if one is not None)
    return {"name": name, "shape": [len(values)], "datatype": datatype, "data": values, **other}


def tensors(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [tensor(name, [row[name] for row in rows]) for name in rows[0]]


def with_size(**other: Any) -> dict[str, Any]:
    """Ask about one row whose `size` is another tensor."""
    return {
        "inputs": [*tensors([{"colour": "red", "noise": 7}]), {**tensor("size", [11]), **other}]
    }


def places(error: Any) -> set[str]:
    """Return what stands before the colon of each line."""
    assert list(error) == ["error"]
    return {line.partition(": ")[0] for line in error["error"].splitlines()}


@pytest.mark.parametrize("model", ROWS)
def test_it_answers_what_our_own_format_answers(
    predictor: Predictor, held_out: pl.DataFrame, model: str
) -> None:
    rows = rows_for(model, held_out)

    found = predictor.post(f"/v2/models/{model}/infer", {"id": "a", "inputs": tensors(rows)})

    wanted = predictor.predicted(model, rows)
    outputs = {one["name"]: one for one in found["outputs"]}
    assert any(row["colour"] is None for row in rows)
    assert (found["id"], found["model_name"], found["model_version"]) == ("a", model, "1")
    assert outputs["prediction"]["data"] == [one["prediction"] for one in wanted]
    assert outputs["prediction"]["datatype"] == KINDS[type(wanted[0]["prediction"])]
    assert outputs["prediction"]["shape"] == [len(rows)]
    if "probabilities" in wanted[0]:
        classes = [list(one["probabilities"].values()) for one in wanted]
        assert outputs["probability"]["data"] == [one["probability"] for one in wanted]
        assert outputs["probabilities"]["shape"] == [len(rows), len(classes[0])]
        assert outputs["probabilities"]["data"] == [p for one in classes for p in one]
        named = json.loads(outputs["probabilities"]["parameters"]["classes"])
        assert [str(one).lower() for one in named] == list(wanted[0]["probabilities"])


@pytest.mark.parametrize("model", ROWS)
def test_the_metadata_say_what_is_taken_and_given(predictor: Predictor, model: str) -> None:
    told = predictor.get(f"/v2/models/{model}")

    found = predictor.post(f"/v2/models/{model}/infer", {"inputs": tensors([ROWS[model]])})

    taken = {one["name"]: one["datatype"] for one in told["inputs"]}
    numbers = {
        name: KINDS[float if type(one) is int else type(one)] for name, one in ROWS[model].items()
    }
    assert (told["name"], told["versions"]) == (model, ["1"])
    assert taken == numbers
    assert [
        {"name": one["name"], "datatype": one["datatype"], "shape": [-1, *one["shape"][1:]]}
        for one in found["outputs"]
    ] == told["outputs"]


def test_the_bands_of_a_model_are_outputs_by_their_names(predictor: Predictor) -> None:
    rows = [ROW, {**ROW, "size": 5}]
    asked = {"inputs": tensors(rows), "outputs": [{"name": "risk_level"}]}

    [found] = predictor.post("/v2/models/mended/infer", asked)["outputs"]

    levels = [one["bands"]["risk_level"] for one in predictor.predicted("mended", rows)]
    assert found == {"name": "risk_level", "shape": [2], "datatype": "BYTES", "data": levels}


def test_a_version_can_be_named(predictor: Predictor) -> None:
    found = predictor.post("/v2/models/lightgbm/versions/2/infer", {"inputs": tensors([ROW])})

    assert found["model_version"] == "2"
    assert predictor.get("/v2/models/lightgbm/versions/2")["versions"] == ["2"]
    assert predictor.get("/v2/models/lightgbm/versions/2/ready")["ready"] is True


@pytest.mark.parametrize(
    "size",
    [
        {"shape": [1, 1], "data": [[11]]},
        {"shape": [1, 1], "data": [11]},
        {"datatype": "FP32", "data": [11.0]},
        {"datatype": "UINT8"},
        {"parameters": {"binary_data_size": 8}},
    ],
    ids=json.dumps,
)
def test_a_column_may_be_written_in_several_ways(
    predictor: Predictor, size: dict[str, Any]
) -> None:
    found = predictor.post(PATH, with_size(**size))

    assert found["outputs"] == predictor.post(PATH, {"inputs": tensors([ROW])})["outputs"]


def test_only_the_outputs_that_are_asked_for_are_answered(predictor: Predictor) -> None:
    wanted = [{"name": "probability", "parameters": {"binary_data": True}}]

    found = predictor.post(PATH, {"inputs": tensors([ROW]), "outputs": wanted})

    assert [one["name"] for one in found["outputs"]] == ["probability"]


def test_the_threshold_is_taken_and_what_clients_add_is_left_alone(predictor: Predictor) -> None:
    [one] = predictor.predicted("lightgbm", [ROW])
    likely = one["probability"]
    asked = {"threshold": likely, "binary_data_output": True, "priority": 3}

    found = predictor.post(PATH, {"inputs": tensors([ROW]), "parameters": asked})

    [expected] = predictor.predicted("lightgbm", [ROW], threshold=likely)
    assert expected["prediction"] != one["prediction"]
    assert found["outputs"][0]["data"] == [expected["prediction"]]


def test_warnings_are_told_in_the_parameters(predictor: Predictor) -> None:
    found = predictor.post(PATH, {"inputs": tensors([{**ROW, "colour": "mauve", "odd": 1}])})

    first, second = found["parameters"]["warnings"].splitlines()
    assert found["parameters"]["model_id"] == "lightgbm-v1"
    assert first.startswith("colour: 1 values are not among")
    assert '"odd"' in second


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (with_size(data=["x"]), ["inputs[2].data[0]"]),
        (with_size(data=[1.5]), ["inputs[2].data[0]"]),
        (with_size(data=[True]), ["inputs[2].data[0]"]),
        (with_size(data=[[11]]), ["inputs[2].data[0]"]),
        (with_size(data=[{"a": 1}]), ["inputs[2].data[0]"]),
        (with_size(data=[None]), ["inputs[2].data[0]"]),
        (with_size(datatype="BYTES", data=["11"]), ["inputs[2].data[0]"]),
        (with_size(shape=[1, 1], data=[[1, 2]]), ["inputs[2].data[0]"]),
        (with_size(shape=[2]), ["inputs[2].shape"]),
        (with_size(shape=[]), ["inputs[2].shape"]),
        (with_size(shape=[-1]), ["inputs[2].shape[0]"]),
        (with_size(shape=[1, 2]), ["inputs[2].shape"]),
        (with_size(data=[1, 2]), ["inputs[2].data"]),
        (with_size(name="noise"), ["inputs[1].name", "inputs[2].name"]),
        (with_size(name="weight"), ["inputs.size"]),
        (with_size(datatype="FP80"), ["inputs[2].datatype"]),
        ({"inputs": [tensor("size", [1, 2]), tensor("noise", [1, None, 3])]}, ["inputs[1].shape"]),
        (
            {"inputs": [tensor("size", ["x", 2]), tensor("noise", [1, "y"])]},
            ["inputs[0].data[1]", "inputs[1].data[1]"],
        ),
        ({"inputs": [tensor("size", [1.0])], "outputs": [{"name": "p"}]}, ["outputs[0].name"]),
        ({"inputs": [tensor("size", [])]}, ["inputs"]),
        ({"inputs": [{**tensor("size", [1]), "shape": []}]}, ["inputs[0].shape"]),
        ({"inputs": []}, ["inputs"]),
        ({"input": []}, ["input", "inputs"]),
        ({**with_size(), "parameters": {"threshold": "high"}}, ["parameters.threshold"]),
    ],
    ids=json.dumps,
)
def test_what_does_not_fit_is_refused_with_every_place(
    predictor: Predictor, body: dict[str, Any], told: list[str]
) -> None:
    assert sorted(places(predictor.refused(PATH, body))) == told


def test_of_very_many_problems_the_first_hundred_are_told(predictor: Predictor) -> None:
    rows = tensors([ROW] * 500)
    wrong = [{**one, "datatype": "BOOL"} for one in rows]

    assert len(places(predictor.refused(PATH, {"inputs": wrong}))) == 100


def test_too_many_rows_are_refused(predictor: Predictor) -> None:
    error = predictor.refused(PATH, {"inputs": tensors([ROW] * 10_001)})

    assert error == {"error": "inputs: expected 1 to 10000 rows, got 10001"}


def test_nan_is_no_json_and_null_stands_for_it(predictor: Predictor) -> None:
    body = json.dumps(with_size(data=[float("nan")])).encode()

    assert "NaN is not a JSON number" in predictor.refused(PATH, body)["error"]


def test_binary_tensors_are_refused_with_what_to_do(predictor: Predictor) -> None:
    headers = {"inference_header_content_length": "2"}

    error = predictor.refused(PATH, b"{}\x00\x01", **headers)

    assert "binary_data=False" in error["error"]


@pytest.mark.parametrize("what", ["", "/ready", "/versions/9", "/versions/9/ready"])
def test_what_is_not_there_is_not_ready(predictor: Predictor, what: str) -> None:
    name = "lightgbm" if "versions" in what else "nobody"

    answered = predictor.answer("GET", f"/v2/models/{name}{what}")

    assert answered.status == 404
    assert list(json.loads(answered.body)) == ["error"]


def test_what_cannot_be_a_version_is_refused(predictor: Predictor) -> None:
    answered = predictor.answer("GET", "/v2/models/lightgbm/versions/latest")

    assert answered.status == 400
    assert places(json.loads(answered.body)) == {"version"}


def test_the_server_is_live_and_as_ready_as_its_default_model(
    predictor: Predictor, without_default: Predictor
) -> None:
    for served in (predictor, without_default):
        assert served.get("/v2")["name"] == "mlsys"
        assert served.get("/v2/health/live") == {"live": True}
        assert served.get("/v2/health/ready") == {"ready": True}

    assert predictor.with_default("nobody").answer("GET", "/v2/health/ready").status == 404
