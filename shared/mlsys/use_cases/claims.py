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
from mlsys.domain.records import Attempt, Failure, Split, SplitStatus
from mlsys.ports import Records
from mlsys.repositories import SPLITS, Stored

MAX_ATTEMPTS = 5

Clock = Callable[[], datetime]


@dataclass
class Claim:
    """The right to work on one split, as long as nobody took it over."""

    seen: Stored[Split]
    records: Records
    lease: timedelta
    now: Clock
    stopping: Event = field(default_factory=Event)

    def note(self, **changes: Any) -> Split:
        """Write something down, which also renews the lease. Raises Busy (it was taken over)."""
        value = self.seen.value.model_copy(update={**changes, "updated_at": self.now()})
        self.seen = _replaced(self.seen, value, records=self.records)
        return value

    def beat(self) -> None:
        """Renew the lease if a third of it is over.

        Raises:
            Busy: the work was taken over.
            Unavailable: this process is about to end.
        """
        if self.stopping.is_set():
            raise Unavailable(f"{self.seen.value.id}: this process ends; the next one goes on")
        if self.now() - self.seen.value.updated_at > self.lease / 3:
            self.note()

    def release(self) -> None:
        """Give the work back at once: a backend failed, which does not count as an attempt."""
        number = self.seen.value.attempt.number
        self.note(attempt=Attempt(number=number - 1, token=""))


def claim(split: Split, *, records: Records, lease_seconds: float, now: Clock) -> Claim | Split:
    """Take the work, or say what became of it.

    The attempt is counted before any work, so what kills the process is not tried for ever.

    Args:
        split: the record to create, if there is none yet.
        records: where it is.
        lease_seconds: how old, by the server's clock, a claim must be to be taken over.
        now: for the times that people read.

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

    taken = Claim(found, records, lease, now)
    if there.attempt.number >= MAX_ATTEMPTS:
        return taken.note(
            status=SplitStatus.FAILED,
            failure=Failure(
                code="attempts_exhausted",
                message=f"the process died in each of {MAX_ATTEMPTS} attempts: "
                "the file may need more memory; upload it again to try again",
            ),
        )
    taken.note(attempt=Attempt(number=there.attempt.number + 1, token=uuid4().hex))
    return taken


def _replaced(seen: Stored[Split], value: Split, *, records: Records) -> Stored[Split]:
    try:
        return SPLITS.replace(seen, value, records=records)
    except Conflict as error:
        raise Busy(f"another attempt took {value.id} over") from error
