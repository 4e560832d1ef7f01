"""What one process knows of the trials of one study, and how it comes by a trial to run.

Finished trials never change, so they are read once. A synchronisation reads, in one call, trials
last seen unfinished and numbers that may have been added since; what runs here is shown as it is.
"""

import copy
import secrets
import threading
from collections.abc import Callable, Container
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from optuna.distributions import BaseDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from mlsys.domain.errors import AlreadyExists, Conflict
from mlsys.ports import Delete, Document, Json, Records
from mlsys.repositories.experiments import trial_document_id
from mlsys.use_cases.trials.documents import (
    MAX_ATTEMPTS,
    Claim,
    claim_of,
    claimed,
    given_up,
    started,
    trial_body,
    trial_id_of,
    trial_of,
)
from mlsys.use_cases.trials.held_trial import HeldTrial

MAX_IDS_PER_READ = 400
MAX_AHEAD = 50


class BudgetSpent(Exception):
    """All trials of the study were created, and none is there to be taken over."""


@dataclass(frozen=True)
class Terms:
    """How the trials of a storage are shared out."""

    max_trials: int
    lease_seconds: float


class TrialTable:
    """The trials of one study. Threads may share it."""

    def __init__(
        self,
        study_id: int,
        name: str,
        *,
        collection: str,
        directions: list[StudyDirection],
        records: Records,
        terms: Terms,
    ) -> None:
        self.study_id = study_id
        self.name = name
        self.collection = collection
        self.directions = directions
        self.distributions: dict[str, BaseDistribution] = {}
        self.given_first: dict[int, Json] = {}  # what trials are created with
        self.asking = threading.RLock()  # one reads, creates or takes at a time
        self._records = records
        self._terms = terms
        self._trials: list[FrozenTrial] = []
        self._ids: list[int] = []
        self._unfinished: dict[int, Document] = {}
        self._held: dict[int, HeldTrial] = {}
        self._ahead = 1

    def __len__(self) -> int:
        return len(self._trials)

    def sync(self) -> None:
        """Read what may have changed. Raises KeyError if the study was deleted meanwhile."""
        with self.asking:
            running = self._running()
            known = sorted(number for number in self._unfinished.copy() if number not in running)
            first, ahead = len(self), self._ahead
            while True:
                end = len(self) + ahead
                self._read([*known, *range(len(self), end)])
                if len(self) < end:
                    break
                known, ahead = [], min(4 * ahead, MAX_IDS_PER_READ)
            self._ahead = min(len(self) - first + 1, MAX_AHEAD)

    def listed(self, states: Container[TrialState] | None = None) -> list[FrozenTrial]:
        """Return the trials by number, as far as they are known here."""
        ours = self.held()
        trials = self._trials.copy()
        for held in ours:
            trials[held.trial.number] = held.trial
        return trials if states is None else [trial for trial in trials if trial.state in states]

    def waiting(self) -> list[FrozenTrial]:
        """Return the trials that are enqueued, as far as they are known here."""
        with self.asking:
            trials = (self._trials[number] for number in sorted(self._unfinished.copy()))
            return [trial for trial in trials if trial.state is TrialState.WAITING]

    def unfinished(self) -> int:
        """Count the trials without a final state, as far as they are known here."""
        return len(self._unfinished)

    def held(self) -> list[HeldTrial]:
        """Return the trials that this process runs."""
        return [held for held in list(self._held.values()) if not held.lost]

    def attempt(self, trial_id: int) -> HeldTrial | None:
        """Return an attempt of this process, also one that was lost; None if it is not ours."""
        return self._held.get(trial_id)

    def trial(self, trial_id: int, number: int) -> FrozenTrial:
        """Return one trial; an attempt that was lost shows what it knew. Raises KeyError."""
        held = self._held.get(trial_id)
        if held is not None:
            return held.trial
        if number >= len(self) or number in self._unfinished:
            self.sync()
        self.check_exists(trial_id, number)
        return self._trials[number]

    def check_exists(self, trial_id: int, number: int) -> None:
        """Raise KeyError if there was never such an attempt."""
        if trial_id > self.id_of(number):
            raise KeyError(f"no trial with id {trial_id}")

    def id_of(self, number: int) -> int:
        """Return the id of the last attempt that is known here. Raises KeyError."""
        if number >= len(self):
            self.sync()
        if not 0 <= number < len(self):
            raise KeyError(f"study {self.name!r} has no trial {number}")
        return self._ids[number]

    def add(self, template: FrozenTrial | None) -> int:
        """Create a trial under the next number, and hold it if it is running. Returns its id.

        Raises:
            BudgetSpent: the next number is beyond the budget.
        """
        with self.asking:
            while True:
                number = len(self)
                if number >= self._terms.max_trials:
                    raise BudgetSpent(
                        f"study {self.name!r} has all its {self._terms.max_trials} trials"
                    )
                if self.create(number, template):
                    return self._ids[number]
                self.sync()

    def create(self, number: int, template: FrozenTrial | None) -> bool:
        """Create the trial of this number, which must be the next; False if it stands already."""
        if template is None:
            claim = Claim(owner=_token(), given=self.given_first.get(number, {}))
            trial = started(number, claim, self.study_id, datetime.now(UTC))
        else:
            claim = claimed(template, _token())
            trial = copy.copy(template)
            trial.number = number
        try:
            seen = self._records.create(
                self.collection, trial_document_id(number), trial_body(trial, claim)
            )
        except AlreadyExists:
            return False
        self._place(number, seen)
        self._hold(number, claim)
        return True

    def take_over(self) -> int | None:
        """Take a running trial whose worker has gone, as a new attempt. Returns its id, or None.

        What has been attempted MAX_ATTEMPTS times fails instead, with the reason.
        """
        with self.asking:
            running, now = self._running(), datetime.now(UTC)
            for number, seen in sorted(self._unfinished.copy().items()):
                if number in running or not self._is_abandoned(seen):
                    continue
                last = claim_of(seen.body)
                if last.attempt >= MAX_ATTEMPTS:
                    self._replace(number, seen, given_up(self._trials[number], now), last)
                    continue
                claim = replace(last, owner=_token(), attempt=last.attempt + 1)
                if self._replace(number, seen, started(number, claim, self.study_id, now), claim):
                    self._hold(number, claim)
                    return self._ids[number]
            return None

    def revise_waiting(self, number: int, revised: Callable[[FrozenTrial], FrozenTrial]) -> bool:
        """Change a trial that waits, and hold it if it is running then; False if another has it.

        Raises:
            UpdateFinishedTrialError: it has finished.
        """
        with self.asking:
            while True:
                trial = self._trials[number]
                if trial.state.is_finished():
                    raise UpdateFinishedTrialError(f"trial {number} has finished")
                if trial.state is TrialState.RUNNING:
                    return False
                trial = revised(trial)
                claim = claimed(trial, _token())
                if self._replace(number, self._unfinished[number], trial, claim):
                    self._hold(number, claim)
                    return True
                self.sync()

    def settle(self, trial_id: int, trial: FrozenTrial) -> None:
        """Keep the end of a trial that this process ran."""
        self._trials[trial.number] = trial
        self._unfinished.pop(trial.number, None)
        self._held.pop(trial_id, None)

    def delete(self) -> None:
        """Remove all trials, the last first; nobody else may work on the study meanwhile."""
        with self.asking:
            last = partial(self._records.query, self.collection, order_by="number", descending=True)
            while page := last().documents:
                with suppress(Conflict):
                    self._records.commit([Delete(seen) for seen in page])
            self._trials.clear()
            self._ids.clear()
            self._unfinished.clear()
            self._held.clear()

    def _running(self) -> set[int]:
        return {held.trial.number for held in self.held()}

    def _is_abandoned(self, seen: Document) -> bool:
        silent_seconds = (seen.read_at - seen.updated_at).total_seconds()
        return seen.body["state"] == TrialState.RUNNING.name and (
            not seen.body["owner"] or silent_seconds > self._terms.lease_seconds
        )

    def _read(self, numbers: list[int]) -> None:
        found = self._records.get_many(self.collection, [trial_document_id(n) for n in numbers])
        for number in numbers:
            seen = found.get(trial_document_id(number))
            if seen is not None:
                self._place(number, seen)
            elif number < len(self):
                raise KeyError(f"trial {number} of study {self.name!r} is gone: it was deleted")
            else:
                break

    def _replace(self, number: int, seen: Document, trial: FrozenTrial, claim: Claim) -> bool:
        try:
            written = self._records.replace(seen, trial_body(trial, claim))
        except Conflict:
            return False
        self._place(number, written)
        return True

    def _place(self, number: int, seen: Document) -> None:
        trial = trial_of(seen.body, study_id=self.study_id)
        trial_id = trial_id_of(self.study_id, number, seen.body["attempt"])
        if number == len(self):
            self._ids.append(trial_id)
            self._trials.append(trial)
        else:
            self._ids[number] = trial_id
            self._trials[number] = trial
        if trial.state.is_finished():
            self._unfinished.pop(number, None)
        else:
            self._unfinished[number] = seen
        for name, distribution in trial.distributions.items():
            self.distributions.setdefault(name, distribution)

    def _hold(self, number: int, claim: Claim) -> None:
        if self._trials[number].state is TrialState.RUNNING:
            self._held[self._ids[number]] = HeldTrial(
                self._unfinished[number],
                self._trials[number],
                claim,
                records=self._records,
                lease_seconds=self._terms.lease_seconds,
            )


def _token() -> str:
    return secrets.token_hex(8)
