"""MLflow's scoring server: the bodies of its documentation, its answers and its errors."""

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.asking import ROW, Predictor, rows_for

PATH = "/invocations"
NAMES = ["noise", "colour", "size"]
LINE = [7, "red", 11]


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": NAMES, "data": [LINE, LINE]}},
        {"dataframe_split": {"index": [5, 6], "columns": NAMES, "data": [LINE, LINE]}},
        {"dataframe_records": [ROW, ROW]},
        {"instances": [ROW, ROW]},
        {"inputs": [ROW, ROW]},
        {"inputs": {"noise": [7, 7], "colour": ["red", "red"], "size": [11, 11]}},
    ],
    ids=json.dumps,
)
def test_each_form_of_the_same_rows_is_answered_alike(
    predictor: Predictor, body: dict[str, Any]
) -> None:
    found = predictor.post(PATH, body, content_type="application/json; charset=utf-8")

    assert found["predictions"] == predictor.predicted("lightgbm", [ROW, ROW])


def test_rows_may_be_lists_of_all_features_in_their_order(predictor: Predictor) -> None:
    values = [ROW[one["name"]] for one in predictor.get("/v2/models/lightgbm")["inputs"]]

    for form in ("instances", "inputs", "dataframe_records"):
        found = predictor.post(PATH, {form: [values]})

        assert found["predictions"] == predictor.predicted("lightgbm", [ROW])


def test_parameters_are_taken(predictor: Predictor) -> None:
    body = {"inputs": {"id": ["k"], **{name: [value] for name, value in ROW.items()}}}

    found = predictor.post(
        PATH, {**body, "params": {"explain": True, "threshold": 0.1, "passthrough": ["id"]}}
    )

    assert found["predictions"] == predictor.predicted(
        "lightgbm", [{**ROW, "id": "k"}], explain=True, threshold=0.1, passthrough=["id"]
    )


@pytest.mark.parametrize("model", ["lightgbm", "value"])
def test_csv_is_read_as_the_features_want_it(
    predictor: Predictor, held_out: pl.DataFrame, model: str
) -> None:
    rows = rows_for(model, held_out)
    table = held_out.select(list(rows[0])).write_csv().encode()
    served = predictor.with_default(model)

    found = served.post(PATH, table, content_type="text/csv")

    assert held_out["colour"].null_count() > 0
    assert found["predictions"] == served.predicted(model, rows)


