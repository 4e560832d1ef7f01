"""The deployables under the real functions-framework, on a local home."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import functions_framework
import httpx
import pytest
from flask import Flask
from starlette.applications import Starlette

from mlsys.edge.asgi import server_of
from mlsys.runtime import Runtime, runtime_from_env

ROOT = Path(__file__).parents[2]
IRIS = "\n".join(
    [
        "length,width,kind",
        *(f"{5 + n % 7 * 0.1:.1f},{3 + n % 5 * 0.1:.1f},{'ab'[n % 2]}" for n in range(120)),
    ]
)

Deploy = Callable[[str], httpx.Client]


@dataclass(frozen=True)
class Asynchronous(httpx.BaseTransport):
    """Ask an ASGI app, and wait."""

    app: Starlette

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return asyncio.run(self._answered(request))

    async def _answered(self, request: httpx.Request) -> httpx.Response:
        answered = await httpx.ASGITransport(self.app).handle_async_request(request)
        content = await answered.aread()
        return httpx.Response(answered.status_code, headers=answered.headers, content=content)


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """Return what the deployables of this test get from their environment."""
    monkeypatch.setenv("MLSYS_HOME", str(tmp_path))
    monkeypatch.setenv("MLSYS_LOG_LEVEL", "error")
    for kept in (runtime_from_env, server_of):
        kept.cache_clear()
    yield runtime_from_env()
    for kept in (runtime_from_env, server_of):
        kept.cache_clear()


@pytest.fixture
def deploy(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Deploy:
    """Load `functions/{name}/main.py` as Google Cloud does."""

    def load(name: str) -> httpx.Client:
        assert runtime
        monkeypatch.delenv("FUNCTION_SIGNATURE_TYPE", raising=False)
        source = ROOT / "functions" / name / "main.py"
        app = functions_framework.create_app(name, str(source), signature_of(name))
        transport = httpx.WSGITransport(app) if isinstance(app, Flask) else Asynchronous(app)
        return httpx.Client(transport=transport, base_url="http://function")

    return load


def signature_of(name: str) -> str:
    return "cloudevent" if name in {"split", "launch"} else "http"


@pytest.fixture
def uploaded(runtime: Runtime) -> dict[str, str]:
    """Drop a table and return the data of its event."""
    dataset = {"split": {"strategy": "stratified", "target_column": "kind"}}
    runtime.objects.put("gs://uploads/iris/dataset.json", json.dumps(dataset).encode())
    info = runtime.objects.put("gs://uploads/iris/table.csv", IRIS.encode())
    return {"bucket": "uploads", "name": "iris/table.csv", "generation": info.generation}
