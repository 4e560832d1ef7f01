"""Several trials at once in one worker: the same study, sooner."""

import threading
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import optuna
import pytest
import structlog
from optuna.trial import FrozenTrial, TrialState
from structlog.testing import capture_logs

from mlsys.use_cases.leading.ends import End, Limits, Outcome
from mlsys.use_cases.trials.storage import TrialStorage
from mlsys.use_cases.trials.work import work
from tests.use_cases.trials.broken_records import ClockedRecords, CountingRecords
from tests.use_cases.trials.short_trials import LEASE_SECONDS, objective

AT_ONCE = 4
PATIENCE_SECONDS = 30.0


def run(
    storage: TrialStorage,
    objective: Callable[[optuna.Trial], float],
    *,
    stop: threading.Event | None = None,
    limits: Limits | None = None,
    trials_at_once: int = AT_ONCE,
    poll_seconds: float = 0.02,
) -> Outcome:
    study = optuna.load_study(
        study_name="churn", storage=storage, sampler=optuna.samplers.RandomSampler(seed=3)
    )
    return work(
        study,
        objective,
        storage=storage,
        stop=stop or threading.Event(),
        draw=lambda trial: trial.suggest_float("x", 0, 1),
        trials_at_once=trials_at_once,
        limits=limits,
        poll_seconds=poll_seconds,
    )


def released(records: ClockedRecords, study_id: int, number: int) -> set[int]:
    """Take over as many trials as were released, and return their numbers."""
    other = TrialStorage(records)
    asked = [other.create_new_trial(study_id) for _ in range(number)]
    return {other.get_trial_number_from_id(trial_id) for trial_id in asked}


def test_so_many_trials_run_at_once_and_no_more(records: ClockedRecords, study_id: int) -> None:
    storage = TrialStorage(records, max_trials=24)
    together = threading.Barrier(AT_ONCE)

    def objective(trial: optuna.Trial) -> float:
        together.wait(PATIENCE_SECONDS)
        assert len([one for one in storage.known_trials(study_id) if is_running(one)]) <= AT_ONCE
        return trial.suggest_float("x", 0, 1)

    outcome = run(storage, objective)

    trials = storage.get_all_trials(study_id)
    assert (outcome.end, outcome.trials) == (End.FINISHED, 24)
    assert [trial.number for trial in trials] == list(range(24))
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}


def is_running(trial: FrozenTrial) -> bool:
    return trial.state is TrialState.RUNNING


def test_no_more_trials_are_started_than_there_are(records: ClockedRecords, study_id: int) -> None:
    storage = TrialStorage(records, max_trials=2)
    started = []

    def objective(trial: optuna.Trial) -> float:
        started.append(trial.number)
        time.sleep(0.1)
        return 1.0

    outcome = run(storage, objective)

    assert (outcome.end, sorted(started)) == (End.FINISHED, [0, 1])
    assert storage.get_n_trials(study_id) == 2


def test_trials_at_once_are_given_what_they_would_be_given_one_by_one(tmp_path: Path) -> None:
    drawn = []

    def slow_and_quick(trial: optuna.Trial) -> float:
        time.sleep(0.005 * (trial.number % 3))
        return trial.suggest_float("x", 0, 1)

    for trials_at_once in (1, AT_ONCE):
        records = ClockedRecords(tmp_path / f"{trials_at_once}.db")
        storage = TrialStorage(records, max_trials=30)
        optuna.create_study(study_name="churn", storage=storage)
        run(storage, slow_and_quick, trials_at_once=trials_at_once)
        trials = storage.get_all_trials(storage.get_study_id_from_name("churn"))
        drawn.append([trial.params for trial in trials])

    assert drawn[0] == drawn[1]


def test_a_trial_costs_two_writes_and_one_read_also_among_others(tmp_path: Path) -> None:
    records = CountingRecords(tmp_path / "records.db")
    storage = TrialStorage(records, max_trials=30)
    study = optuna.create_study(storage=storage, study_name="churn")
    storage.enqueue_first(study._study_id, [{"x": 0.5}])  # noqa: SLF001
    records.calls.clear()

    outcome = run(storage, objective, poll_seconds=PATIENCE_SECONDS)

    asks = 30 + AT_ONCE
    assert outcome.trials == 30
    assert records.calls["writes"] == 2 * 30
    assert records.calls["reads"] <= asks + AT_ONCE


