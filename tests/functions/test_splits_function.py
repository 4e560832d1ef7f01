"""The whole life of a split over HTTP, under the real functions-framework."""

import json
import subprocess
import sys
from typing import Any

import httpx
import pytest

from mlsys.edge.parsing import MAX_BODY_BYTES
from mlsys.runtime import Runtime
from tests.functions.conftest import IRIS, ROOT, Deploy

ROWS = [{"n": n, "x": n / 7, "kind": "ab"[n % 2]} for n in range(60)]
METHODS = ("PATCH", "DELETE")


def body(**fields: Any) -> dict[str, Any]:
    return {"entity_id": "iris", "inline_data": ROWS, **fields}


@pytest.fixture
def client(deploy: Deploy) -> httpx.Client:
    return deploy("splits")


def test_a_split_is_made_described_deleted_and_brought_back(client: httpx.Client) -> None:
    made = client.post("/v1/splits", json=body(labels={"team": "growth"}))
    split = made.json()
    where = f"/v1/splits/{split['id']}"

    described = client.patch(where, json={"labels": {"team": None}, "description": "new"})
    gone = client.delete(where)
    back = client.post(f"{where}/undelete")
    emptied = client.delete(where, params={"delete_artifacts": "true"})
    refused = client.post(f"{where}/undelete")

    assert (made.status_code, split["status"]) == (201, "READY")
    assert (described.json()["labels"], described.json()["description"]) == ({}, "new")
    assert (gone.json()["deleted"], back.json()["deleted"]) == (True, False)
    assert emptied.json()["artifacts_deleted"]
    assert (refused.status_code, refused.json()["error"]["status"]) == (
        412,
        "FAILED_PRECONDITION",
    )


def test_an_upload_may_be_split_again_otherwise(client: httpx.Client, runtime: Runtime) -> None:
    runtime.objects.put("gs://uploads/iris/table.csv", IRIS.encode())
    wish = {
        "entity_id": "iris",
        "data_uri": "gs://uploads/iris/table.csv",
        "split_strategy": "stratified",
        "split_params": {
            "target_column": "kind",
            "ratios": {"train": 0.5, "val": 0.25, "test": 0.25},
        },
        "request_id": "r-1",
    }

    first, second = (client.post("/v1/splits", json=wish) for _ in range(2))

    assert first.json()["rows"] == {"train": 60, "val": 30, "test": 30}
    assert second.json() == first.json()
    assert client.post("/v1/splits", json={**wish, "description": "x"}).status_code == 409


def test_a_body_of_eight_mebibytes_is_the_most(client: httpx.Client) -> None:
    text = json.dumps(body(inline_data=[{"a": 1, "text": "x"}] * 5000))
    room = MAX_BODY_BYTES - len(text)
    full = text.replace('"x"', f'"{"x" * (room + 1)}"', 1).encode()

    assert len(full) == MAX_BODY_BYTES
    assert client.post("/v1/splits", content=full).status_code == 201
    assert client.post("/v1/splits", content=full + b" ").status_code == 413


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("id", ["Split", "a..b", "-a", "a" * 65])
def test_what_cannot_be_an_id_is_not_changed(client: httpx.Client, method: str, id: str) -> None:
    assert client.request(method, f"/v1/splits/{id}", content=b"{}").status_code == 400


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"labels": {"a": NaN}}', b'{"id": "a"}'])
def test_what_is_no_patch_is_refused(client: httpx.Client, content: bytes) -> None:
    split = client.post("/v1/splits", json=body()).json()

    assert client.patch(f"/v1/splits/{split['id']}", content=content).status_code == 400


@pytest.mark.parametrize("query", ["delete_artifacts=perhaps", "artifacts=true"])
def test_a_delete_that_says_something_else_is_refused(client: httpx.Client, query: str) -> None:
    split = client.post("/v1/splits", json=body()).json()

    assert client.delete(f"/v1/splits/{split['id']}?{query}").status_code == 400
    assert not client.get(f"/v1/splits/{split['id']}").json()["deleted"]


def test_a_method_that_nobody_takes_is_told_what_is(client: httpx.Client) -> None:
    answered = client.put("/v1/splits/split-1", json={})

    assert answered.status_code == 405
    assert answered.headers["Allow"] == "DELETE, GET, PATCH"


def test_whoever_answers_loads_neither_polars_nor_numpy() -> None:
    program = "import sys, mlsys.handlers.splits; print({'numpy', 'polars'} & set(sys.modules))"

    said = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT / "shared")},
        capture_output=True,
        text=True,
        check=True,
    )

    assert said.stdout == "set()\n"
