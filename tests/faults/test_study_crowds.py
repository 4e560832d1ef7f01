"""Studies of many processes, on both backends: whatever dies, exactly the trials asked for."""

# ruff: noqa: S311  # chance, not secrets

import random
import signal
import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from mlsys.adapters.local.jobs import SubprocessJobs
from mlsys.domain.experiment_records import Experiment, ExperimentStatus
from mlsys.use_cases.cancelling import CancelRequest, cancel_experiment
from tests.cloud.cut_line import line_to
from tests.faults.crowds import Crowd, Process, Study, send, stop
from tests.waiting import wait_for

ENDS_WITHIN_SECONDS = 15
TASKS = 3
MAX_ZOMBIES = 4
"""One that is stopped between two trials may find nothing to spoil."""


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("firestore", marks=pytest.mark.emulator)]
)
def crowd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Crowd:
    """One home for all tests, once per backend."""
    home = tmp_path_factory.mktemp("crowd") / "home"
    if request.param == "sqlite":
        return Crowd(home, "")
    request.getfixturevalue("firestore_emulator")
    return Crowd(home, f"test-{uuid4().hex[:12]}")


def tell(capsys: pytest.CaptureFixture[str], *counted: object) -> None:
    with capsys.disabled():
        print("\n", *counted)  # noqa: T201


