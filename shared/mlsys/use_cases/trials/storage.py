"""Optuna's storage over the Records port: one study of many workers, one document per trial.

A study is a document of `studies`, whose id is the experiment's; its trials are the documents
`0000000`, `0000001`, … of `experiments/{id}/trials`. A trial is created by `create`, so numbers are
dense and unique and a budget is exact, however many workers ask. What a worker must know:

- It runs what it asked for under a lease, which `Heartbeat` renews. Who is silent for a lease, or
  was released, loses the trial to the next one who asks: same number, fresh parameters, a new
  attempt, at most MAX_ATTEMPTS. Of the loser nothing is stored any more; from its next heartbeat
  or end on, whatever it sets raises UpdateFinishedTrialError.
- Two writes per trial, creation and end; see held_trial.py for what other workers see in between.
- Other workers' trials are read when a trial is asked for, and whenever this process runs none;
  while a trial runs, samplers and pruners see them as they were when it was asked for.
"""

import copy
import threading
from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

from optuna.distributions import (
    BaseDistribution,
    check_distribution_compatibility,
    distribution_to_json,
)
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.study._frozen import FrozenStudy  # what Optuna's storage protocol returns
from optuna.trial import FrozenTrial, TrialState
from typing_extensions import override

from mlsys.ports import Records
from mlsys.use_cases.trials.documents import (
    FAILURE,
    MAX_TRIALS_PER_STUDY,
    as_json,
    ended,
    merged,
    parts_of,
)
from mlsys.use_cases.trials.held_trial import HeldTrial
from mlsys.use_cases.trials.studies import Studies
from mlsys.use_cases.trials.table import Terms, TrialTable

MAX_REASON = 1000


