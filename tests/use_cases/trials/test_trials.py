"""A study of many workers: who has which trial, and how many there are."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import optuna
import pytest
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from mlsys.use_cases.trials.storage import TrialStorage
from mlsys.use_cases.trials.table import BudgetSpent
from mlsys.use_cases.trials.work import Heartbeat
from tests.use_cases.trials.broken_records import (
    ClockedRecords,
    FlakyRecords,
)
from tests.use_cases.trials.short_trials import LEASE_SECONDS, MINIMIZE, UNIT
from tests.waiting import wait_for

# --- budget -----------------------------------------------------------------------------------


def test_a_trial_beyond_the_budget_is_not_created(records: ClockedRecords, study_id: int) -> None:
    storage = TrialStorage(records, max_trials=2)
    for _ in range(2):
        storage.create_new_trial(study_id)

    with pytest.raises(BudgetSpent, match="all its 2 trials"):
        storage.create_new_trial(study_id)

    assert storage.get_n_trials(study_id) == 2


def test_racing_workers_do_not_exceed_the_budget(records: ClockedRecords, study_id: int) -> None:
    def create(_: int) -> int:
        storage = TrialStorage(records, max_trials=10)
        created = 0
        while True:
            try:
                storage.create_new_trial(study_id)
            except BudgetSpent:
                return created
            created += 1

    with ThreadPoolExecutor(6) as pool:
        created = sum(pool.map(create, range(6)))

    trials = TrialStorage(records).get_all_trials(study_id)
    assert created == 10
    assert [trial.number for trial in trials] == list(range(10))


def test_the_first_trials_are_enqueued_once_by_any_worker(
    records: ClockedRecords, study_id: int
) -> None:
    defaults = [{"x": 0.5}, {"x": 0.25}, {"x": 0.75}]

    def ask(_: int) -> tuple[int, float]:
        storage = TrialStorage(records, max_trials=2)
        storage.enqueue_first(study_id, defaults)
        trial = optuna.load_study(study_name="churn", storage=storage).ask()
        return trial.number, trial.suggest_float("x", 0, 1)

    with ThreadPoolExecutor(2) as pool:
        asked = sorted(pool.map(ask, range(2)))
    TrialStorage(records, max_trials=2).enqueue_first(study_id, defaults)

    assert asked == [(0, 0.5), (1, 0.25)]
    assert TrialStorage(records).get_n_trials(study_id) == 2


# --- leases -----------------------------------------------------------------------------------


def test_a_silent_worker_keeps_its_trial_for_a_lease(
    records: ClockedRecords, study_id: int
) -> None:
    silent, other = TrialStorage(records), TrialStorage(records)
    trial_id = silent.create_new_trial(study_id)

    records.let_pass(LEASE_SECONDS)

    assert other.get_trial_number_from_id(other.create_new_trial(study_id)) == 1
    assert silent.set_trial_state_values(trial_id, TrialState.COMPLETE, [1.0])


def test_after_a_lease_a_trial_begins_anew_under_its_number(
    records: ClockedRecords, study_id: int
) -> None:
    silent, other = TrialStorage(records), TrialStorage(records)
    lost_id = silent.create_new_trial(study_id)
    silent.set_trial_param(lost_id, "x", 0.5, UNIT)
    silent.release_all()

    taken_id = other.create_new_trial(study_id)

    trial = other.get_trial(taken_id)
    assert taken_id != lost_id
    assert (trial.number, trial.params, trial.user_attrs) == (0, {}, {})
    assert other.get_n_trials(study_id) == 1


CHANGES: dict[str, Callable[[TrialStorage, int], object]] = {
    "parameter": lambda storage, one: storage.set_trial_param(one, "x", 0.5, UNIT),
    "value": lambda storage, one: storage.set_trial_intermediate_value(one, 0, 0.5),
    "user attribute": lambda storage, one: storage.set_trial_user_attr(one, "k", 1),
    "system attribute": lambda storage, one: storage.set_trial_system_attr(one, "k", 1),
    "end": lambda storage, one: storage.set_trial_state_values(one, TrialState.COMPLETE, [0.0]),
    "failure": lambda storage, one: storage.note_failure(one, "reason"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("over", [False, True], ids=["running elsewhere", "finished elsewhere"])
def test_who_lost_a_trial_cannot_change_it(
    records: ClockedRecords,
    study_id: int,
    change: Callable[[TrialStorage, int], object],
    *,
    over: bool,
) -> None:
    silent, other = TrialStorage(records), TrialStorage(records)
    lost_id = silent.create_new_trial(study_id)
    silent.set_trial_param(lost_id, "x", 0.25, UNIT)
    records.let_pass(LEASE_SECONDS + 1)
    taken_id = other.create_new_trial(study_id)
    if over:
        other.set_trial_state_values(taken_id, TrialState.COMPLETE, [7.0])

    with pytest.raises(UpdateFinishedTrialError):
        silent.set_trial_state_values(lost_id, TrialState.COMPLETE, [1.0])
    with pytest.raises(UpdateFinishedTrialError):
        change(silent, lost_id)

    assert not silent.holds(lost_id)
    assert other.get_trial(taken_id).values == ([7.0] if over else None)
    assert TrialStorage(records).get_trial(taken_id).params == {}


def test_a_worker_tells_its_own_lost_attempt_from_its_new_one(
    records: ClockedRecords, study_id: int
) -> None:
    storage = TrialStorage(records)
    old_id = storage.create_new_trial(study_id)
    storage.release_all()
    new_id = storage.create_new_trial(study_id)

    with pytest.raises(UpdateFinishedTrialError):
        storage.set_trial_param(old_id, "x", 0.5, UNIT)
    storage.set_trial_state_values(new_id, TrialState.COMPLETE, [2.0])

    [trial] = storage.get_all_trials(study_id)
    assert (trial.number, trial.params, trial.value) == (0, {}, 2.0)
    with pytest.raises(UpdateFinishedTrialError):
        storage.set_trial_state_values(old_id, TrialState.COMPLETE, [1.0])


def test_an_enqueued_trial_keeps_its_parameters_when_it_is_taken_over(
    records: ClockedRecords, study_id: int
) -> None:
    workers = [TrialStorage(records) for _ in range(2)]
    workers[0].enqueue_first(study_id, [{"x": 0.25}])

    suggested = []
    for storage in workers:
        trial = optuna.load_study(study_name="churn", storage=storage).ask()
        suggested.append((trial.number, trial.suggest_float("x", 0, 1)))
        trial.set_user_attr("worker", 1)
        records.let_pass(LEASE_SECONDS + 1)

    assert suggested == [(0, 0.25), (0, 0.25)]


def test_what_nobody_brings_to_an_end_fails_with_the_reason(
    records: ClockedRecords, study_id: int
) -> None:
    for _ in range(3):
        storage = TrialStorage(records, max_trials=1)
        assert storage.get_trial_number_from_id(storage.create_new_trial(study_id)) == 0
        records.let_pass(LEASE_SECONDS + 1)

    with pytest.raises(BudgetSpent):
        TrialStorage(records, max_trials=1).create_new_trial(study_id)

    [trial] = TrialStorage(records).get_all_trials(study_id)
    assert trial.state is TrialState.FAIL
    assert trial.user_attrs == {"failure": "given up: 3 attempts ended without a result"}
    assert trial.datetime_complete is not None


def test_of_racing_workers_one_takes_a_trial_over(records: ClockedRecords, study_id: int) -> None:
    TrialStorage(records).create_new_trial(study_id)
    records.let_pass(LEASE_SECONDS + 1)

    def ask(_: int) -> int:
        storage = TrialStorage(records)
        return storage.get_trial_number_from_id(storage.create_new_trial(study_id))

    with ThreadPoolExecutor(6) as pool:
        numbers = sorted(pool.map(ask, range(6)))

    assert numbers == list(range(6))


def test_a_heartbeat_keeps_a_trial_and_shows_it_to_others(tmp_path: Path) -> None:
    records = ClockedRecords(tmp_path / "records.db")
    owner, other = (TrialStorage(records, lease_seconds=0.5) for _ in range(2))
    study_id = owner.create_new_study(MINIMIZE, "churn")
    trial_id = owner.create_new_trial(study_id)
    owner.set_trial_param(trial_id, "x", 0.5, UNIT)
    before = set(threading.enumerate())

    def is_renewed() -> bool:
        seen = records.get("experiments/churn/trials", "0000000")
        return seen.updated_at == seen.read_at

    with Heartbeat(owner, stop=threading.Event()):
        for _ in range(3):
            records.let_pass(0.4)
            wait_for(is_renewed)
        asked_id = other.create_new_trial(study_id)

    assert other.get_trial_number_from_id(asked_id) == 1
    assert other.get_trial(trial_id).params == {"x": 0.5}
    assert set(threading.enumerate()) <= before
    assert owner.set_trial_state_values(trial_id, TrialState.COMPLETE, [1.0])


def test_a_heartbeat_outlives_a_backend_that_does_not_answer(tmp_path: Path) -> None:
    records = FlakyRecords(tmp_path / "records.db")
    storage = TrialStorage(records, lease_seconds=0.4)
    trial_id = storage.create_new_trial(storage.create_new_study(MINIMIZE))

    records.lost_requests = 3
    with Heartbeat(storage, stop=threading.Event()):
        wait_for(lambda: records.lost_requests == 0)

    assert storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [1.0])
