"""Studies of many processes, on both backends: whatever dies, exactly the trials asked for."""

# ruff: noqa: S311  # chance, not secrets

import random
import signal
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.crowds import Crowd, Process, Study, send, sleeps, stop, tell
from tests.waiting import wait_for

TASKS = 3
pytestmark = pytest.mark.timeout(1200)  # of the pauses of a play, or of many plays
FIRST, SECOND = "study-1", "study-2"
MAX_PLAY_SECONDS = 240.0
MAX_PLAYS = 20
"""What a missing guard spoils depends on chance, and most often is seen at once."""


@pytest.fixture
def sqlite_crowd(tmp_path: Path) -> Crowd:
    """One home, on this machine: what a control shows does not depend on the backend."""
    return Crowd(tmp_path / "home", "")


def test_killed_stopped_doubled_and_unheard_processes_make_one_whole_study(
    crowd: Crowd, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.randrange(10**6)

    study, injected = chaos(crowd, seed)

    violations = study.violations()
    tell(capsys, dict(injected), f"{len(study.notes())} trial writes, {len(violations)} violations")
    assert violations == [], f"seed {seed}"


@pytest.mark.parametrize("without", ["precondition", "create"])
def test_without_a_guard_the_same_makes_no_whole_study(
    sqlite_crowd: Crowd, capsys: pytest.CaptureFixture[str], without: str
) -> None:
    plays, violations = 0, list[str]()
    while not violations and plays < MAX_PLAYS:
        plays += 1
        study, _ = chaos(sqlite_crowd, random.randrange(10**6), without=without)
        violations = study.violations()

    tell(capsys, f"without {without}: {plays} plays, {violations}")
    assert violations != []


def chaos(crowd: Crowd, seed: int, *, without: str = "") -> tuple[Study, Counter[str]]:
    """Let tasks, and some of a second execution, do a study under faults until all have ended.

    Who ends with a failure is started again, as Cloud Run does it for both executions.
    """
    chance = random.Random(seed)
    study = crowd.study(n_trials=30)
    faults = [signal.SIGKILL, signal.SIGTERM] * 2
    injected: Counter[str] = Counter(duplicates=1)

    with ExitStack() as stack:

        def started(execution: str, task: int) -> Process:
            sleep_in = chance.randint(1, 3) * (execution == FIRST and injected["SIGSTOP"] < TASKS)
            return study.start(
                stack,
                execution=execution,
                task=task,
                tasks=TASKS,
                sleep_in=sleep_in,
                lost=0.03,
                seed=seed,
                slow_seconds=0.03,
                without=without,
            )

        tasks = [(FIRST, task) for task in range(TASKS)] + [(SECOND, task) for task in range(2)]
        running = {one: started(*one) for one in tasks}
        wakes_at: dict[int | None, float] = {}
        deadline = time.monotonic() + MAX_PLAY_SECONDS
        while time.monotonic() < deadline and any(one.exitcode != 0 for one in running.values()):
            for task, one in running.items():
                if one.exitcode:
                    running[task] = started(*task)
                    injected["restarts"] += 1
                elif not sleeps(one):
                    continue
                elif one.pid not in wakes_at:
                    injected["SIGSTOP"] += 1
                    pause = study.order.lease_seconds * chance.choice([0.5, 2.0, 2.0])
                    wakes_at[one.pid] = time.monotonic() + pause
                elif time.monotonic() > wakes_at[one.pid]:
                    send(one, signal.SIGCONT)
            if faults and study.finished() >= 3 and chance.random() < 0.2:
                fault = faults.pop()
                send(running[FIRST, chance.randrange(TASKS)], fault)
                injected[fault.name] += 1
            time.sleep(0.05)
    return study, injected


def test_a_process_killed_after_any_of_its_writes_leaves_a_study_that_ends_well(
    crowd: Crowd, capsys: pytest.CaptureFixture[str]
) -> None:
    killed, wrong = killed_after_each_write(crowd)

    tell(capsys, f"killed after each of {killed} writes, {len(wrong)} violations")
    assert killed > 8
    assert wrong == []


@pytest.mark.parametrize("without", ["batch", "takeover"])
def test_without_a_guard_a_process_is_killed_after_a_write_that_leaves_no_such_study(
    sqlite_crowd: Crowd, capsys: pytest.CaptureFixture[str], without: str
) -> None:
    killed, wrong = killed_after_each_write(sqlite_crowd, without=without, patience_seconds=5.0)

    tell(capsys, f"without {without}: killed {killed} times, {wrong}")
    assert wrong != []


def killed_after_each_write(
    crowd: Crowd, *, without: str = "", **told: float
) -> tuple[int, list[str]]:
    """Kill the first process of a study after its 1st, 2nd, … write, until something is wrong."""
    killed, writes, wrong = 0, 0, list[str]()
    while killed == writes and not wrong:
        writes += 1
        study = crowd.study(n_trials=1)
        first = study.run(die_after=writes, lease_seconds=60.0, without=without)
        if first == -signal.SIGKILL:
            killed += 1
            code = study.run(lease_seconds=0.5, without=without, **told)
            wrong += [] if code == 0 else [f"the next process ended with {code}"]
        wrong += [f"write {writes}: {one}" for one in study.violations()]
    return killed, wrong


def test_who_slept_through_its_lease_changes_nothing_any_more(
    crowd: Crowd, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = zombie_changes(crowd)

    tell(capsys, f"1 zombie, fenced, changed: {changed}")
    assert not changed


def test_without_a_fence_who_slept_through_its_lease_changes_what_others_did(
    crowd: Crowd, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = zombie_changes(crowd, without="precondition")

    tell(capsys, f"1 zombie, not fenced, changed: {changed}")
    assert changed


def zombie_changes(crowd: Crowd, *, without: str = "") -> bool:
    """Let a process sleep in a trial until another has ended the study; then let it go on."""
    study = crowd.study(n_trials=8)

    with ExitStack() as stack:
        zombie = study.start(stack, without=without, lease_seconds=0.8, sleep_in=3)
        wait_for(lambda: sleeps(zombie))
        stop(zombie, study)
        assert (study.finished(), study.held()) == (2, 1)
        assert study.run(execution="study-2", lease_seconds=0.8) == 0
        before, violations = study.outcome(), study.violations()
        send(zombie, signal.SIGCONT)
        zombie.join()

    assert violations == []
    return study.outcome() != before


def test_two_executions_at_once_are_one_study_which_a_third_leaves_as_it_is(crowd: Crowd) -> None:
    study = crowd.study(n_trials=12)

    with ExitStack() as stack:
        both = [study.start(stack, execution=one, lease_seconds=60.0) for one in ("one", "two")]
        wait_for(lambda: not any(one.is_alive() for one in both))
        codes = [one.exitcode for one in both]
    ended = study.outcome()

    assert codes == [0, 0]
    assert study.violations() == []
    assert {body["attempt"] for body in study.bodies()} == {1}
    assert study.run(execution="three") == 0
    assert study.outcome() == ended


def test_a_killed_leader_and_a_killed_task_cost_the_others_no_trial(crowd: Crowd) -> None:
    study = crowd.study(n_trials=12, parallelism=2)

    for task, writes in ((0, 5), (1, 4)):
        code = study.run(task=task, tasks=2, die_after=writes, lease_seconds=60.0)
        assert code == -signal.SIGKILL
    held = study.held()
    assert study.run(task=1, tasks=2) == 0

    assert (held, study.finished()) == (2, 12)
    assert study.run(task=0, tasks=2) == 0
    assert study.violations() == []