class TrialStorage(BaseStorage):
    """Studies and trials in Records. Threads may share it; it cannot be pickled.

    Args:
        records: where the documents lie.
        max_trials: a study has numbers below this only, at most 10,000; asking for more raises
            BudgetSpent.
        lease_seconds: a running trial whose owner is silent for longer is taken over.
    """

    def __init__(
        self,
        records: Records,
        *,
        max_trials: int = MAX_TRIALS_PER_STUDY,
        lease_seconds: float = 120,
    ) -> None:
        self._terms = Terms(max_trials, lease_seconds)
        self._studies = Studies(records, terms=self._terms)
        self._asked = threading.local()

    @property
    def lease_seconds(self) -> float:
        """How long a silent worker keeps a trial."""
        return self._terms.lease_seconds

    # --- what a worker of ours asks for, beyond Optuna's protocol ---

    def enqueue_first(self, study_id: int, params: Sequence[Mapping[str, Any]]) -> None:
        """Let trials 0, 1, … run with these parameters; every worker says so before it asks.

        A number that exists is left alone.
        """
        self._studies.table(study_id).given_first = {
            number: {"system_attrs": {"fixed_params": as_json(dict(fixed))[0]}}
            for number, fixed in enumerate(params)
        }

    def known_trials(self, study_id: int) -> list[FrozenTrial]:
        """Return the trials by number, as of the last time a trial was asked for."""
        return self._studies.table(study_id).listed()

    def unfinished(self, study_id: int) -> int:
        """Count the trials without a final state, as of the last time a trial was asked for."""
        return self._studies.table(study_id).unfinished()

    def holds(self, trial_id: int) -> bool:
        """Whether this process runs the trial, as far as it knows."""
        held = self._locate(trial_id)[0].attempt(trial_id)
        return held is not None and not held.lost

    def note_failure(self, trial_id: int, reason: str) -> None:
        """Keep with a running trial why it is going to fail. Raises UpdateFinishedTrialError."""
        self._change(trial_id, 0, user_attrs={FAILURE: reason[:MAX_REASON]})

    def release_all(self) -> None:
        """Give up what this process runs, so that another worker takes it at once.

        Raises:
            Unavailable: the backend did not answer; their leases will run out.
        """
        for held in self._held():
            with suppress(UpdateFinishedTrialError):
                held.release()

    def renew_due(self) -> None:
        """Renew what this process runs, where it is due. Raises Unavailable."""
        for held in self._held():
            with suppress(UpdateFinishedTrialError):
                held.renew_if_due()

    # --- Optuna's protocol: studies ---

    @override
    def create_new_study(
        self, directions: Sequence[StudyDirection], study_name: str | None = None
    ) -> int:
        name = f"no-name-{uuid4()}" if study_name is None else study_name
        return self._studies.create(name, directions).study_id

    @override
    def delete_study(self, study_id: int) -> None:
        self._studies.delete(study_id)

    @override
    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        self._studies.set_attr(study_id, "user_attrs", key, value)

    @override
    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self._studies.set_attr(study_id, "system_attrs", key, value)

    @override
    def get_study_id_from_name(self, study_name: str) -> int:
        return self._studies.named(study_name).study_id

    @override
    def get_study_name_from_id(self, study_id: int) -> str:
        return self._studies.table(study_id).name

    @override
    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        return list(self._studies.table(study_id).directions)

    @override
    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        return self._studies.attrs(study_id, "user_attrs")

    @override
    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        return self._studies.attrs(study_id, "system_attrs")

    @override
    def get_all_studies(self) -> list[FrozenStudy]:
        return self._studies.all()

    # --- Optuna's protocol: trials ---

    @override
    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        table = self._studies.table(study_id)
        with table.asking:
            if getattr(self._asked, "study_id", None) != study_id:
                table.sync()
            self._asked.study_id = None
            taken = table.take_over() if template_trial is None else None
            return table.add(template_trial) if taken is None else taken

    @override
    def set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
    ) -> None:
        table, number = self._locate(trial_id)
        self.check_trial_is_updatable(trial_id, table.trial(trial_id, number).state)
        first = table.distributions.setdefault(param_name, distribution)
        check_distribution_compatibility(first, distribution)
        self._change(
            trial_id,
            len(param_name) + len(distribution_to_json(distribution)) + 100,
            params={param_name: distribution.to_external_repr(param_value_internal)},
            distributions={param_name: distribution},
        )

    @override
    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        table, number = self._locate(trial_id)
        held = table.attempt(trial_id)
        if held is None:
            table.check_exists(trial_id, number)
            revised = partial(ended, state=state, values=values, now=datetime.now(UTC))
            changed = table.revise_waiting(number, revised)
            if not changed and state is not TrialState.RUNNING:
                raise UpdateFinishedTrialError(f"another worker runs trial {number}")
            return changed
        held.check()
        if state is TrialState.RUNNING:
            return False
        if state is TrialState.WAITING:
            raise ValueError(f"trial {number} runs: it can be released, but not be enqueued again")
        held.finish(state, values)
        table.settle(trial_id, held.trial)
        return True

    @override
    def set_trial_intermediate_value(
        self, trial_id: int, step: int, intermediate_value: float
    ) -> None:
        self._change(trial_id, 40, intermediate_values={step: float(intermediate_value)})

    @override
    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        clean, size_bytes = as_json({key: value})
        self._change(trial_id, size_bytes, user_attrs=clean)

    @override
    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        clean, size_bytes = as_json({key: value})
        self._change(trial_id, size_bytes, system_attrs=clean)

    @override
    def get_trial_id_from_study_id_trial_number(self, study_id: int, trial_number: int) -> int:
        return self._studies.table(study_id).id_of(trial_number)

    @override
    def get_trial(self, trial_id: int) -> FrozenTrial:
        table, number = self._locate(trial_id)
        return table.trial(trial_id, number)

    @override
    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        table = self._studies.table(study_id)
        if states == (TrialState.WAITING,):  # how Study.ask begins
            table.sync()
            self._asked.study_id = study_id
            trials = table.waiting()
        else:
            if not table.held():
                table.sync()
            trials = table.listed(states)
        return copy.deepcopy(trials) if deepcopy else trials

    def _locate(self, trial_id: int) -> tuple[TrialTable, int]:
        study_id, number, _ = parts_of(trial_id)
        return self._studies.table(study_id), number

    def _held(self) -> list[HeldTrial]:
        return [held for table in self._studies.opened() for held in table.held()]

    def _change(self, trial_id: int, size_bytes: int, **updates: Mapping[Any, Any]) -> None:
        table, number = self._locate(trial_id)
        held = table.attempt(trial_id)
        if held is not None:
            held.change(size_bytes, **updates)
            return
        table.check_exists(trial_id, number)
        if not table.revise_waiting(number, lambda trial: merged(trial, updates)):
            raise UpdateFinishedTrialError(f"another worker runs trial {number}")
