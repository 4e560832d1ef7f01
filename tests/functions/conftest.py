"""The deployables under the real functions-framework, on a local home."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import functions_framework
import pytest
from flask import Flask
from flask.testing import FlaskClient

from mlsys.runtime import Runtime, runtime_from_env

ROOT = Path(__file__).parents[2]
IRIS = "\n".join(
    [
        "length,width,kind",
        *(f"{5 + n % 7 * 0.1:.1f},{3 + n % 5 * 0.1:.1f},{'ab'[n % 2]}" for n in range(120)),
    ]
)

Deploy = Callable[[str], FlaskClient]


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """Return what the deployables of this test get from their environment."""
    monkeypatch.setenv("MLSYS_HOME", str(tmp_path))
    monkeypatch.setenv("MLSYS_LOG_LEVEL", "error")
    runtime_from_env.cache_clear()
    yield runtime_from_env()
    runtime_from_env.cache_clear()


@pytest.fixture
def deploy(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Deploy:
    """Load `functions/{name}/main.py` as Google Cloud does."""

    def load(name: str) -> FlaskClient:
        assert runtime
        monkeypatch.delenv("FUNCTION_SIGNATURE_TYPE", raising=False)
        source = ROOT / "functions" / name / "main.py"
        app: Flask = functions_framework.create_app(name, str(source), signature_of(name))
        return app.test_client()

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
