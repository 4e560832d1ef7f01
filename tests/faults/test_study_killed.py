"""Studies whose processes are killed, stopped and doubled: as many trials as asked, one version."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlsys.domain.experiment_records import ExperimentStatus
from mlsys.ports import ExecutionState
from mlsys.use_cases.launch import launch_study
from tests.faults.processes import processes, stop_between_writes
from tests.faults.studies import STUDY, TRIALS, UNFENCED, Scene
from tests.waiting import PATIENCE_SECONDS, wait_for


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "home")


def test_a_killed_study_is_finished_by_the_next_process(scene: Scene) -> None:
    with scene.process() as first:
        wait_for(lambda: scene.finished() >= 3)
        first.send_signal(signal.SIGKILL)
        first.wait()
    left = scene.finished()
    assert 3 <= left < TRIALS
    assert scene.violations() != []

    assert scene.run() == 0

    assert scene.violations() == []
    assert max(body["attempt"] for body in scene.trial_bodies()) <= 2


def test_two_executions_at_once_are_one_study(scene: Scene) -> None:
    with scene.process(CLOUD_RUN_EXECUTION="study-1") as one:
        with scene.process(CLOUD_RUN_EXECUTION="study-2") as other:
            assert other.wait(PATIENCE_SECONDS) == 0
        assert one.wait(PATIENCE_SECONDS) == 0

    assert scene.violations() == []
    assert {body["attempt"] for body in scene.trial_bodies()} == {1}


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_task_costs_the_others_no_trial(scene: Scene, victim: int) -> None:
    shared = {"CLOUD_RUN_EXECUTION": "study-1", "CLOUD_RUN_TASK_COUNT": "2"}

    with scene.process(**shared, CLOUD_RUN_TASK_INDEX="0") as leader:
        wait_for(lambda: scene.finished() >= 3)
        stop_between_writes(leader.pid, scene.home)
        before = scene.finished()
        with scene.process(**shared, CLOUD_RUN_TASK_INDEX="1") as follower:
            wait_for(lambda: scene.finished() > before)
            leader.send_signal(signal.SIGCONT)
            [leader, follower][victim].kill()
            assert follower.wait(PATIENCE_SECONDS) == (-signal.SIGKILL if victim else 0)
        leader.wait(PATIENCE_SECONDS)
    if victim == 0:
        assert scene.finished() == TRIALS
        assert scene.run(**shared, CLOUD_RUN_TASK_INDEX="0", CLOUD_RUN_TASK_ATTEMPT="1") == 0

    assert scene.violations() == []


def test_a_terminated_study_gives_its_trial_back_in_time(scene: Scene) -> None:
    with scene.process(CLOUD_RUN_EXECUTION="study-1") as process:
        wait_for(lambda: scene.finished() >= 3 and scene.held())
        process.terminate()
        began = time.monotonic()
        code = process.wait(PATIENCE_SECONDS)
        seconds = time.monotonic() - began

    assert (code, scene.held()) == (1, 0)
    assert seconds < 10
    assert scene.experiment().status is ExperimentStatus.RUNNING
    assert scene.run(CLOUD_RUN_EXECUTION="study-1", CLOUD_RUN_TASK_ATTEMPT="1") == 0
    assert scene.violations() == []


@pytest.mark.parametrize("module", [STUDY, UNFENCED], ids=["fence", "no fence"])
def test_a_study_stopped_for_longer_than_its_lease_changes_nothing_any_more(
    scene: Scene, module: str
) -> None:
    with scene.process(module) as zombie:
        wait_for(lambda: scene.finished() >= 3)
        stop_between_writes(zombie.pid, scene.home)
        assert scene.run() == 0
        assert scene.violations() == []
        outcome = scene.outcome()

        zombie.send_signal(signal.SIGCONT)
        zombie.wait(PATIENCE_SECONDS)

    assert (scene.outcome() == outcome) is (module == STUDY)


@pytest.fixture
def _environment(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in scene.environment().items():
        monkeypatch.setenv(name, value)
    yield
    scene.runtime.jobs.stop_all()  # type: ignore[attr-defined]


@pytest.mark.usefixtures("_environment")
def test_a_killed_task_of_a_launched_job_is_started_again(scene: Scene) -> None:
    runtime = scene.runtime
    launched = launch_study(
        scene.request,
        message_id="m-1",
        records=runtime.records,
        jobs=runtime.jobs,
        job="study",
        carried={},
        lease_seconds=60,
        now=runtime.now(),
    )
    wait_for(lambda: scene.finished() >= 3)

    [victim] = processes_of(scene)
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: runtime.jobs.look(str(launched.execution_id)).state.final)

    execution = runtime.jobs.look(str(launched.execution_id))
    assert (execution.state, execution.succeeded) == (ExecutionState.SUCCEEDED, 1)
    status = scene.home / "jobs" / execution.id / "status.json"
    assert json.loads(status.read_bytes())["tasks"][0]["attempt"] == 1
    assert scene.violations() == []
    assert processes_of(scene) == []


def processes_of(scene: Scene) -> list[int]:
    """Return the processes that run the study, but not who supervises them."""
    return processes(lambda words: scene.experiment_id in words and words[1:3] == ["-m", STUDY])
