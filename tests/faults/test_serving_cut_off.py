"""A server that Firestore does not reach goes on with what it has, and catches up afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlsys.adapters.local.objects import FileObjects
from mlsys.ports import Records
from mlsys.use_cases.model_heads import PromoteRequest, promote
from mlsys.use_cases.serving.loaded_models import LoadedModels, ModelSelection
from tests.cloud.cut_line import Line, line_to
from tests.faults.loaded_server import NOW, register_versions
from tests.waiting import wait_for

pytestmark = pytest.mark.emulator

TOLD = ModelSelection(model="told")


@pytest.fixture
def line(firestore_emulator: str) -> Iterator[Line]:
    with line_to(firestore_emulator) as line:
        yield line


@pytest.fixture
def far_records(
    line: Line, firestore_emulator: str, project: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Records]:
    """The records of this test, at the other end of the line."""
    assert firestore_emulator != line.address
    from google.cloud import firestore

    from mlsys.adapters.gcp.records import FirestoreRecords

    monkeypatch.setattr("mlsys.adapters.gcp.translated.TOTAL_SECONDS", 0.5)
    with monkeypatch.context() as patch:
        patch.setenv("FIRESTORE_EMULATOR_HOST", line.address)
        client = firestore.Client(project=project)
    yield FirestoreRecords(client)
    client.close()


@pytest.mark.parametrize("records", ["gcp"], indirect=True)
def test_a_server_that_is_cut_off_answers_says_so_and_catches_up(
    records: Records, far_records: Records, line: Line, tmp_path: Path
) -> None:
    objects = FileObjects(tmp_path)
    register_versions(records=records, objects=objects)
    models = LoadedModels(
        records=far_records, objects=objects, pointer_ttl_seconds=0.1, max_bytes=2**28
    )
    before = models.find(TOLD).version.version

    line.cut()
    promote("told-v2", PromoteRequest(stage="production"), records=records, now=NOW)
    wait_for(lambda: models.find(TOLD) and "unavailable" in models.trouble(TOLD))
    while_cut_off = models.find(TOLD).version.version
    line.mend()
    wait_for(lambda: models.find(TOLD).version.version == 2)
    wait_for(lambda: models.trouble(TOLD) == "")
    models.close()

    assert (before, while_cut_off) == (1, 1)
