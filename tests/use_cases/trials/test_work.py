"""The worker's loop: until the budget is spent, whatever happens."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from mlsys.domain.errors import Unavailable
from mlsys.use_cases.leading.ends import End, Limits, Outcome
from mlsys.use_cases.trials.storage import TrialStorage
from mlsys.use_cases.trials.work import work
from tests.use_cases.trials.broken_records import (
    ClockedRecords,
    FlakyRecords,
)
from tests.use_cases.trials.short_trials import LEASE_SECONDS, objective


def test_workers_end_with_the_whole_budget_finished(records: ClockedRecords, study_id: int) -> None:
    def run(seed: int) -> tuple[End, int]:
        storage = TrialStorage(records, max_trials=24)
        sampler = optuna.samplers.RandomSampler(seed=seed)
        study = optuna.load_study(study_name="churn", storage=storage, sampler=sampler)
        outcome = work(study, objective, storage=storage, stop=threading.Event(), poll_seconds=0.02)
        return outcome.end, outcome.trials

    with ThreadPoolExecutor(4) as pool:
        ends, counts = zip(*pool.map(run, range(4)), strict=True)

    trials = TrialStorage(records).get_all_trials(study_id)
    assert set(ends) == {End.FINISHED}
    assert sum(counts) == 24
    assert [trial.number for trial in trials] == list(range(24))
    assert all(trial.state.is_finished() for trial in trials)


def test_threads_may_share_a_storage(records: ClockedRecords, study_id: int) -> None:
    storage = TrialStorage(records, max_trials=24)

    def run(_: int) -> int:
        study = optuna.load_study(study_name="churn", storage=storage)
        stop = threading.Event()
        return work(study, objective, storage=storage, stop=stop, poll_seconds=0.02).trials

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(run, range(4)))

    numbers = [trial.number for trial in storage.get_all_trials(study_id)]
    assert sum(counts) == 24
    assert numbers == list(range(24))


def test_each_finished_trial_is_shown_to_the_caller(records: ClockedRecords, study_id: int) -> None:
    storage = TrialStorage(records, max_trials=6)
    study = optuna.load_study(study_name="churn", storage=storage)
    shown: list[FrozenTrial] = []

    work(study, objective, storage=storage, stop=threading.Event(), on_finished=shown.append)

    assert shown == storage.get_all_trials(study_id)


def test_a_failed_trial_says_why_and_the_next_one_runs(
    records: ClockedRecords, study_id: int
) -> None:
    storage = TrialStorage(records, max_trials=4)
    study = optuna.load_study(study_name="churn", storage=storage)

    def objective(trial: optuna.Trial) -> float:
        if trial.number == 1:
            raise RuntimeError("out of bins")
        return float("nan") if trial.number == 2 else 1.0

    outcome = work(study, objective, storage=storage, stop=threading.Event())

    trials = storage.get_all_trials(study_id)
    assert [trial.state.name for trial in trials] == ["COMPLETE", "FAIL", "FAIL", "COMPLETE"]
    assert trials[1].user_attrs == {"failure": "RuntimeError: out of bins"}
    assert trials[2].user_attrs == {"failure": "the objective returned nan, want a number"}
    assert (outcome.end, outcome.trials) == (End.FINISHED, 4)


@pytest.mark.usefixtures("study_id")
def test_five_failures_in_a_row_stop_a_worker(records: ClockedRecords) -> None:
    storage = TrialStorage(records, max_trials=20)
    study = optuna.load_study(study_name="churn", storage=storage)

    def objective(trial: optuna.Trial) -> float:
        if trial.number == 2:
            return 1.0
        raise ValueError(f"no luck with {trial.number}")

    outcome = work(study, objective, storage=storage, stop=threading.Event())

    assert (outcome.end, outcome.trials) == (End.FAILING, 8)
    assert outcome.failure == "ValueError: no luck with 7"


@pytest.mark.usefixtures("study_id")
def test_failures_in_a_row_are_counted_over_all_workers(records: ClockedRecords) -> None:
    def one_worker(max_trials: int) -> Outcome:
        storage = TrialStorage(records, max_trials=max_trials)
        study = optuna.load_study(study_name="churn", storage=storage)
        return work(study, objective, storage=storage, stop=threading.Event())

    def objective(trial: optuna.Trial) -> float:
        raise ValueError(f"no luck with {trial.number}")

    first, second = one_worker(max_trials=3), one_worker(max_trials=20)

    assert (first.end, first.trials) == (End.FINISHED, 3)
    assert (second.end, second.trials) == (End.FAILING, 2)
    assert second.failure == "ValueError: no luck with 4"


def test_what_is_not_caught_ends_the_worker_and_releases_the_trial(
    records: ClockedRecords, study_id: int
) -> None:
    storage = TrialStorage(records, max_trials=1)
    study = optuna.load_study(study_name="churn", storage=storage)
    before = set(threading.enumerate())

    def objective(_: optuna.Trial) -> float:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work(study, objective, storage=storage, stop=threading.Event())

    other = TrialStorage(records, max_trials=1)
    assert other.get_trial_number_from_id(other.create_new_trial(study_id)) == 0
    assert set(threading.enumerate()) <= before


def test_stop_releases_the_running_trial_at_once(records: ClockedRecords, study_id: int) -> None:
    storage, stop = TrialStorage(records, max_trials=3), threading.Event()
    study = optuna.load_study(study_name="churn", storage=storage)

    def objective(trial: optuna.Trial) -> float:
        stop.set()
        for step in count():
            time.sleep(0.01)
            trial.report(1.0, step)
        raise AssertionError

    outcome = work(study, objective, storage=storage, stop=stop)

    other = TrialStorage(records)
    assert (outcome.end, outcome.trials) == (End.STOPPED, 0)
    assert other.get_trial_number_from_id(other.create_new_trial(study_id)) == 0


def test_no_trial_is_started_after_the_timeout(records: ClockedRecords, study_id: int) -> None:
    storage = TrialStorage(records, max_trials=1000)
    study = optuna.load_study(study_name="churn", storage=storage)

    def objective(_: optuna.Trial) -> float:
        time.sleep(0.05)
        return 1.0

    outcome = work(
        study,
        objective,
        storage=storage,
        stop=threading.Event(),
        limits=Limits(timeout_seconds=0.2),
    )

    assert outcome.end is End.TIMED_OUT
    assert 1 <= outcome.trials <= 5
    assert storage.unfinished(study_id) == 0


def test_a_lost_trial_is_left_for_the_next_one(records: ClockedRecords, study_id: int) -> None:
    storage = TrialStorage(records, max_trials=3)
    study = optuna.load_study(study_name="churn", storage=storage)
    thief = TrialStorage(records)
    stolen = []

    def objective(trial: optuna.Trial) -> float:
        if trial.number == 1:
            records.let_pass(LEASE_SECONDS + 1)
            stolen.append(thief.create_new_trial(study_id))
            thief.set_trial_state_values(stolen[0], TrialState.COMPLETE, [99.0])
        return 1.0

    outcome = work(study, objective, storage=storage, stop=threading.Event())

    values = [trial.value for trial in TrialStorage(records).get_all_trials(study_id)]
    assert (outcome.end, outcome.trials) == (End.FINISHED, 2)
    assert values == [1.0, 99.0, 1.0]


def test_a_worker_waits_for_others_and_takes_over_what_they_leave(
    records: ClockedRecords, study_id: int
) -> None:
    gone = TrialStorage(records)
    gone.create_new_trial(study_id)
    storage = TrialStorage(records, max_trials=1)
    study = optuna.load_study(study_name="churn", storage=storage)

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(
            work, study, objective, storage=storage, stop=threading.Event(), poll_seconds=0.02
        )
        time.sleep(0.1)
        waited = not working.done()
        records.let_pass(LEASE_SECONDS + 1)
        outcome = working.result()

    assert waited
    assert (outcome.end, outcome.trials) == (End.FINISHED, 1)


def test_a_worker_outlives_a_backend_that_does_not_answer_for_a_while(tmp_path: Path) -> None:
    records = FlakyRecords(tmp_path / "records.db")
    storage = TrialStorage(records, max_trials=2)
    study = optuna.create_study(storage=storage, study_name="churn")
    records.lost_requests = 3

    outcome = work(study, objective, storage=storage, stop=threading.Event(), poll_seconds=0.01)

    assert (outcome.end, outcome.trials) == (End.FINISHED, 2)


def test_silences_of_a_backend_do_not_add_up(tmp_path: Path) -> None:
    records = FlakyRecords(tmp_path / "records.db")
    storage = TrialStorage(records, max_trials=4, lease_seconds=0.3)
    study = optuna.create_study(storage=storage, study_name="churn")

    def fall_silent(_: FrozenTrial) -> None:
        time.sleep(0.2)
        records.lost_requests = 1

    outcome = work(
        study,
        objective,
        storage=storage,
        stop=threading.Event(),
        on_finished=fall_silent,
        poll_seconds=0.01,
    )

    assert (outcome.end, outcome.trials) == (End.FINISHED, 4)


def test_a_backend_that_stays_away_ends_the_worker(tmp_path: Path) -> None:
    records = FlakyRecords(tmp_path / "records.db")
    storage = TrialStorage(records, max_trials=2, lease_seconds=0.1)
    study = optuna.create_study(storage=storage, study_name="churn")
    records.lost_requests = 10_000

    with pytest.raises(Unavailable):
        work(study, objective, storage=storage, stop=threading.Event(), poll_seconds=0.01)
