"""Each HTTP function answers under functions-framework, and refuses what it should."""

import pytest

from mlsys.edge.parsing import MAX_BODY_BYTES
from tests.functions.conftest import Deploy

POSTS = [
    ("splits", "/v1/splits"),
    ("experiments", "/v1/experiments"),
    ("promotion", "/v1/models/churn-v1/promote"),
    ("predict", "/v1/predict"),
    ("importance", "/v1/importance"),
]
GETS = [
    ("health", "/healthz"),
    ("health", "/livez"),
    ("health", "/readyz"),
    ("health", "/version"),
    ("splits", "/v1/splits"),
    ("experiments", "/v1/experiments"),
    ("models", "/v1/models"),
    ("models", "/openapi.json"),
    ("predict", "/ping"),
    ("predict", "/health"),
    ("predict", "/version"),
    ("predict", "/v2"),
    ("predict", "/v2/health/ready"),
    ("predict", "/openapi.json"),
]


@pytest.mark.parametrize(("name", "path"), GETS)
def test_what_can_be_read_is_answered(deploy: Deploy, name: str, path: str) -> None:
    answered = deploy(name).get(path, headers={"X-Request-ID": "r-1"})

    assert answered.status_code == 200
    assert answered.headers["X-Request-ID"] == "r-1"
    assert answered.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(("name", "path"), POSTS)
@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'{"a": NaN}', b"\xff", b'{"what": 1}'])
def test_a_body_that_is_no_request_is_refused(
    deploy: Deploy, name: str, path: str, body: bytes
) -> None:
    answered = deploy(name).post(path, content=body)

    assert answered.status_code == 400
    assert answered.json()["error"]["status"] == "INVALID_ARGUMENT"


@pytest.mark.parametrize(("name", "path"), POSTS)
def test_nine_mebibytes_are_too_many(deploy: Deploy, name: str, path: str) -> None:
    answered = deploy(name).post(path, content=b" " * (MAX_BODY_BYTES + 2**20))

    assert answered.status_code == 413


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("splits", "/v1/splits/split-1"),
        ("experiments", "/v1/experiments/exp-1"),
        ("experiments", "/v1/experiments/exp-1/trials"),
        ("models", "/v1/models/churn-v1"),
    ],
)
def test_what_is_not_there_is_not_found(deploy: Deploy, name: str, path: str) -> None:
    assert deploy(name).get(path).status_code == 404


@pytest.mark.parametrize("id", ["Churn", "a..b", "-a", "a" * 65])
def test_what_cannot_be_an_id_is_refused(deploy: Deploy, id: str) -> None:
    assert deploy("models").get(f"/v1/models/{id}").status_code == 400


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("splits", "/v1/splits?status=DONE"),
        ("experiments", "/v1/experiments?status=running"),
        ("models", "/v1/models?stage=prod"),
    ],
)
def test_a_filter_that_nothing_can_equal_is_refused(deploy: Deploy, name: str, path: str) -> None:
    assert deploy(name).get(path).status_code == 400


def test_an_experiment_for_a_split_that_does_not_exist_is_not_found(deploy: Deploy) -> None:
    body = {
        "split_id": "split-none",
        "name": "churn",
        "target_column": "y",
        "task_type": "classification",
        "model_type": "lightgbm",
    }

    answered = deploy("experiments").post("/v1/experiments", json=body)

    assert answered.status_code == 404
    assert "split-none" in answered.json()["error"]["message"]
