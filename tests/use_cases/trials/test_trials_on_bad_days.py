"""Trials when others come first, when answers are lost, and what they cost."""

import threading
import time
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from mlsys.domain.errors import TooLarge, Unavailable
from mlsys.use_cases.trials.documents import MAX_TRIAL_BYTES
from mlsys.use_cases.trials.storage import TrialStorage
from mlsys.use_cases.trials.work import Heartbeat, work
from tests.use_cases.trials.broken_records import (
    ClockedRecords,
    CountingRecords,
    FlakyRecords,
    OvertakenRecords,
)
from tests.use_cases.trials.short_trials import MINIMIZE, UNIT, objective

# --- others who come first --------------------------------------------------------------------


def test_a_number_that_another_worker_took_first_is_left_to_it(tmp_path: Path) -> None:
    records = OvertakenRecords(tmp_path / "records.db")
    storage, other = TrialStorage(records), TrialStorage(records)
    study_id = storage.create_new_study(MINIMIZE)

    records.first = lambda: other.create_new_trial(study_id)
    trial_id = storage.create_new_trial(study_id)

    assert storage.get_trial_number_from_id(trial_id) == 1
    assert storage.get_n_trials(study_id) == 2


def test_an_enqueued_trial_that_another_worker_took_first_is_left_to_it(tmp_path: Path) -> None:
    records = OvertakenRecords(tmp_path / "records.db")
    storage, other = TrialStorage(records), TrialStorage(records)
    study = optuna.create_study(storage=storage, study_name="churn")
    study.enqueue_trial({"x": 0.25})

    records.first = optuna.load_study(study_name="churn", storage=other).ask
    trial = study.ask()

    assert trial.number == 1
    assert study.get_trials()[0].state is TrialState.RUNNING


def test_an_attribute_set_while_a_study_is_deleted_goes_with_it(tmp_path: Path) -> None:
    records = OvertakenRecords(tmp_path / "records.db")
    storage, other = TrialStorage(records), TrialStorage(records)
    study_id = storage.create_new_study(MINIMIZE)

    records.first = lambda: other.set_study_user_attr(study_id, "k", 1)
    storage.delete_study(study_id)

    assert other.get_all_studies() == []


# --- acknowledgements that were lost ----------------------------------------------------------


@pytest.mark.parametrize("fault", ["lost_requests", "lost_answers"])
def test_an_end_is_written_once_whatever_is_lost_on_the_way(tmp_path: Path, fault: str) -> None:
    records = FlakyRecords(tmp_path / "records.db")
    storage = TrialStorage(records)
    study_id = storage.create_new_study(MINIMIZE)
    trial_id = storage.create_new_trial(study_id)

    setattr(records, fault, 2)
    assert storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [1.0])

    assert TrialStorage(records).get_trial(trial_id) == storage.get_trial(trial_id)
    assert storage.get_trial(trial_id).value == 1.0


def test_a_worker_knows_its_trial_after_a_renewal_that_was_not_acknowledged(
    tmp_path: Path,
) -> None:
    records = FlakyRecords(tmp_path / "records.db")
    storage = TrialStorage(records, lease_seconds=0)
    trial_id = storage.create_new_trial(storage.create_new_study(MINIMIZE))
    storage.set_trial_param(trial_id, "x", 0.5, UNIT)

    records.lost_answers = 1
    with pytest.raises(Unavailable):
        storage.renew_due()
    storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [1.0])

    assert TrialStorage(records).get_trial(trial_id).params == {"x": 0.5}


def test_an_end_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    records = FlakyRecords(tmp_path / "records.db")
    storage = TrialStorage(records, lease_seconds=0.1)
    trial_id = storage.create_new_trial(storage.create_new_study(MINIMIZE))

    records.lost_requests = 1000
    with pytest.raises(Unavailable):
        storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [1.0])

    assert storage.holds(trial_id)


# --- bounds and costs -------------------------------------------------------------------------


def test_a_trial_that_would_not_fit_its_document_is_refused_while_it_runs(
    records: ClockedRecords, study_id: int
) -> None:
    storage = TrialStorage(records)
    trial_id = storage.create_new_trial(study_id)
    storage.set_trial_user_attr(trial_id, "k", "x" * (MAX_TRIAL_BYTES - 20))

    with pytest.raises(TooLarge, match=f"at most {MAX_TRIAL_BYTES} bytes"):
        storage.set_trial_user_attr(trial_id, "l", "x" * 20)
    storage.note_failure(trial_id, "x" * 10_000)
    storage.set_trial_state_values(trial_id, TrialState.FAIL)

    assert TrialStorage(records).get_trial(trial_id).user_attrs["failure"] == "x" * 1_000


@pytest.mark.parametrize("pruner", [optuna.pruners.MedianPruner(), optuna.pruners.NopPruner()])
def test_a_trial_costs_two_writes_and_one_read(
    tmp_path: Path, pruner: optuna.pruners.BasePruner
) -> None:
    records = CountingRecords(tmp_path / "records.db")
    storage = TrialStorage(records, max_trials=30)
    study = optuna.create_study(
        storage=storage, study_name="churn", pruner=pruner, sampler=optuna.samplers.TPESampler()
    )
    records.calls.clear()

    outcome = work(study, objective, storage=storage, stop=threading.Event())

    opening, last_ask = 1, 1
    assert outcome.trials == 30
    assert records.calls["writes"] == 2 * 30
    assert records.calls["reads"] == 30 + opening + last_ask
    assert records.calls["ids read"] == 30 + opening + last_ask


def test_what_this_process_runs_is_not_read(tmp_path: Path) -> None:
    records = CountingRecords(tmp_path / "records.db")
    storage = TrialStorage(records)
    study_id = storage.create_new_study(MINIMIZE)
    for _ in range(3):
        storage.create_new_trial(study_id)
    records.calls.clear()

    storage.create_new_trial(study_id)

    assert records.calls == {"reads": 1, "ids read": 1, "writes": 1}


def test_a_new_worker_reads_a_study_in_few_calls_and_each_trial_once(tmp_path: Path) -> None:
    records = CountingRecords(tmp_path / "records.db")
    storage = TrialStorage(records)
    study_id = storage.create_new_study(MINIMIZE, "churn")
    for _ in range(300):
        storage.create_new_trial(study_id, optuna.trial.create_trial(value=1.0))

    late = TrialStorage(records)
    late.get_study_id_from_name("churn")
    records.calls.clear()
    for _ in range(3):
        assert late.get_n_trials(study_id) == 300

    assert records.calls["reads"] <= 8
    assert records.calls["ids read"] <= 300 + 256


def test_heartbeats_are_a_quarter_of_a_lease_apart(tmp_path: Path) -> None:
    records = CountingRecords(tmp_path / "records.db")
    storage = TrialStorage(records, lease_seconds=1)
    began = time.monotonic()
    trial_id = storage.create_new_trial(storage.create_new_study(MINIMIZE))
    storage.set_trial_param(trial_id, "x", 0.5, UNIT)
    records.calls.clear()

    with Heartbeat(storage, stop=threading.Event()):
        time.sleep(1.1)

    assert 1 <= records.calls["writes"] <= (time.monotonic() - began) / 0.25
