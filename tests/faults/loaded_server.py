"""Versions whose scores tell which they are, a server of them, and connections that never rest."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np

from mlsys.domain.artifacts import Model, Postprocess, model_files
from mlsys.domain.choices import ModelType
from mlsys.domain.features import Feature, Plan
from mlsys.domain.learners.base import Examples
from mlsys.domain.learners.table import learner
from mlsys.domain.model_records import ModelHead, ModelVersion, VersionStatus
from mlsys.domain.records import File
from mlsys.ports import Objects, Records
from mlsys.repositories.models import MODEL_HEADS, MODEL_VERSIONS
from mlsys.runtime import Runtime
from mlsys.settings import Settings
from tests.domain.learning import REGRESSION, fit
from tests.ports import free_port
from tests.waiting import PATIENCE_SECONDS, wait_for

NOW = datetime(2026, 11, 1, tzinfo=UTC)
LIBRARIES = (ModelType.LIGHTGBM, ModelType.XGBOOST, ModelType.LIGHTGBM, ModelType.XGBOOST)
APART = 1000.0
ROWS = [{"x": 0.25}, {"x": 0.5}, {"x": None}]
CONNECTIONS = 8


def home_of_versions(home: Path) -> Runtime:
    """Return a home with versions 1 to 4 of `told`, the first in production."""
    runtime = Runtime(Settings(home=home))
    register_versions(records=runtime.records, objects=runtime.objects)
    return runtime


def register_versions(*, records: Records, objects: Objects) -> None:
    """Register versions 1 to 4 of `told`; a score of version 3 lies between 3000 and 3001."""
    rows = np.random.default_rng(7).random((2000, 1))
    feature = Feature(name="x", kind="numeric", nullable=True)
    plan = Plan(features=(feature,), target="y", task_kind="regression")
    for version, library in enumerate(LIBRARIES, start=1):
        table = Examples(rows, APART * version + rows[:, 0], (False,))
        booster = fit(learner(library), REGRESSION, train=table, rounds=40)
        model = Model(plan, booster, Postprocess())
        files = _stored(version, model_files(library, model), objects)
        registered = _version(version, library, files)
        MODEL_VERSIONS.create(registered.id, registered, records=records)
    head = ModelHead(name="told", created_at=NOW, latest_version=len(LIBRARIES), production=1)
    MODEL_HEADS.create("told", head, records=records)


@dataclass
class Load:
    """Connections that ask one after the other, and what was wrong with their answers."""

    port: int
    stop: Event = field(default_factory=Event)
    answers: int = 0
    latest: int = 0
    wrong: list[str] = field(default_factory=list)

    def ask(self) -> None:
        """Ask until told to stop; answers of one version must be scores of that version."""
        body = json.dumps({"model": "told", "instances": ROWS})
        kept = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        with closing(kept) as connection:
            while not self.stop.is_set():
                connection.request("POST", "/v1/predict", body)
                answer = connection.getresponse()
                self._check(answer.status, json.loads(answer.read()))

    def _check(self, status: int, body: Any) -> None:
        self.answers += 1
        if status != 200:
            self.wrong.append(f"{status}: {body}")
            return
        scored = {round(one["prediction"] / APART) for one in body["predictions"]}
        if scored != {body["version"]}:
            self.wrong.append(f"version {body['version']} answered scores of {scored}")
        self.latest = body["version"]


@dataclass
class Server:
    """A process that serves a home; `held` is told when it ends."""

    port: int
    process: subprocess.Popen[bytes]
    held: int = -1

    @property
    def resident_mib(self) -> float:
        """How much memory it has, where that can be told."""
        statm = Path(f"/proc/{self.process.pid}/statm")
        return int(statm.read_text().split()[1]) * 4096 / 2**20 if statm.exists() else 0.0


@contextmanager
def server_of(home: Path, engine: str) -> Iterator[Server]:
    """Serve until the block ends."""
    port = free_port()
    command = [sys.executable, "-m", "tests.faults.prediction_server", str(home), str(port), engine]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        server = Server(port, process)
        try:
            wait_for(lambda: _listens(server))
            yield server
        finally:
            process.terminate()
            told, _ = process.communicate(timeout=PATIENCE_SECONDS)
        server.held = json.loads(told)["held"]


@contextmanager
def under_load(server: Server) -> Iterator[Load]:
    """Keep all connections asking until the block ends."""
    load = Load(server.port)
    threads = [Thread(target=load.ask) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.stop.set()
        for thread in threads:
            thread.join()


def _listens(server: Server) -> bool:
    assert server.process.poll() is None
    connection = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == 200
    except ConnectionRefusedError:
        return False
    finally:
        connection.close()


def _stored(version: int, contents: dict[str, bytes], objects: Objects) -> dict[str, File]:
    files = {}
    for name, content in contents.items():
        uri = f"gs://artifacts/models/told/v{version}/{name}"
        objects.put(uri, content)
        digest = sha256(content).hexdigest()
        files[name] = File(uri=uri, sha256=digest, size_bytes=len(content))
    return files


def _version(version: int, library: ModelType, files: dict[str, File]) -> ModelVersion:
    return ModelVersion(
        id=f"told-v{version}",
        name="told",
        version=version,
        status=VersionStatus.READY,
        created_at=NOW,
        experiment_id="none",
        split_id="none",
        model_type=library,
        task="regression",
        files=files,
        maximize=False,
    )
