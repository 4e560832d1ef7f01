"""The copy of the winner's files beside its experiment: whole, and of the version that counts."""

import json
from threading import Event
from typing import Any

import pytest

from mlsys.domain.experiment_records import Experiment, ExperimentStatus
from mlsys.domain.split_records import Split
from mlsys.repositories.models import MODEL_VERSIONS
from mlsys.runtime import Runtime
from mlsys.use_cases.leading.lead import House, Worker
from mlsys.use_cases.study import run_study
from tests.use_cases.conftest import asked_for
from tests.use_cases.test_study import Killed, house_of

WORKER = Worker("study-1", task=0, tasks=1, threads=1, lease_seconds=60)


def house_with(objects: Any, runtime: Runtime) -> House:
    return House(runtime.records, objects, "artifacts", runtime.now)


def copies(experiment: Experiment, runtime: Runtime) -> dict[str, bytes]:
    found = runtime.objects.list(f"gs://artifacts/experiments/{experiment.id}/best_model/")
    return {one.uri.rsplit("/", 1)[1]: runtime.objects.read(one.uri) for one in found}


def registered(ended: Experiment, runtime: Runtime) -> dict[str, bytes]:
    version = MODEL_VERSIONS.get(str(ended.model_id), records=runtime.records).value
    return {name: runtime.objects.read(file.uri) for name, file in version.files.items()}


@pytest.mark.parametrize("written", range(3))
def test_a_leader_that_lost_its_lease_among_the_files_changes_nothing_in_the_copy(
    ready_split: Split, runtime: Runtime, written: int
) -> None:
    asked = asked_for(ready_split, runtime)
    after_the_heir: list[dict[str, bytes]] = []
    left = written

    class Sleeping:
        """Objects whose process sleeps before one of the version's files, until an heir is done."""

        def __getattr__(self, name: str) -> Any:
            nonlocal left
            if name == "put_once" and not after_the_heir:
                left -= 1
                if left < 0:
                    run_study(asked.id, worker=WORKER, house=house_of(runtime), stop=Event())
                    after_the_heir.append(copies(asked, runtime))
            return getattr(runtime.objects, name)

    ended = run_study(asked.id, worker=WORKER, house=house_with(Sleeping(), runtime), stop=Event())

    assert ended.status is ExperimentStatus.SUCCEEDED
    assert copies(asked, runtime) == after_the_heir[0] == registered(ended, runtime)
    metadata = json.loads(copies(asked, runtime)["metadata.json"])
    assert metadata["model_version_id"] == ended.model_id == "toys-v2"


@pytest.mark.parametrize("written", [0, 2])
def test_who_starts_again_makes_up_for_a_copy_that_is_missing(
    ready_split: Split, runtime: Runtime, written: int
) -> None:
    asked = asked_for(ready_split, runtime)
    left = written

    class Dying:
        """Objects whose process is killed before one of the copies."""

        def __getattr__(self, name: str) -> Any:
            nonlocal left
            if name == "put":
                left -= 1
                if left < 0:
                    raise Killed
            return getattr(runtime.objects, name)

    with pytest.raises(Killed):
        run_study(asked.id, worker=WORKER, house=house_with(Dying(), runtime), stop=Event())
    assert len(copies(asked, runtime)) == written

    ended = run_study(asked.id, worker=WORKER, house=house_of(runtime), stop=Event())

    assert (ended.status, ended.model_id) == (ExperimentStatus.SUCCEEDED, "toys-v1")
    assert copies(asked, runtime) == registered(ended, runtime)
