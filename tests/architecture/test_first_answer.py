"""What the predict function imports up to its first answer, and the memory that it has by then.

`make weights` prints it.
"""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from mlsys.adapters.gcp.records import firestore_records
from mlsys.domain.choices import ModelType
from mlsys.repositories.models import MODEL_HEADS, MODEL_VERSIONS
from mlsys.runtime import Runtime
from mlsys.settings import Settings
from smoke import faults
from tests.architecture.served import START_SECONDS, Process, serving
from tests.architecture.test_weight import CORE, NUMBERS
from tests.cloud.fixtures import shared_storage
from tests.cloud.storage import StorageServer
from tests.use_cases.conftest import home_with_a_split, trained_home
from tests.waiting import wait_for

__all__ = ["home_with_a_split", "shared_storage", "trained_home"]

ROW = {"size": 7, "colour": "red", "noise": 3}
SERVER = {"click", "httptools", "uvicorn", "uvloop"}
OF_MODELS = {
    ModelType.CATBOOST: {"catboost", "six"} | NUMBERS,
    ModelType.LIGHTGBM: set[str](),
    ModelType.XGBOOST: set[str](),
}


@pytest.mark.parametrize("model_type", ModelType)
def test_a_first_answer_from_a_local_home_imports_what_it_needs(
    model_type: ModelType, trained_home: Path, tmp_path: Path
) -> None:
    home = {"MLSYS_HOME": str(trained_home)}

    with serving("predict", "image-serve", home, tmp_path) as process:
        _hold_first_answer(process, model_type, allowed=set())


@pytest.mark.parametrize("model_type", ModelType)
def test_a_default_model_is_loaded_before_anybody_asks_for_it(
    model_type: ModelType, trained_home: Path, tmp_path: Path
) -> None:
    default = {"MLSYS_HOME": str(trained_home), "MLSYS_DEFAULT_MODEL": model_type.value}

    with serving("predict", "image-serve", default, tmp_path) as process:
        wait_for(lambda: "model.loaded" in process.log.read_text())

        assert process.imported() - CORE - SERVER == OF_MODELS[model_type]


def test_a_deployment_that_predicts_passes_its_smoke_test(
    trained_home: Path, tmp_path: Path
) -> None:
    asked = json.dumps({"model": "lightgbm", "instances": [ROW]})

    with serving("predict", "image-serve", {"MLSYS_HOME": str(trained_home)}, tmp_path) as process:
        assert faults(process.url, "", asked) == []
        assert faults(process.url, "", "") == []


@pytest.mark.emulator
@pytest.mark.parametrize("model_type", ModelType)
def test_a_first_answer_on_google_cloud_imports_none_of_its_clients(
    model_type: ModelType, cloud: dict[str, str], tmp_path: Path
) -> None:
    with serving("predict", "image-serve", cloud, tmp_path) as process:
        _hold_first_answer(process, model_type, allowed={"google_crc32c"})


@pytest.mark.emulator
def test_an_import_of_googles_clients_is_noticed(cloud: dict[str, str], tmp_path: Path) -> None:
    with serving("models", "image-serve", cloud, tmp_path) as process:
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
    assert before - CORE - SERVER == set()
    assert after - before == allowed | OF_MODELS[model_type]
    assert 20 < memory_mb <= (150 if model_type is ModelType.CATBOOST else 100)
    print(f"\nfirst answer of {model_type:8}  {memory_mb:6.0f} MB", end="")  # noqa: T201  # `make weights`
