"""When a study ends before its budget is spent: on a plateau, and what it costs."""

import threading
from pathlib import Path

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import FrozenTrial, TrialState, create_trial

from mlsys.use_cases.leading.ends import End, Limits
from mlsys.use_cases.trials.slots import on_plateau
from mlsys.use_cases.trials.storage import TrialStorage
from mlsys.use_cases.trials.work import work
from tests.use_cases.trials.broken_records import ClockedRecords


def trials_of(values: list[float | None]) -> list[FrozenTrial]:
    """Make trials with these values; one without is pruned."""
    trials = []
    for number, value in enumerate(values):
        state = TrialState.PRUNED if value is None else TrialState.COMPLETE
        trials.append(create_trial(state=state, value=value))
        trials[-1].number = number
    return trials


@pytest.mark.parametrize(
    ("values", "maximize", "plateau_trials", "over"),
    [
        ([], False, 1, False),
        ([None, None], False, 1, False),
        ([3.0, 2.0, 2.5, None], False, 2, True),
        ([3.0, 2.0, 2.5, None], False, 3, False),
        ([3.0, 2.0, 2.0, 2.0], False, 2, True),
        ([3.0, 2.0, 2.5, 4.0], True, 1, False),
        ([3.0, 2.0, 2.5], True, 2, True),
    ],
)
def test_a_plateau_is_so_many_trials_without_a_better_value(
    values: list[float | None], *, maximize: bool, plateau_trials: int, over: bool
) -> None:
    found = on_plateau(trials_of(values), plateau_trials=plateau_trials, maximize=maximize)

    assert found is over


@given(st.permutations(trials_of([3.0, 1.0, 2.0, None, 1.0, 5.0])), st.integers(1, 6))
def test_the_order_in_which_trials_become_known_makes_no_difference(
    trials: list[FrozenTrial], plateau_trials: int
) -> None:
    over = on_plateau(trials, plateau_trials=plateau_trials, maximize=False)

    assert over is (plateau_trials <= 4)


@pytest.mark.parametrize(("better_at", "ends_after"), [(0, 4), (3, 7)])
def test_a_worker_ends_on_a_plateau(
    records: ClockedRecords, study_id: int, better_at: int, ends_after: int
) -> None:
    storage = TrialStorage(records, max_trials=50)
    study = optuna.load_study(study_name="churn", storage=storage)

    outcome = work(
        study,
        lambda trial: -1.0 if trial.number == better_at else 1.0,
        storage=storage,
        stop=threading.Event(),
        limits=Limits(plateau_trials=3),
    )

    assert (outcome.end, outcome.trials) == (End.PLATEAU, ends_after)
    assert storage.get_n_trials(study_id) == ends_after


def test_a_worker_that_comes_to_a_plateau_runs_one_trial_at_most(tmp_path: Path) -> None:
    records = ClockedRecords(tmp_path / "records.db")
    first = TrialStorage(records, max_trials=50)
    study = optuna.create_study(study_name="churn", storage=first)
    for _ in range(4):
        study.add_trial(create_trial(value=1.0))
    late = TrialStorage(records, max_trials=50)

    outcome = work(
        optuna.load_study(study_name="churn", storage=late),
        lambda _: 1.0,
        storage=late,
        stop=threading.Event(),
        limits=Limits(plateau_trials=3),
    )

    assert outcome.end is End.PLATEAU
    assert outcome.trials <= 1
