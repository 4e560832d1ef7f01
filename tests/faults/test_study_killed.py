"""A study as a launched job, whose process is killed or told to end: it is started again."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlsys.adapters.local.jobs import SubprocessJobs
from mlsys.domain.messages import ExperimentRequest
from mlsys.ports import ExecutionState
from mlsys.runtime import Runtime
from mlsys.settings import Settings
from mlsys.use_cases.launch import launch_study
from tests.faults.crowds import Crowd, Study
from tests.faults.processes import processes
from tests.waiting import wait_for


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """A home whose jobs are real processes, with leases so short that a test can wait for them."""
    home = tmp_path / "home"
    for name, value in {"HOME": home, "LEASE_SECONDS": 1.5, "THREADS": 1}.items():
        monkeypatch.setenv(f"MLSYS_{name}", str(value))
    runtime = Runtime(Settings(home=home))
    yield runtime
    assert isinstance(runtime.jobs, SubprocessJobs)
    runtime.jobs.stop_all()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "told to end"])
def test_a_task_of_a_launched_job_that_ends_early_is_started_again(
    runtime: Runtime, end: signal.Signals
) -> None:
    study = Crowd(runtime.settings.home, "", rows=1500).study(n_trials=25)
    launched = launch_study(
        ExperimentRequest.model_validate(study.experiment.request),
        message_id="m-1",
        records=runtime.records,
        jobs=runtime.jobs,
        job="study",
        carried={},
        lease_seconds=60,
        now=runtime.now(),
    )
    wait_for(study.finished)

    [victim] = processes_of(study)
    os.kill(victim, end)
    wait_for(lambda: runtime.jobs.look(str(launched.execution_id)).state.final)

    execution = runtime.jobs.look(str(launched.execution_id))
    assert (execution.state, execution.succeeded) == (ExecutionState.SUCCEEDED, 1)
    status = runtime.settings.home / "jobs" / execution.id / "status.json"
    assert json.loads(status.read_bytes())["tasks"][0]["attempt"] == 1
    assert study.violations() == []
    assert processes_of(study) == []


def processes_of(study: Study) -> list[int]:
    """Return the processes that run a study, but not who supervises them."""
    run = ["-m", "mlsys.handlers.study"]
    return processes(lambda words: study.order.experiment_id in words and words[1:3] == run)
