"""Jobs that are killed, stopped and doubled while they split: one ready split is what remains."""

import io
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from mlsys.domain.formats import Limits
from mlsys.domain.records import PARTS
from mlsys.domain.split_records import Split, SplitStatus
from mlsys.ports import Execution, ExecutionState
from mlsys.use_cases.split import split_upload
from tests.faults.processes import processes, stop_between_writes
from tests.use_cases.splitting.ingestions import INGEST, Scene, ended
from tests.waiting import wait_for

SOME = b"".join(b"%d,%d.5,%s\n" % (n, n * 7 % 13, b"no" if n % 3 else b"yes") for n in range(1000))
TIMES = 2000
ROWS = 1000 * TIMES


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A home whose job is the real one, started again once."""
    scene = Scene(tmp_path / "home")
    scene.jobs = scene.jobs_of(INGEST, max_retries=1)
    yield scene
    scene.jobs.stop_all()


@pytest.fixture
def begun(scene: Scene) -> Split:
    """A split that the job has claimed."""
    split = scene.deliver(scene.drop("churn/rows.csv", b"id,x,y\n" + SOME * TIMES))
    wait_for(lambda: scene.split().attempt.token)
    return split


def outcome(scene: Scene) -> dict[str, object]:
    """Say what remains."""
    split = scene.split()
    files = [
        scene.objects.read(split.files[part].uri, sha256=split.files[part].sha256)
        for part in split.files
    ]
    table = pl.concat([pl.DataFrame({"id": []}), *map(_ids, files)], how="vertical_relaxed")
    return {
        "status": split.status,
        "attempt": split.attempt.number,
        "rows": sum(split.rows.values()),
        "ids": (table.height, table["id"].sum()),
        "objects": sorted(
            one.uri.rpartition("/")[2] for one in scene.objects.list("gs://artifacts/")
        ),
    }


def promised(*, attempt: int) -> dict[str, object]:
    """Say what was promised."""
    files = ["dataset.json", "drafted_dataset.json", "manifest.json", "profile.json"]
    return {
        "status": SplitStatus.READY,
        "attempt": attempt,
        "rows": ROWS,
        "ids": (ROWS, TIMES * sum(range(1000))),
        "objects": sorted([*files, *(f"{part}.parquet" for part in PARTS)]),
    }


def execution(scene: Scene) -> Execution:
    return scene.jobs.look(str(scene.split().execution_id))


def processes_of(split_id: str) -> list[int]:
    """Return the processes of the job, but not who supervises them."""
    return processes(lambda words: split_id in words and words[1:3] == list(INGEST[1:]))


def process_of(split_id: str) -> int:
    """Return the one that works; a child looks like it until it has become what it shall be."""
    return min(processes_of(split_id))


def finish(scene: Scene) -> None:
    wait_for(lambda: execution(scene).state.final)


def test_the_job_splits_what_was_handed_to_it(scene: Scene) -> None:
    event = scene.drop("churn/rows.csv", b"id,x,y\n" + SOME * TIMES)

    scene.deliver(event)
    finish(scene)

    assert outcome(scene) == promised(attempt=1)
    assert execution(scene).state is ExecutionState.SUCCEEDED
    assert scene.deliver(event) == scene.split()
    assert len(scene.executions()) == 1


def test_a_killed_job_is_started_again_and_goes_on_after_its_lease(
    scene: Scene, begun: Split
) -> None:
    victim = process_of(begun.id)
    assert outcome(scene) != promised(attempt=1)

    os.kill(victim, signal.SIGKILL)
    finish(scene)

    assert outcome(scene) == promised(attempt=2)
    assert execution(scene).state is ExecutionState.SUCCEEDED
    [status] = scene.executions()
    assert status["tasks"][0]["attempt"] == 1


@pytest.mark.usefixtures("begun")
def test_a_job_that_is_told_to_end_gives_its_work_back_at_once(scene: Scene) -> None:
    assert scene.jobs.stop_all() != []

    split = scene.split()
    assert (split.status, split.attempt.number, split.attempt.token) == ("RUNNING", 0, "")
    assert split.progress is None

    scene.jobs.resume()
    finish(scene)

    assert outcome(scene) == promised(attempt=1)


def test_two_executions_are_one_split(scene: Scene, begun: Split) -> None:
    patient = scene.jobs_of(INGEST, lease_seconds=12)
    second = patient.start("ingest", arguments=["--split", begun.id])

    wait_for(lambda: ended(second.id, scene.jobs))
    finish(scene)

    assert scene.jobs.look(second.id).state is ExecutionState.SUCCEEDED
    assert outcome(scene) == promised(attempt=1)


def test_a_job_stopped_for_longer_than_its_lease_changes_nothing_any_more(
    scene: Scene, begun: Split
) -> None:
    zombie = process_of(begun.id)
    stop_between_writes(zombie, scene.home)
    second = scene.jobs.start("ingest", arguments=["--split", begun.id])
    wait_for(lambda: ended(second.id, scene.jobs))
    ready = scene.split()

    os.kill(zombie, signal.SIGCONT)
    wait_for(lambda: processes_of(begun.id) == [])

    assert scene.split() == ready
    assert outcome(scene) == promised(attempt=2)


def test_what_takes_a_function_too_long_is_handed_over(scene: Scene) -> None:
    event = scene.drop("churn/rows.csv", b"id,x,y\n" + SOME * TIMES)
    workshop = replace(scene.workshop(above_bytes=2**40), limits=Limits(seconds=0.1))

    handed = split_upload(event, workshop=workshop, uploads_bucket="uploads")

    assert handed is not None
    assert (handed.status, handed.launches) == (SplitStatus.RUNNING, 1)
    finish(scene)
    assert outcome(scene) == promised(attempt=1)


def _ids(content: bytes) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(content), columns=["id"])
