"""Studies of many processes that are to end early: by a signal, a cancel, a timeout, a backend."""

import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlsys.adapters.local.jobs import SubprocessJobs
from mlsys.domain.experiment_records import Experiment, ExperimentStatus
from mlsys.use_cases.cancelling import CancelRequest, cancel_experiment
from tests.cloud.cut_line import line_to
from tests.cloud.emulators import FIRESTORE, Missing, restarted
from tests.faults.crowds import Crowd, Study, tell
from tests.waiting import wait_for

ENDS_WITHIN_SECONDS = 15
MANY = 2000


def test_a_terminated_process_gives_its_trial_back_in_time(crowd: Crowd) -> None:
    study = crowd.study(n_trials=MANY)

    with ExitStack() as stack:
        process = study.start(stack)
        wait_for(lambda: study.finished() >= 2)
        process.terminate()
        process.join(10)
        assert (process.exitcode, study.held()) == (1, 0)

    assert study.experiment.status is ExperimentStatus.RUNNING
    cancel(study)
    assert study.run() == 0
    assert study.violations(ExperimentStatus.CANCELLED) == []


@pytest.mark.parametrize("register_best", [False, True], ids=["no model", "best"])
def test_a_cancelled_study_of_several_tasks_ends_in_time(
    crowd: Crowd, capsys: pytest.CaptureFixture[str], *, register_best: bool
) -> None:
    study = crowd.study(n_trials=MANY, parallelism=2)

    with ExitStack() as stack:
        tasks = [study.start(stack, task=task, tasks=2) for task in range(2)]
        wait_for(lambda: study.finished() >= 4)
        began, done = time.monotonic(), study.done()
        cancel(study, register_best=register_best)
        for one in tasks:
            one.join(2 * ENDS_WITHIN_SECONDS)
        seconds = time.monotonic() - began
        codes = [one.exitcode for one in tasks]

    tell(capsys, f"cancelled, ended after {seconds:.1f} s with {study.experiment.trials}")
    assert (codes, seconds < ENDS_WITHIN_SECONDS) == ([0, 0], True)
    assert study.violations(ExperimentStatus.CANCELLED) == []
    assert (study.experiment.model_id is not None) is register_best
    assert [one for one in done if one not in study.bodies()] == []
    ended = study.outcome()
    assert study.run(execution="study-2") == 0
    assert study.outcome() == ended


def test_a_cancelled_study_whose_leader_was_killed_is_ended_by_another_task(crowd: Crowd) -> None:
    study = crowd.study(n_trials=MANY, parallelism=2)

    with ExitStack() as stack:
        leader = study.start(stack, task=0, tasks=2)
        wait_for(lambda: study.experiment.started_at)
        other = study.start(stack, task=1, tasks=2)
        wait_for(lambda: study.finished() >= 4)
        leader.kill()
        cancel(study)
        other.join(ENDS_WITHIN_SECONDS)
        assert other.exitcode == 0

    assert study.violations(ExperimentStatus.CANCELLED) == []


def test_a_study_whose_time_is_over_ends_in_time_with_a_model(
    crowd: Crowd, capsys: pytest.CaptureFixture[str]
) -> None:
    study = crowd.study(n_trials=MANY, parallelism=2, timeout_seconds=3.0)

    with ExitStack() as stack:
        tasks = [study.start(stack, task=task, tasks=2) for task in range(2)]
        for one in tasks:
            one.join(3 * ENDS_WITHIN_SECONDS)
        codes = [one.exitcode for one in tasks]

    experiment = study.experiment
    assert experiment.started_at is not None
    assert experiment.finished_at is not None
    seconds = (experiment.finished_at - experiment.started_at).total_seconds()
    tell(capsys, f"timed out, ended after {seconds:.1f} s with {experiment.trials}")
    assert (codes, experiment.ended_by) == ([0, 0], "timeout")
    assert study.violations() == []
    assert seconds < 3 + ENDS_WITHIN_SECONDS


def cancel(study: Study, *, register_best: bool = False) -> Experiment:
    return cancel_experiment(
        study.order.experiment_id,
        CancelRequest(register_best=register_best),
        request_id="r-1",
        records=study.crowd.records,
        jobs=SubprocessJobs(study.crowd.home, {}),
        lease_seconds=60,
        now=lambda: datetime.now(UTC),
    )


@pytest.mark.emulator
def test_a_study_outlives_a_backend_that_goes_away_and_comes_back_restarted(
    firestore_emulator: str,
    tmp_path: Path,
    project: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with ExitStack() as stack:
        line = stack.enter_context(line_to(firestore_emulator))
        monkeypatch.setenv(FIRESTORE.variable, line.address)
        study = Crowd(tmp_path / "home", project).study(n_trials=40)
        tasks = [study.start(stack, task=task, tasks=2) for task in range(2)]
        wait_for(lambda: study.finished() >= 3)
        line.cut()
        time.sleep(study.order.lease_seconds / 2)
        line.mend()
        wait_for(lambda: study.finished() >= 8)
        line.cut()
        try:
            line.server = stack.enter_context(restarted(firestore_emulator, project))
        except Missing as missing:
            pytest.skip(str(missing))
        line.mend()
        wait_for(lambda: not any(one.is_alive() for one in tasks))
        codes = [one.exitcode for one in tasks]
        for task, code in enumerate(codes):
            assert code == 0 or study.run(task=task, tasks=2) == 0
        violations = study.violations()

    tell(capsys, f"1 cut, 1 restart, exit codes {codes}, {len(violations)} violations")
    assert violations == []
