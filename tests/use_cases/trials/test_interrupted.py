"""Trials that are stopped at their next round, in every library, and what a worker makes of it."""

import threading
from itertools import count

import optuna
import pytest
from optuna.trial import TrialState

from mlsys.domain.spaces.search import first_trials
from mlsys.domain.split_records import Split
from mlsys.runtime import Runtime
from mlsys.use_cases.experiments import check_request
from mlsys.use_cases.leading.closing import stopped
from mlsys.use_cases.leading.ends import End, Interrupted
from mlsys.use_cases.training.material import prepare
from mlsys.use_cases.training.objective import objective as trained
from mlsys.use_cases.trials.storage import TrialStorage
from mlsys.use_cases.trials.work import work
from tests.use_cases.conftest import request_of
from tests.use_cases.trials.broken_records import ClockedRecords

ROUNDS_BEFORE = 3


@pytest.mark.parametrize("folds", [{}, {"cv_folds": 2}], ids=["one fold", "two folds"])
@pytest.mark.parametrize("model_type", ["lightgbm", "xgboost", "catboost"])
def test_a_fit_ends_with_the_round_in_which_it_is_interrupted(
    ready_split: Split,
    runtime: Runtime,
    model_type: str,
    folds: dict[str, int],
) -> None:
    request = request_of(ready_split, model_type=model_type, **folds)
    split = check_request(request, records=runtime.records).split
    training = prepare(request, split, objects=runtime.objects, threads=1)
    asked = count()
    study = optuna.create_study()
    study.enqueue_trial(dict(first_trials(training.spaces).params[0]))

    def interrupted() -> End | None:
        return End.TIMED_OUT if next(asked) >= ROUNDS_BEFORE else None

    with pytest.raises(Interrupted, match="stopped with the study: timeout"):
        trained(training, interrupted=interrupted)(study.ask())

    assert next(asked) == ROUNDS_BEFORE + 2


def test_an_interrupted_trial_fails_with_the_reason_and_ends_its_worker(
    records: ClockedRecords, study_id: int
) -> None:
    storage = TrialStorage(records, max_trials=9)
    study = optuna.load_study(study_name="churn", storage=storage)
    why: list[End] = []

    def objective(trial: optuna.Trial) -> float:
        if trial.number == 2:
            why.append(End.CANCELLED)
            raise Interrupted(stopped(End.CANCELLED))
        return 1.0

    outcome = work(
        study,
        objective,
        storage=storage,
        stop=threading.Event(),
        interrupted=lambda: why[0] if why else None,
    )

    trials = storage.get_all_trials(study_id)
    assert (outcome.end, outcome.trials) == (End.CANCELLED, 3)
    assert [one.state for one in trials] == [TrialState.COMPLETE] * 2 + [TrialState.FAIL]
    assert trials[2].user_attrs == {"failure": "stopped with the study: cancelled"}


def test_a_trial_that_is_interrupted_by_a_signal_is_given_back_and_does_not_fail(
    records: ClockedRecords, study_id: int
) -> None:
    storage, stop = TrialStorage(records, max_trials=9), threading.Event()
    study = optuna.load_study(study_name="churn", storage=storage)

    def objective(_: optuna.Trial) -> float:
        stop.set()
        raise Interrupted("stopped")

    outcome = work(study, objective, storage=storage, stop=stop)

    other = TrialStorage(records)
    assert (outcome.end, outcome.trials) == (End.STOPPED, 0)
    assert other.get_trial_number_from_id(other.create_new_trial(study_id)) == 0
