"""What the predict function imports up to its first answer, and the memory that it has by then.

`make weights` prints it.
"""

import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from mlsys.adapters.gcp.records import firestore_records
from mlsys.domain.messages import ModelType
from mlsys.repositories import MODEL_HEADS, MODEL_VERSIONS
from mlsys.runtime import Runtime
from mlsys.settings import Settings
from tests.architecture.test_weight import CORE, FRAMEWORK, NUMBERS
from tests.cloud.fixtures import shared_storage
from tests.cloud.storage import StorageServer
from tests.use_cases.conftest import home_with_a_split, trained_home

__all__ = ["home_with_a_split", "shared_storage", "trained_home"]

ROOT = Path(__file__).parents[2]
ROW = {"size": 7, "colour": "red", "noise": 3}
SERVERS = {
    *("anyio", "gunicorn", "h11", "httptools", "sniffio", "starlette"),
    *("uvicorn", "uvicorn_worker", "uvloop"),
}
OF_MODELS = {
    ModelType.CATBOOST: {"catboost", "six"},
    ModelType.LIGHTGBM: set[str](),
    ModelType.XGBOOST: set[str](),
}
MEGABYTE = 10**6
START_SECONDS = 60


@dataclass(frozen=True)
class Process:
    """A function that serves; Python tells in its log what it imports."""

    pid: int
    url: str
    log: Path
    packages: Path

    def imported(self) -> set[str]:
        """Name the packages imported so far that do not belong to Python; Google's in full."""
        names = re.findall(r"^import time: .*\| +(\S+)$", self.log.read_text(), re.MULTILINE)
        parts = [name.split(".") for name in names]
        packages = {".".join(one[: 3 if one[0] == "google" else 1]) for one in parts}
        return {name for name in packages - {"mlsys"} if self._is_installed(name)}

    def memory_mb(self) -> float:
        """Say how much memory it has with its children; what several share counts once."""
        if not Path("/proc/self/smaps_rollup").exists():
            pytest.skip("only Linux tells who shares which memory")
        rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in _family(self.pid)]
        kib = [
            int(found)
            for text in rollups
            for found in re.findall(r"^Pss: +(\d+)", text, re.MULTILINE)
        ]
        return sum(kib) * 1024 / MEGABYTE

    def _is_installed(self, name: str) -> bool:
        """Tell what was imported from what was only looked for."""
        place = name.replace(".", "/")
        return any(self.packages.glob(f"{place}/")) or any(self.packages.glob(f"{place}.*"))


@pytest.mark.parametrize("model_type", ModelType)
def test_a_first_answer_from_a_local_home_imports_what_it_needs(
    model_type: ModelType, trained_home: Path, tmp_path: Path
) -> None:
    home = {"MLSYS_HOME": str(trained_home)}

    with _serving("predict", "image-serve", home, tmp_path) as process:
        _hold_first_answer(process, model_type, allowed=set())


@pytest.mark.emulator
@pytest.mark.parametrize("model_type", ModelType)
def test_a_first_answer_on_google_cloud_imports_none_of_its_clients(
    model_type: ModelType, cloud: dict[str, str], tmp_path: Path
) -> None:
    with _serving("predict", "image-serve", cloud, tmp_path) as process:
        _hold_first_answer(process, model_type, allowed={"google_crc32c"})


@pytest.mark.emulator
def test_an_import_of_googles_clients_is_noticed(cloud: dict[str, str], tmp_path: Path) -> None:
    with _serving("models", "image-serve", cloud, tmp_path) as process:
        before = process.imported()
        httpx.get(f"{process.url}/v1/models", timeout=START_SECONDS)

        noticed = process.imported() - before

    assert {"google.cloud.firestore", "grpc"} <= noticed


@pytest.fixture
def cloud(
    trained_home: Path, shared_storage: StorageServer, firestore_emulator: str, project: str
) -> dict[str, str]:
    """The models of the trained home, where Google Cloud keeps them; what leads there."""
    home, firestore = Runtime(Settings(home=trained_home)), firestore_records(project, "(default)")
    for collection in (MODEL_HEADS.name, MODEL_VERSIONS.name):
        for document in home.records.query(collection).documents:
            firestore.create(collection, document.id, document.body)
    shared_storage.add_bucket("artifacts")
    for info in home.objects.list("gs://artifacts/models/"):
        name = info.uri.removeprefix("gs://artifacts/")
        shared_storage.store.put("artifacts", name, home.objects.read(info.uri), {}, {})
    return {
        "MLSYS_BACKEND": "gcp",
        "MLSYS_PROJECT": project,
        "STORAGE_EMULATOR_HOST": shared_storage.url,
        "FIRESTORE_EMULATOR_HOST": firestore_emulator,
    }


def _hold_first_answer(process: Process, model_type: ModelType, *, allowed: set[str]) -> None:
    before = process.imported()
    body: dict[str, Any] = {"model": model_type.value, "instances": [ROW]}
    answered = httpx.post(f"{process.url}/v1/predict", json=body, timeout=START_SECONDS)
    assert answered.status_code == 200, answered.text + process.log.read_text()[-2000:]
    after, memory_mb = process.imported(), process.memory_mb()

    assert json.loads(answered.content)["model_id"] == f"{model_type}-v1"
    assert before >= CORE
    assert before - CORE - FRAMEWORK - SERVERS - NUMBERS == set()
    assert after - before == allowed | OF_MODELS[model_type]
    assert 20 < memory_mb <= (150 if model_type is ModelType.CATBOOST else 100)
    print(f"\nfirst answer of {model_type:8}  {memory_mb:6.0f} MB", end="")  # noqa: T201  # `make weights`


@contextmanager
def _serving(
    name: str, extras: str, environment: Mapping[str, str], folder: Path
) -> Iterator[Process]:
    """Serve a function as its image does until the block ends."""
    python = ROOT / f".venv-{extras}" / "bin" / "python"
    if not python.exists():
        pytest.fail(f"there is no {python.parents[1].name}: run `make envs`")
    port, log = _free_port(), folder / "log"
    command = [
        *(str(python), "-X", "importtime", "-m", "functions_framework", "--target", name),
        *("--source", str(ROOT / "functions" / name / "main.py")),
        *("--host", "127.0.0.1", "--port", str(port)),
    ]
    with (
        log.open("wb") as output,
        subprocess.Popen(command, env=dict(environment), cwd=ROOT, stderr=output) as running,
    ):
        [packages] = python.parents[1].glob("lib/python*/site-packages")
        process = Process(running.pid, f"http://127.0.0.1:{port}", log, packages)
        try:
            _wait_for(process)
            yield process
        finally:
            running.terminate()


def _wait_for(process: Process) -> None:
    """Wait for an answer that needs nobody."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{process.url}/there-is-nothing-here", timeout=START_SECONDS)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"{process.url} does not answer: {process.log.read_text()[-2000:]}")


def _family(pid: int) -> list[int]:
    """Return a process and all below it."""
    told = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for one in told for child in one.read_text().split()]
    return [pid, *(member for child in children for member in _family(child))]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
