"""The command that docs/operations.md gives for a container, with the variables of Vertex AI."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import OPERATIONS, ROOT
from tests.formats.asking import ROW, Predictor
from tests.ports import free_port

HEALTH = "/v1/endpoints/1/deployedModels/2"


@pytest.fixture(scope="module")
def port(trained_home: Path) -> Iterator[int]:
    """Start what the page says, as Vertex AI would, and wait until it listens."""
    port = free_port()
    [command] = re.findall(r"Its command is the image's, `(.*?)`", OPERATIONS.read_text())
    environment = {
        "AIP_HTTP_PORT": str(port),
        "AIP_HEALTH_ROUTE": HEALTH,
        "AIP_PREDICT_ROUTE": f"{HEALTH}:predict",
        "MLSYS_HOME": str(trained_home),
        "MLSYS_LOG_LEVEL": "error",
        "MLSYS_DEFAULT_MODEL": "lightgbm",
        "MLSYS_HOST": "127.0.0.1",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    with subprocess.Popen(command.split(), cwd=ROOT, env=environment) as started:
        try:
            deadline = time.monotonic() + 60
            while not listens(port):
                assert started.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield port
        finally:
            started.terminate()


def listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def ask(port: int, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        with connection.getresponse() as answer:
            return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_a_container_listens_and_answers_where_vertex_ai_says(
    port: int, predictor: Predictor
) -> None:
    status, answered = ask(port, "POST", f"{HEALTH}:predict", {"instances": [ROW]})

    assert ask(port, "GET", HEALTH) == (200, {"status": "ok"})
    assert (status, answered["predictions"]) == (200, predictor.predicted("lightgbm", [ROW]))


def test_a_container_describes_itself(port: int) -> None:
    status, document = ask(port, "GET", "/openapi.json")

    assert status == 200
    assert {HEALTH, f"{HEALTH}:predict", "/invocations", "/v2", "/docs"} <= set(document["paths"])
    assert "/v1/splits" not in document["paths"]
