"""Who leads a study: one task of one execution, and all that it writes is fenced."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from math import inf
from threading import Event
from time import monotonic
from typing import Any, TypeVar

import structlog

from mlsys.domain.errors import AlreadyExists, Busy, Conflict, LostRace
from mlsys.domain.experiment_records import Experiment
from mlsys.domain.model_records import ModelVersion
from mlsys.ports import Objects, Records, Write
from mlsys.repositories.collection import Stored
from mlsys.repositories.experiments import EXPERIMENTS
from mlsys.repositories.models import MODEL_VERSIONS
from mlsys.use_cases.leading.leases import Lease, acquire

log = structlog.get_logger()

LEASE = "study"
LEASES_TO_WAIT = 2
POLL_SECONDS = 0.5

T = TypeVar("T")


@dataclass(frozen=True)
class Worker:
    """Which task of which execution this process is, what it may use, and what that costs."""

    execution_id: str
    task: int
    tasks: int
    threads: int
    lease_seconds: float
    usd_per_second: float = inf


@dataclass(frozen=True)
class House:
    """Where a study reads and writes."""

    records: Records
    objects: Objects
    artifacts_bucket: str
    now: Callable[[], datetime]


@dataclass(frozen=True)
class Lead:
    """The right to write down what becomes of an experiment."""

    experiment_id: str
    lease: Lease
    house: House

    def wanted(self) -> Stored[Experiment]:
        """Read the experiment, for a step towards its model.

        Raises:
            LostRace: it has ended, or was cancelled without a wish for its best trial.
        """
        seen = self._open()
        if seen.value.unwanted:
            raise LostRace(f"experiment {self.experiment_id} was cancelled")
        return seen

    def change(
        self,
        change: dict[str, Any],
        *,
        version: ModelVersion | None = None,
        unless_unwanted: bool = False,
    ) -> Experiment:
        """Update the experiment, and `version` with it.

        Raises:
            Conflict: the lease is lost.
            LostRace: the experiment has ended, or with `unless_unwanted` is not `wanted`.
        """

        def attempt() -> Experiment:
            seen = self.wanted() if unless_unwanted else self._open()
            changed = seen.value.model_copy(update={**change, "updated_at": self.house.now()})
            writes: list[Write] = [EXPERIMENTS.replacement(seen, changed)]
            if version is not None:
                stored = MODEL_VERSIONS.get(version.id, records=self.house.records)
                writes.append(MODEL_VERSIONS.replacement(stored, version))
            self.lease.commit(writes)
            return changed

        return self.repeat(attempt)

    def repeat(self, attempt: Callable[[], T]) -> T:
        """Try again while others change the same records. Raises Conflict: the lease is lost."""
        while True:
            try:
                return attempt()
            except (AlreadyExists, Conflict):
                self.lease.renew()

    def _open(self) -> Stored[Experiment]:
        seen = EXPERIMENTS.get(self.experiment_id, records=self.house.records)
        if seen.value.status.final:
            raise LostRace(f"experiment {self.experiment_id} is {seen.value.status} already")
        return seen


def claim_lead(experiment_id: str, *, worker: Worker, house: House, stop: Event) -> Lead | None:
    """Claim the study; None if another execution is at it, which a heartbeat shows."""
    first_beat = None
    while not stop.is_set():
        try:
            lease = acquire(
                house.records,
                leases_of(experiment_id),
                LEASE,
                owner=worker.execution_id,
                seconds=worker.lease_seconds,
            )
            return Lead(experiment_id, lease, house)
        except Busy as error:
            beat = house.records.get(leases_of(experiment_id), LEASE).body["beat"]
            first_beat = first_beat or beat
            if beat != first_beat or _is_over(experiment_id, house):
                log.info("study.left_alone", reason=str(error))
                return None
        stop.wait(POLL_SECONDS)
    return None


def leader_is_ours(experiment_id: str, *, worker: Worker, house: House, stop: Event) -> bool:
    """Wait until a first task leads; say whether it is of this task's execution."""
    deadline = monotonic() + worker.lease_seconds * LEASES_TO_WAIT
    while not stop.wait(POLL_SECONDS) and monotonic() < deadline:
        found = house.records.get_many(leases_of(experiment_id), [LEASE]).get(LEASE)
        if found is not None and found.body["owner"] == worker.execution_id:
            return True
        if _is_over(experiment_id, house):
            break
    return False


def leases_of(experiment_id: str) -> str:
    """Name the collection in which `LEASE` says who leads; its owner is an execution."""
    return f"experiments/{experiment_id}/leases"


def _is_over(experiment_id: str, house: House) -> bool:
    return EXPERIMENTS.get(experiment_id, records=house.records).value.status.final