def test_killed_stopped_doubled_and_unheard_processes_make_one_whole_study(
    crowd: Crowd, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    study = crowd.study(n_trials=30)
    faults = [signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM] * 2
    injected: Counter[str] = Counter(duplicates=1)

    with ExitStack() as stack:

        def start(task: int, execution: str = "study-1") -> Process:
            lost = {"lost": 0.03, "seed": seed}
            return study.start(stack, execution=execution, task=task, tasks=TASKS, **lost)

        tasks = [start(task) for task in range(TASKS)]
        doubles = [start(task, "study-2") for task in range(2)]
        wait_for(lambda: study.finished() >= 3)
        for fault in chance.sample(faults, len(faults)):
            time.sleep(chance.uniform(0.05, 0.3))
            task = chance.randrange(TASKS)
            if not tasks[task].is_alive():
                tasks[task] = start(task)
                injected["restarts"] += 1
            if fault is signal.SIGSTOP:
                stop(tasks[task], study)
                time.sleep(study.order.lease_seconds * chance.uniform(0.5, 1.5))
                send(tasks[task], signal.SIGCONT)
            else:
                send(tasks[task], fault)
            injected[fault.name] += 1
        while any(one.is_alive() or one.exitcode for one in tasks):
            for task, one in enumerate(tasks):
                if one.exitcode:
                    tasks[task] = start(task)
                    injected["restarts"] += 1
            time.sleep(0.05)
        wait_for(lambda: not any(one.is_alive() for one in doubles))

    violations = study.violations()
    tell(capsys, dict(injected), f"{len(study.notes())} trial writes, {len(violations)} violations")
    assert violations == [], f"seed {seed}"


def test_a_process_killed_after_any_of_its_writes_leaves_a_study_that_ends_well(
    crowd: Crowd, capsys: pytest.CaptureFixture[str]
) -> None:
    violations, killed, writes = [], 0, 0
    while killed == writes:
        writes += 1
        study = crowd.study(n_trials=1)
        killed += study.run(die_after=writes, lease_seconds=60.0) == -signal.SIGKILL
        if killed == writes:
            assert study.run(lease_seconds=0.5) == 0
        violations += study.violations()

    tell(capsys, f"killed after each of {killed} writes, {len(violations)} violations")
    assert killed > 8
    assert violations == []


def test_who_slept_through_its_lease_changes_nothing_any_more(
    crowd: Crowd, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = zombie_changes(crowd, fenced=True)

    tell(capsys, f"1 zombie, fenced, changed: {changed}")
    assert not changed


def test_without_a_fence_who_slept_through_its_lease_changes_what_others_did(
    crowd: Crowd, capsys: pytest.CaptureFixture[str]
) -> None:
    zombies = 0
    changed = False
    while not changed and zombies < MAX_ZOMBIES:
        zombies += 1
        changed = zombie_changes(crowd, fenced=False)

    tell(capsys, f"{zombies} zombie(s), not fenced, changed: {changed}")
    assert changed


def zombie_changes(crowd: Crowd, *, fenced: bool) -> bool:
    """Stop a process for longer than its lease while another ends the study; then let it go on."""
    study = crowd.study(n_trials=25)

    with ExitStack() as stack:
        zombie = study.start(stack, fenced=fenced, lease_seconds=0.8)
        wait_for(lambda: study.finished() >= 2)
        stop(zombie, study)
        assert study.run(execution="study-2", lease_seconds=0.8) == 0
        before, violations = study.outcome(), study.violations()
        send(zombie, signal.SIGCONT)
        zombie.join(30)

    assert violations == []
    return study.outcome() != before


def test_a_terminated_process_gives_its_trial_back_in_time(crowd: Crowd) -> None:
    study = crowd.study(n_trials=40)

    with ExitStack() as stack:
        process = study.start(stack)
        wait_for(lambda: study.finished() >= 2)
        process.terminate()
        process.join(10)
        assert (process.exitcode, study.held()) == (1, 0)

    assert study.run() == 0
    assert study.violations() == []


@pytest.mark.parametrize("register_best", [False, True], ids=["no model", "best"])
def test_a_cancelled_study_of_several_tasks_ends_in_time(
    crowd: Crowd, capsys: pytest.CaptureFixture[str], *, register_best: bool
) -> None:
    study = crowd.study(n_trials=2000, parallelism=2)

    with ExitStack() as stack:
        tasks = [study.start(stack, task=task, tasks=2) for task in range(2)]
        wait_for(lambda: study.finished() >= 4)
        began = time.monotonic()
        cancel(study, register_best=register_best)
        for one in tasks:
            one.join(2 * ENDS_WITHIN_SECONDS)
        seconds = time.monotonic() - began
        codes = [one.exitcode for one in tasks]

    tell(capsys, f"cancelled, ended after {seconds:.1f} s with {study.experiment.trials}")
    assert (codes, seconds < ENDS_WITHIN_SECONDS) == ([0, 0], True)
    assert study.violations(ExperimentStatus.CANCELLED) == []
    assert (study.experiment.model_id is not None) is register_best
    ended = study.outcome()
    assert study.run(execution="study-2") == 0
    assert study.outcome() == ended


def test_a_cancelled_study_whose_leader_was_killed_is_ended_by_another_task(crowd: Crowd) -> None:
    study = crowd.study(n_trials=2000, parallelism=2)

    with ExitStack() as stack:
        leader, other = (study.start(stack, task=task, tasks=2) for task in range(2))
        wait_for(lambda: study.finished() >= 4)
        leader.kill()
        cancel(study)
        other.join(ENDS_WITHIN_SECONDS)
        assert other.exitcode == 0

    assert study.violations(ExperimentStatus.CANCELLED) == []


def test_a_study_whose_time_is_over_ends_in_time_with_a_model(
    crowd: Crowd, capsys: pytest.CaptureFixture[str]
) -> None:
    study = crowd.study(n_trials=2000, parallelism=2, timeout_seconds=3.0)

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


def has_finished(study: Study, trials: int) -> bool:
    return study.finished() >= trials


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
def test_a_study_outlives_a_backend_that_goes_away_and_comes_back(
    firestore_emulator: str, tmp_path: Path, project: str, capsys: pytest.CaptureFixture[str]
) -> None:
    study = Crowd(tmp_path / "home", project).study(n_trials=40)

    with ExitStack() as stack, line_to(firestore_emulator) as line:
        tasks = [study.start(stack, task=task, tasks=2, emulator=line.address) for task in range(2)]
        for enough in (3, 8):
            wait_for(partial(has_finished, study, enough))
            line.cut()
            time.sleep(study.order.lease_seconds / 2)
            line.mend()
        wait_for(lambda: not any(one.is_alive() for one in tasks))
        codes = [one.exitcode for one in tasks]
        for task, code in enumerate(codes):
            assert code == 0 or study.run(task=task, tasks=2) == 0

    violations = study.violations()
    tell(capsys, f"{line.cuts - 1} cuts, exit codes {codes}, {len(violations)} violations")
    assert violations == []