def test_an_index_column_of_a_csv_is_told_to_be_ignored(predictor: Predictor) -> None:
    table = b",size,colour,noise\n0,11,red,7\n"

    found = predictor.post(PATH, table, content_type="text/csv; charset=utf-8")

    assert found["predictions"] == predictor.predicted("lightgbm", [ROW])
    assert "1 columns are no features" in found["warnings"][0]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            {"dataframe_split": {"columns": NAMES, "data": [LINE, ["x", 3, None]]}},
            [
                "dataframe_split.data[1][0]",
                "dataframe_split.data[1][1]",
                "dataframe_split.data[1][2]",
            ],
        ),
        (
            {"dataframe_split": {"columns": ["noise"], "data": [[1], [2]]}},
            ["dataframe_split.columns.size"],
        ),
        (
            {"dataframe_split": {"columns": NAMES, "data": [[1], LINE, [2, "red"]]}},
            ["dataframe_split.data[0]", "dataframe_split.data[2]"],
        ),
        (
            {"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}},
            ["dataframe_split.columns"],
        ),
        ({"dataframe_split": {"columns": NAMES, "data": []}}, ["dataframe_split.data"]),
        ({"dataframe_split": {"columns": NAMES}}, ["dataframe_split.data"]),
        (
            {"dataframe_records": [{**ROW, "size": "x"}, {**ROW, "noise": True}]},
            ["dataframe_records[0].size", "dataframe_records[1].noise"],
        ),
        ({"dataframe_records": []}, ["dataframe_records"]),
        ({"instances": [ROW, 3]}, ["instances[1]"]),
        (
            {"inputs": {"size": [1, "x"], "colour": ["red", None], "noise": [1, 2]}},
            ["inputs.size[1]"],
        ),
        ({"inputs": {"size": [1, 2], "colour": ["red"]}}, ["inputs.colour"]),
        ({"inputs": {"size": [1], "noise": [1, 2]}}, ["inputs.size"]),
        ({"inputs": {"size": [1]}}, ["inputs.noise"]),
        ({"inputs": {}}, ["inputs"]),
        ({"instances": [ROW], "params": {"threshold": 2}}, ["params.threshold"]),
        ({"instances": [ROW], "signature": 1}, ["signature"]),
        ({}, ["body"]),
        ({"instances": [ROW], "inputs": [ROW]}, ["body"]),
    ],
    ids=json.dumps,
)
def test_what_does_not_fit_is_refused_with_every_place_in_mlflows_form(
    predictor: Predictor, body: dict[str, Any], told: list[str]
) -> None:
    error = predictor.refused(PATH, body or b"{}")

    assert set(error) == {"error_code", "message"}
    assert error["error_code"] == "BAD_REQUEST"
    lines = error["message"].splitlines()
    assert sorted({line.partition(": ")[0] for line in lines}) == sorted(told)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (b"size,colour,noise\nx,red,7\n11,red,\n", ["csv[0].size", "csv[1].noise"]),
        (b"size,colour,noise\n1_0,red,7\n", ["csv[0].size"]),
        (b"size,colour,noise\n1e999,red,7\n", ["csv[0].size"]),
        (b"size,colour\n1,red\n2,red\n", ["csv.noise"]),
        (b"size,colour,noise\n1,red\n", ["line 2"]),
        (b"size,size\n1,2\n", ["a column's name stands twice in the header"]),
        (b"size,colour,noise\n", ["csv"]),
        (b"", ["csv"]),
        (b"size\n\xff\n", ["it is not UTF-8"]),
        (b'size\n"' + b"x" * 200_000 + b'"\n', ["line 2"]),
        (b"size\n" + b"1\n" * 10_001, ["csv"]),
    ],
    ids=lambda one: repr(one)[:40],
)
def test_csv_that_does_not_fit_is_refused_with_every_place(
    predictor: Predictor, table: bytes, told: list[str]
) -> None:
    error = predictor.refused(PATH, table, content_type="text/csv")

    assert [line.partition(": ")[0] for line in error["message"].splitlines()] == told


@given(st.binary(max_size=200) | st.text(alphabet='size,noise\n"1.', max_size=80).map(str.encode))
def test_any_bytes_as_csv_are_answered_or_refused(predictor: Predictor, table: bytes) -> None:
    answered = predictor.answer("POST", PATH, table, {"content-type": "text/csv"})

    assert answered.status in {200, 400}


def test_another_type_of_content_is_refused(predictor: Predictor) -> None:
    error = predictor.refused(PATH, b"<size>", content_type="text/xml")

    assert error["message"] == "the body is application/json or text/csv, not 'text/xml'"


def test_a_body_that_is_too_large_is_refused_in_mlflows_form(predictor: Predictor) -> None:
    for kind in ("text/csv", "application/json"):
        answered = predictor.answer("POST", PATH, b" " * (9 * 2**20), {"content-type": kind})

        assert answered.status == 413
        assert json.loads(answered.body)["error_code"] == "REQUEST_LIMIT_EXCEEDED"


def test_without_a_default_model_it_says_what_to_set(without_default: Predictor) -> None:
    answered = without_default.answer("POST", PATH, {"instances": [ROW]})

    error = json.loads(answered.body)
    assert answered.status == 404
    assert error["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    assert "MLSYS_DEFAULT_MODEL" in error["message"]


@pytest.mark.parametrize("path", ["/ping", "/health"])
def test_who_asks_whether_it_serves_is_told(
    predictor: Predictor, without_default: Predictor, path: str
) -> None:
    assert predictor.get(path) == without_default.get(path) == {"status": "ok"}
    assert predictor.with_default("nobody").answer("GET", path).status == 404


def test_version_answers(predictor: Predictor) -> None:
    assert predictor.get("/version")["backend"] == "local"


def test_another_method_is_refused_in_mlflows_form(predictor: Predictor) -> None:
    answered = predictor.answer("GET", PATH)

    assert (answered.status, answered.headers["Allow"]) == (405, "POST")
    assert json.loads(answered.body)["error_code"] == "BAD_REQUEST"
