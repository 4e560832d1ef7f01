"""Random histories of workers that ask, report, end, vanish, wake late and release."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from optuna.distributions import FloatDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import StudyDirection
from optuna.trial import TrialState

from mlsys.use_cases.trials.documents import MAX_ATTEMPTS
from mlsys.use_cases.trials.storage import TrialStorage
from mlsys.use_cases.trials.table import BudgetSpent
from tests.use_cases.trials.broken_records import ClockedRecords, UnfencedRecords

MAX_TRIALS = 4
WORKERS = st.integers(0, 2)
GONE = (-1, -1)
UNIT = FloatDistribution(0, 1)


class UnfencedClockedRecords(UnfencedRecords, ClockedRecords):
    """A clock of the test's own, and no fence."""


@dataclass
class Expected:
    """What must be known of a trial: whose it is, since when unrenewed, and how it ended."""

    attempt: int = 1
    owner: tuple[int, int] | None = None
    age_seconds: int = 0
    values: list[float] | None = None
    finished: bool = False

    @property
    def abandoned(self) -> bool:
        """Whether the next one who asks may have it; a lease is 0 seconds long here."""
        return not self.finished and (self.owner is None or self.age_seconds > 0)


class Workers(RuleBasedStateMachine):
    """Three workers on one study. A lease of nothing makes every heartbeat due."""

    kind: ClassVar[type[ClockedRecords]] = ClockedRecords

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.records = self.kind(Path(self.folder.name) / "records.db")
        self.storages = [self._storage() for _ in range(3)]
        self.study_id = self.storages[0].create_new_study([StudyDirection.MINIMIZE], "churn")
        self.expected: list[Expected] = []
        self.attempts: list[tuple[int, int, int]] = []

    @rule(worker=WORKERS)
    def ask(self, worker: int) -> None:
        mine = {
            number for who, trial_id, number in self.attempts if self._runs(who, trial_id, worker)
        }
        free = [n for n, trial in enumerate(self.expected) if trial.abandoned and n not in mine]
        spent = [n for n in free if self.expected[n].attempt == MAX_ATTEMPTS]
        storage = self.storages[worker]

        try:
            trial_id = storage.create_new_trial(self.study_id)
        except BudgetSpent:
            assert len(self.expected) == MAX_TRIALS
            assert free == spent
            number = MAX_TRIALS
        else:
            number = storage.get_trial_number_from_id(trial_id)
            self.attempts.append((worker, trial_id, number))
            if number == len(self.expected):
                assert free == spent
                self.expected.append(Expected(owner=(worker, trial_id)))
            else:
                assert number == min(set(free) - set(spent), default=None)
                trial = self.expected[number]
                trial.owner, trial.age_seconds = (worker, trial_id), 0
                trial.attempt += 1
        for given_up in spent:
            if given_up < number:
                self.expected[given_up].finished = True
                self.expected[given_up].owner = None

    @precondition(lambda self: self.attempts)
    @rule(data=st.data())
    def report(self, data: st.DataObject) -> None:
        worker, trial_id, number = data.draw(st.sampled_from(self.attempts))
        ours = self.expected[number].owner == (worker, trial_id)
        try:
            self.storages[worker].set_trial_param(trial_id, "x", 0.5, UNIT)
            self.storages[worker].set_trial_intermediate_value(trial_id, 0, 1.0)
        except UpdateFinishedTrialError:
            assert not ours

    @precondition(lambda self: self.attempts)
    @rule(data=st.data(), value=st.floats(allow_nan=False))
    def end(self, data: st.DataObject, value: float) -> None:
        worker, trial_id, number = data.draw(st.sampled_from(self.attempts))
        trial = self.expected[number]
        if trial.owner == (worker, trial_id):
            self.storages[worker].set_trial_state_values(trial_id, TrialState.COMPLETE, [value])
            trial.values, trial.finished, trial.owner = [value], True, None
        else:
            with pytest.raises(UpdateFinishedTrialError):
                self.storages[worker].set_trial_state_values(trial_id, TrialState.COMPLETE, [value])

    @rule(worker=WORKERS)
    def renew(self, worker: int) -> None:
        self.storages[worker].renew_due()
        for trial in self.expected:
            if trial.owner is not None and trial.owner[0] == worker:
                trial.age_seconds = 0

    @rule(worker=WORKERS)
    def release(self, worker: int) -> None:
        self.storages[worker].release_all()
        self._forget(worker, None)

    @rule(worker=WORKERS)
    def vanish(self, worker: int) -> None:
        self.storages[worker] = self._storage()
        self._forget(worker, GONE)
        self.attempts = [attempt for attempt in self.attempts if attempt[0] != worker]

    @rule()
    def let_pass(self) -> None:
        self.records.let_pass(1)
        for trial in self.expected:
            trial.age_seconds += 1

    def teardown(self) -> None:
        trials = self._storage().get_all_trials(self.study_id)
        self.folder.cleanup()
        assert [trial.number for trial in trials] == list(range(len(self.expected)))
        for trial, expected in zip(trials, self.expected, strict=True):
            assert trial.values == expected.values
            assert trial.state.is_finished() == expected.finished

    def _storage(self) -> TrialStorage:
        return TrialStorage(self.records, max_trials=MAX_TRIALS, lease_seconds=0)

    def _runs(self, who: int, trial_id: int, worker: int) -> bool:
        return who == worker and self.storages[worker].holds(trial_id)

    def _forget(self, worker: int, owner: tuple[int, int] | None) -> None:
        for trial in self.expected:
            if trial.owner is not None and trial.owner[0] == worker:
                trial.owner = owner


class WorkersWithoutFence(Workers):
    """The same on records that overwrite what they have not seen."""

    kind = UnfencedClockedRecords


CHECKED = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    report_multiple_bugs=False,
)


def test_every_history_of_workers_is_explained() -> None:
    run_state_machine_as_test(Workers, settings=CHECKED)


def test_without_a_fence_a_history_is_found_that_is_not() -> None:
    first_found = settings(CHECKED, max_examples=2000, phases=[Phase.generate], print_blob=False)

    with pytest.raises((AssertionError, pytest.fail.Exception)):
        run_state_machine_as_test(WorkersWithoutFence, settings=first_found)