def test_stop_releases_all_that_run(records: ClockedRecords, study_id: int) -> None:
    storage, stop = TrialStorage(records, max_trials=50), threading.Event()
    running = threading.Barrier(AT_ONCE, stop.set)

    def objective(trial: optuna.Trial) -> float:
        running.wait(PATIENCE_SECONDS)
        for step in count():
            time.sleep(0.01)
            trial.report(1.0, step)
        raise AssertionError

    outcome = run(storage, objective, stop=stop)

    assert (outcome.end, outcome.trials) == (End.STOPPED, 0)
    assert released(records, study_id, AT_ONCE) == set(range(AT_ONCE))


def test_what_is_not_caught_in_one_slot_ends_all(records: ClockedRecords, study_id: int) -> None:
    storage = TrialStorage(records, max_trials=50)
    running = threading.Barrier(AT_ONCE)
    before = set(threading.enumerate())

    def objective(trial: optuna.Trial) -> float:
        running.wait(PATIENCE_SECONDS)
        if trial.number == 2:
            raise KeyboardInterrupt
        for step in count():
            time.sleep(0.01)
            trial.report(1.0, step)
        raise AssertionError

    with pytest.raises(KeyboardInterrupt):
        run(storage, objective)

    assert released(records, study_id, AT_ONCE) == set(range(AT_ONCE))
    assert set(threading.enumerate()) <= before


def test_failures_in_a_row_are_counted_over_all_slots(
    records: ClockedRecords, study_id: int
) -> None:
    storage = TrialStorage(records, max_trials=100)

    def objective(_: optuna.Trial) -> float:
        raise ValueError("no luck")

    outcome = run(storage, objective)

    assert (outcome.end, outcome.failure) == (End.FAILING, "ValueError: no luck")
    assert 5 <= outcome.trials < 5 + AT_ONCE
    assert storage.unfinished(study_id) == 0


@pytest.mark.usefixtures("study_id")
def test_what_cannot_be_drawn_fails_its_trial_only(records: ClockedRecords) -> None:
    storage = TrialStorage(records, max_trials=3)
    study = optuna.load_study(study_name="churn", storage=storage)

    def draw(trial: optuna.Trial) -> None:
        if trial.number == 1:
            raise ValueError("an empty space")

    outcome = work(
        study,
        lambda _: 1.0,
        storage=storage,
        stop=threading.Event(),
        draw=draw,
        trials_at_once=2,
        poll_seconds=0.02,
    )

    states = [trial.state.name for trial in study.trials]
    assert (outcome.end, states) == (End.FINISHED, ["COMPLETE", "FAIL", "COMPLETE"])


@pytest.mark.parametrize(
    ("limits", "end"),
    [
        (Limits(timeout_seconds=-1), End.TIMED_OUT),
        (Limits(cost_seconds=-1), End.TOO_COSTLY),
    ],
    ids=["timeout", "cost"],
)
def test_a_limit_that_is_over_at_once_still_leaves_one_trial(
    records: ClockedRecords, study_id: int, limits: Limits, end: End
) -> None:
    storage = TrialStorage(records, max_trials=50)

    def objective(_: optuna.Trial) -> float:
        time.sleep(0.1)
        return 1.0

    outcome = run(storage, objective, limits=limits)

    assert outcome.end is end
    assert len(storage.get_all_trials(study_id)) == 1


def test_a_lost_trial_is_only_its_slots_loss(records: ClockedRecords, study_id: int) -> None:
    storage, thief = TrialStorage(records, max_trials=8), TrialStorage(records)
    stealing = threading.Lock()
    stolen: list[int] = []

    def objective(trial: optuna.Trial) -> float:
        with stealing:
            if trial.number == 2:
                records.let_pass(LEASE_SECONDS + 1)
                stolen.append(thief.create_new_trial(study_id))
                thief.set_trial_state_values(stolen[0], TrialState.COMPLETE, [99.0])
        return 1.0

    outcome = run(storage, objective, trials_at_once=2)

    trials = TrialStorage(records).get_all_trials(study_id)
    assert (outcome.end, outcome.trials) == (End.FINISHED, 7)
    assert sorted(trial.value or 0 for trial in trials) == [*[1.0] * 7, 99.0]


@pytest.mark.usefixtures("study_id")
def test_what_a_slot_logs_says_whose_it_is(records: ClockedRecords) -> None:
    storage = TrialStorage(records, max_trials=2)
    bound = []

    def objective(_: optuna.Trial) -> float:
        bound.append(structlog.contextvars.get_contextvars())
        return 1.0

    with structlog.contextvars.bound_contextvars(experiment_id="e1"), capture_logs():
        run(storage, objective)

    assert bound == [{"experiment_id": "e1"}] * 2
