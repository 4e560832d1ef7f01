"""What is small may ask for what takes long: nobody waits for it but who asked."""

import asyncio
import json
from typing import Any

import pytest

from mlsys.edge.asgi import SMALL_BYTES, Server
from mlsys.handlers import predict
from mlsys.handlers.predict import EXPLAINED_WALKS, served
from mlsys.use_cases.serving.loaded_models import ModelSelection
from tests.edge.asgi_client import answered
from tests.formats.asking import ROW, Predictor

PREDICT = "/v1/predict"
NAMED = "/v1/models/lightgbm:predict"
INVOCATIONS = "/invocations"
INFER = "/v2/models/lightgbm/infer"


FEW_ROWS, FEW_EXPLAINED = 50, 3


@pytest.fixture
def few_rows(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(predictor, FEW_ROWS, monkeypatch)


@pytest.fixture
def few_explained(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(predictor, FEW_EXPLAINED * EXPLAINED_WALKS, monkeypatch)


@pytest.mark.usefixtures("few_rows")
def test_who_asks_for_few_rows_is_answered_before_the_next(predictor: Predictor) -> None:
    assert answered_first(predictor, PREDICT, asked(PREDICT, 1)) == PREDICT
    assert answered_first(predictor, PREDICT, asked(PREDICT, FEW_ROWS)) == PREDICT


@pytest.mark.usefixtures("few_explained")
def test_who_asks_for_few_explanations_is_answered_before_the_next(predictor: Predictor) -> None:
    body = asked(PREDICT, FEW_EXPLAINED, explain=True)

    assert answered_first(predictor, PREDICT, body) == PREDICT


@pytest.mark.usefixtures("few_rows")
@pytest.mark.parametrize("path", [PREDICT, NAMED, INVOCATIONS, INFER])
def test_many_rows_in_a_small_body_let_others_go_first(predictor: Predictor, path: str) -> None:
    assert answered_first(predictor, path, asked(path, FEW_ROWS + 1)) == "/livez"


@pytest.mark.usefixtures("few_explained")
@pytest.mark.parametrize("path", [PREDICT, NAMED, INVOCATIONS])
def test_some_explanations_let_others_go_first(predictor: Predictor, path: str) -> None:
    body = asked(path, FEW_EXPLAINED + 1, explain=True)

    assert answered_first(predictor, path, body) == "/livez"


@pytest.mark.parametrize("path", ["/openapi.json", "/v1/models/lightgbm/openapi.json"])
def test_descriptions_let_others_go_first(predictor: Predictor, path: str) -> None:
    assert answered_first(predictor, path) == "/livez"


def limit(predictor: Predictor, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let so many rows of the model be few."""
    trees = predictor.runtime.models.find(ModelSelection(model="lightgbm")).model.trees
    monkeypatch.setattr(predict, "MAX_WALKS", rows * trees)


def asked(path: str, rows: int, **parameters: Any) -> bytes:
    """Return a small body that asks for so many rows."""
    named = {"params" if path == INVOCATIONS else "parameters": parameters}
    body: dict[str, Any] = {"instances": [list(ROW.values())] * rows, **named}
    if path == PREDICT:
        body = {"model": "lightgbm", "instances": [ROW] * rows, **named}
    if path == INFER:
        body = {"inputs": [tensor(name, value, rows) for name, value in ROW.items()]}
    written = json.dumps(body, separators=(",", ":")).encode()
    assert len(written) <= SMALL_BYTES
    return written


def tensor(name: str, value: object, rows: int) -> dict[str, Any]:
    kind = "BYTES" if isinstance(value, str) else "INT64"
    return {"name": name, "shape": [rows], "datatype": kind, "data": [value] * rows}


def answered_first(predictor: Predictor, path: str, body: bytes = b"") -> str:
    """Ask there, and then who is alive; return which path answered first."""
    server, order = Server(served(predictor.runtime), predictor.runtime), list[str]()

    async def ask(path: str, body: bytes = b"") -> None:
        method = "POST" if body else "GET"
        assert (await answered(server, method, path, body)).status_code == 200
        order.append(path)

    async def both() -> None:
        await ask(path, body)  # the model is loaded now
        order.clear()
        await asyncio.gather(ask(path, body), ask("/livez"))

    asyncio.run(both())
    return order[0]
