"""A split that cannot be asked for is refused, with everything wrong by its path."""

from typing import Any

import pytest

from mlsys.domain.split_records import Split
from mlsys.repositories.splits import SPLITS
from mlsys.runtime import Runtime
from mlsys.use_cases.splitting.pinning import MAX_SOURCES
from tests.use_cases.splitting.asked_splits import ROWS, call, violations


def listed(runtime: Runtime) -> list[Split]:
    return SPLITS.list(records=runtime.records).values


@pytest.mark.parametrize(
    ("fields", "path", "reason"),
    [
        ({"entity_id": "UP"}, "entity_id", "pattern"),
        ({"entity_id": "a/b"}, "entity_id", "pattern"),
        ({"entity_id": None}, "entity_id", "string"),
        ({"inline_data": None}, "body", "got neither"),
        ({"data_uri": "gs://uploads/a/b.csv"}, "body", "got both"),
        ({"inline_data": []}, "inline_data", "at least 1"),
        ({"inline_data": [{}] * 10_001}, "inline_data", "at most 10000"),
        ({"inline_data": {"a": 1}}, "inline_data", "expected a list"),
        ({"inline_data": [[1]]}, "inline_data[0]", "expected an object"),
        ({"inline_data": [{"a": 1}, {"a": [1]}]}, "inline_data[1].a", "expected a number, text"),
        ({"inline_data": [{"a": {"b": 1}}]}, "inline_data[0].a", "expected a number, text"),
        ({"inline_data": [{f"c{n}": 1 for n in range(2001)}]}, "inline_data[0]", "at most 2000"),
        ({"inline_data": [{f"c{n}": 1} for n in range(2001)]}, "body", "at most 2000 columns"),
        ({"split_strategy": "magic"}, "split_strategy", "random"),
        ({"split_params": {"sed": 7}}, "split_params.sed", "no such field"),
        ({"split_params": {"seed": "7"}}, "split_params.seed", "integer"),
        ({"split_params": {"ratios": {"train": 2}}}, "split_params.ratios.train", "less than 1"),
        ({"split_params": {"strategy": "hash"}}, "split_params", "split_strategy"),
        ({"split_params": {"bins": 4}}, "split_params", "bins is for"),
        ({"split_params": []}, "split_params", "expected an object"),
        ({"split_strategy": "predefined"}, "split_params", "needs split_column"),
        ({"split_strategy": "stratified"}, "body", "needs a target"),
        ({"contract": {"columns": {"a": {"typ": "text"}}}}, "contract.columns.a.typ", "no such"),
        ({"read": {"delimiter": ";;"}}, "read.delimiter", "at most 1"),
        ({"labels": {"Team": "a"}}, "labels.Team.[key]", "pattern"),
        ({"labels": {"team": "a" * 64}}, "labels.team", "at most 63"),
        ({"labels": {"team": "a\nb"}}, "labels.team", "pattern"),
        ({"labels": {f"l{n}": "" for n in range(65)}}, "labels", "at most 64"),
        ({"description": "a" * 2001}, "description", "at most 2000"),
        ({"request_id": ""}, "request_id", "at least 1"),
        ({"what": 1}, "what", "no such field"),
    ],
)
def test_what_is_wrong_is_told_by_its_path(
    runtime: Runtime, fields: dict[str, Any], path: str, reason: str
) -> None:
    body = {"entity_id": "churn", "inline_data": ROWS, **fields}

    answer = call(runtime, "POST", "/v1/splits", body)

    assert answer.status == 400
    assert reason in violations(answer)[path]
    assert listed(runtime) == []


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "rows.csv",
        "/etc/passwd",
        "file:///etc/passwd",
        "http://169.254.169.254/latest",
        "gs://uploads",
        "gs://uploads/../artifacts/models/a",
        "gs://uploads//a.csv",
        "gs://uploads/a/*.csv",
        "gs://uploads/a%2e%2e/b.csv",
        "gs://uploads/a\\b.csv",
        "gs://uploads/a\nb.csv",
        "gs://artifacts/splits/split-1/train.parquet",
        "gs://elsewhere/rows.csv",
        "gs://uploads@elsewhere/rows.csv",
        "gs://elsewhere/",
        "gs://uploads/./",
    ],
)
def test_an_address_that_may_not_be_read_is_refused(runtime: Runtime, uri: str) -> None:
    answer = call(runtime, "POST", "/v1/splits", {"entity_id": "churn", "data_uri": uri})

    assert answer.status == 400
    assert violations(answer).keys() == {"data_uri"}
    assert listed(runtime) == []


@pytest.mark.parametrize("uri", ["gs://uploads/none.csv", "gs://uploads/none/"])
def test_where_nothing_is_there_is_nothing_to_split(runtime: Runtime, uri: str) -> None:
    answer = call(runtime, "POST", "/v1/splits", {"entity_id": "churn", "data_uri": uri})

    assert answer.status == 404
    assert listed(runtime) == []


def test_a_folder_of_too_many_objects_is_refused(runtime: Runtime) -> None:
    folder = runtime.settings.home / "uploads" / "many"
    folder.mkdir(parents=True)
    for number in range(MAX_SOURCES + 1):
        (folder / f"{number}.csv").touch()

    answer = call(
        runtime, "POST", "/v1/splits", {"entity_id": "churn", "data_uri": "gs://uploads/many/"}
    )

    assert answer.status == 413


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"entity_id": "a", "inline_data": [{"a": NaN}]}',
        b'{"entity_id": "a", "inline_data": [{"a": 1e999}]}',
        b'{"entity_id": "a", "inline_data": [{"a": 1, "a": 2}]}',
        b'{"entity_id": "a", "inline_data": [{"a": "\\ud800"}]}',
        b'{"entity_id": "a", "inline_data": ' + b"[" * 200 + b"]" * 200 + b"}",
    ],
)
def test_what_is_no_json_is_refused(runtime: Runtime, body: bytes) -> None:
    assert call(runtime, "POST", "/v1/splits", body).status == 400
