"""A trial that this process runs: changes wait here, and every write is fenced.

Two writes make a trial: its creation, which reserves the number, and its end, which carries all
that was suggested and reported in between. A heartbeat writes what there is so far: the first one a
second after the first parameter, so that the samplers of other workers steer clear of it, later
ones each quarter of a lease. Until then other workers see a running trial without parameters.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from mlsys.domain.errors import Conflict, NotFound, TooLarge, Unavailable
from mlsys.ports import Document, Json, Records
from mlsys.use_cases.trials.documents import MAX_TRIAL_BYTES, Claim, ended, merged, trial_body

SHARE_AFTER_SECONDS = 1.0
PAUSE_SECONDS = 0.2


class HeldTrial:
    """One attempt at a trial. Threads may share it; `trial` is replaced, never changed."""

    def __init__(
        self,
        seen: Document,
        trial: FrozenTrial,
        claim: Claim,
        *,
        records: Records,
        lease_seconds: float,
    ) -> None:
        self.trial = trial
        self.claim = claim
        self.lost = False
        self._seen = seen
        self._records = records
        self._lease_seconds = lease_seconds
        self._size_bytes = 0
        self._shared = False
        self._written_at = time.monotonic()
        self._changing = threading.Lock()
        self._writing = threading.Lock()

    def change(self, size_bytes: int, **updates: Mapping[Any, Any]) -> None:
        """Merge `updates` into the trial's dictionaries of these names, in memory.

        Raises:
            UpdateFinishedTrialError: the trial is not ours any more.
            TooLarge: it would not fit into its document.
        """
        with self._changing:
            self.check()
            if self._size_bytes + size_bytes > MAX_TRIAL_BYTES:
                raise TooLarge(
                    f"trial {self.trial.number} holds at most {MAX_TRIAL_BYTES} bytes of "
                    "parameters, values and attributes: report less, or store it as an artifact"
                )
            self.trial = merged(self.trial, updates)
            self._size_bytes += size_bytes

    def finish(self, state: TrialState, values: Sequence[float] | None) -> None:
        """Write the end, waiting up to a lease for a backend that does not answer.

        Raises:
            UpdateFinishedTrialError: the trial is not ours any more; nothing was stored.
            Unavailable: the backend did not answer.
        """
        with self._writing:
            self.check()
            finished = ended(self.trial, state, values, datetime.now(UTC))
            self._write_patiently(trial_body(finished, self.claim))
            self.trial = finished

    def renew_if_due(self) -> None:
        """Write what there is so far, if it is time for a heartbeat.

        Raises:
            UpdateFinishedTrialError: the trial is not ours any more.
            Unavailable: the backend did not answer.
        """
        with self._writing:
            self.check()
            if self._is_due():
                trial = self.trial
                self._write(trial_body(trial, self.claim))
                self._shared = bool(trial.params)

    def release(self) -> None:
        """Give the trial up, so that another worker takes it at once.

        Raises:
            UpdateFinishedTrialError: it was not ours any more.
            Unavailable: the backend did not answer.
        """
        with self._writing:
            self.check()
            self._write(trial_body(self.trial, replace(self.claim, owner="")))
            self.lost = True

    def check(self) -> None:
        """Raise UpdateFinishedTrialError if the trial is finished, lost or released."""
        if self.trial.state.is_finished():
            raise UpdateFinishedTrialError(f"trial {self.trial.number} has finished")
        if self.lost:
            raise UpdateFinishedTrialError(
                f"attempt {self.claim.attempt} at trial {self.trial.number} lost its lease or "
                "released it: the trial belongs to another worker now"
            )

    def _is_due(self) -> bool:
        silent_seconds = time.monotonic() - self._written_at
        fresh = bool(self.trial.params) and not self._shared
        return silent_seconds >= (
            min(SHARE_AFTER_SECONDS, self._lease_seconds / 4) if fresh else self._lease_seconds / 4
        )

    def _write_patiently(self, body: Json) -> None:
        deadline = time.monotonic() + self._lease_seconds
        while True:
            try:
                self._write(body)
            except Unavailable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(PAUSE_SECONDS)
            else:
                return

    def _write(self, body: Json) -> None:
        """Replace the document if this attempt still has it, whatever became of earlier writes."""
        while True:
            try:
                self._seen = self._records.replace(self._seen, body)
            except Conflict:
                self._look_again(body)
                if self._seen.body == body:
                    break
            else:
                break
        self._written_at = time.monotonic()

    def _look_again(self, body: Json) -> None:
        """Read the document after a conflict: a write of ours may have arrived unacknowledged."""
        try:
            seen = self._records.get(self._seen.collection, self._seen.id)
        except NotFound:
            self.lost = True
        else:
            ours = seen.body["owner"] == self.claim.owner and seen.body["state"] == "RUNNING"
            self.lost = seen.body != body and not ours
            self._seen = seen
        self.check()
