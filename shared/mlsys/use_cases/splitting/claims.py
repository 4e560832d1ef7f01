"""Who works on a split: one attempt at a time, and an attempt that was taken over writes nothing.

A claim is a lease on the record, by the server's clock. Each write of it is a compare-and-set, so
the record itself is the fence.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event
from typing import Any
from uuid import uuid4

from mlsys.domain.errors import AlreadyExists, Busy, Conflict, Unavailable
from mlsys.domain.records import Failure
from mlsys.domain.split_records import (
    Attempt,
    Progress,
    Split,
    SplitStatus,
)
from mlsys.ports import Records
from mlsys.repositories.collection import Stored
from mlsys.repositories.splits import SPLITS

MAX_ATTEMPTS = 5
TELL_EVERY = timedelta(seconds=5)

Clock = Callable[[], datetime]


@dataclass
class Claim:
    """The right to work on one split, as long as nobody took it over."""

    seen: Stored[Split]
    records: Records
    lease: timedelta
    now: Clock
    stopping: Event = field(default_factory=Event)
    heard: Progress | None = None

    def note(self, **changes: Any) -> Split:
        """Write something down, which also renews the lease. Raises Busy (it was taken over).

        What somebody else wrote meanwhile, such as a label, stays. So does the end of the work, if
        it was written already and only the answer to that was lost.
        """
        while True:
            value = self.seen.value.model_copy(update={**changes, "updated_at": self.now()})
            try:
                self.seen = SPLITS.replace(self.seen, value, records=self.records)
            except Conflict:
                self.seen = self._still_ours()
                if self.seen.value.status is not SplitStatus.RUNNING:
                    return self.seen.value
            else:
                return value

    def beat(self, progress: Progress | None = None) -> None:
        """Renew the lease if a third of it is over, or if there is progress to tell of.

        Raises:
            Busy: the work was taken over.
            Unavailable: this process is about to end.
        """
        if self.stopping.is_set():
            raise Unavailable(f"{self.seen.value.id}: this process ends; the next one goes on")
        self.heard = progress or self.heard
        silent = self.now() - self.seen.value.updated_at
        moved = self.heard != self.seen.value.progress
        if silent > self.lease / 3 or (moved and silent > TELL_EVERY):
            self.note(progress=self.heard)

    def release(self) -> None:
        """Give the work back at once: a backend failed, which does not count as an attempt."""
        number = self.seen.value.attempt.number
        self.note(attempt=Attempt(number=number - 1, token=""), progress=None)

    def _still_ours(self) -> Stored[Split]:
        """Read the split again; the attempt in it is the fence."""
        found = SPLITS.find(self.seen.value.id, records=self.records)
        if found is None or found.value.attempt != self.seen.value.attempt:
            raise Busy(f"another attempt took {self.seen.value.id} over")
        return found


def claim(
    split: Split,
    *,
    records: Records,
    lease_seconds: float,
    now: Clock,
    execution_id: str | None = None,
) -> Claim | Split:
    """Take the work, or say what became of it.

    The attempt is counted before any work, so what kills the process is not tried for ever.

    Args:
        split: the record to create, if there is none yet.
        records: where it is.
        lease_seconds: how old, by the server's clock, a claim must be to be taken over.
        now: for the times that people read.
        execution_id: of the job that this process belongs to; None keeps what is recorded.

    Returns:
        The claim; or the split itself, if its status is final (by now).

    Raises:
        Busy: another attempt is at it.
    """
    lease = timedelta(seconds=lease_seconds)
    found = SPLITS.find(split.id, records=records)
    if found is None:
        first = split.model_copy(update={"attempt": Attempt(number=1, token=uuid4().hex)})
        try:
            return Claim(SPLITS.create(split.id, first, records=records), records, lease, now)
        except AlreadyExists as error:
            raise Busy(f"another attempt has just begun {split.id}") from error

    there = found.value
    if there.status is not SplitStatus.RUNNING:
        return there
    if there.attempt.token and found.document.read_at - found.document.updated_at <= lease:
        raise Busy(f"attempt {there.attempt.number} is at {split.id}")

    taken = _taken(there, execution_id).model_copy(update={"progress": None, "updated_at": now()})
    try:
        # Not by `note`, which would write over a sign of life that came since.
        seen = SPLITS.replace(found, taken, records=records)
    except Conflict as error:
        raise Busy(f"another attempt is at {split.id}") from error
    return Claim(seen, records, lease, now) if taken.status is SplitStatus.RUNNING else taken


def _taken(there: Split, execution_id: str | None) -> Split:
    """Count one more attempt, or say that there were enough."""
    if there.attempt.number >= MAX_ATTEMPTS:
        failure = Failure(
            code="attempts_exhausted",
            message=f"the process died in each of {MAX_ATTEMPTS} attempts: "
            "the file may need more memory; upload it again to try again",
        )
        return there.model_copy(update={"status": SplitStatus.FAILED, "failure": failure})
    attempt = Attempt(number=there.attempt.number + 1, token=uuid4().hex)
    execution = execution_id or there.execution_id
    return there.model_copy(update={"attempt": attempt, "execution_id": execution})
