"""What ends trials that run: a cancel, a timeout, or the end of the study, told by its record."""

import time
from threading import Event, Thread
from typing import Self

import structlog

from mlsys.domain.errors import Conflict, Unavailable
from mlsys.domain.experiment_records import Experiment, ExperimentStatus
from mlsys.domain.messages import ExperimentRequest
from mlsys.repositories.experiments import EXPERIMENTS, trials_of
from mlsys.use_cases.leading.closing import end_cancelled
from mlsys.use_cases.leading.ends import End
from mlsys.use_cases.leading.lead import House, Worker

LOOK_SECONDS = 2.0
LOOKS_PER_LEASE = 4
LOOKS_TO_TELL_ALL = 2
LOOKS_WHEN_STUCK = 3
LOOKS_WITHOUT_LEADER = 4
POLL_SECONDS = 0.5


class Interruption:
    """Looks at the experiment every two seconds, from a thread, while its `with` block runs.

    A study that was cancelled, without a wish for its best trial, is ended when the block of its
    leader ends; or by this thread, some seconds later, if that is at something long; or by any
    other task, if there is no leader.
    """

    def __init__(self, experiment_id: str, *, worker: Worker, house: House) -> None:
        self._end: End | None = None
        self._experiment_id = experiment_id
        self._look_seconds = look_seconds(worker.lease_seconds)
        leads = worker.task == 0
        to_tell = LOOKS_TO_TELL_ALL * (worker.tasks > 1)
        self._looks = LOOKS_WHEN_STUCK if leads else LOOKS_WITHOUT_LEADER
        self._last_looks = to_tell if leads else LOOKS_WITHOUT_LEADER
        self._house = house
        self._unwanted_since: float | None = None
        self._done = Event()
        self._thread = Thread(target=self._watch, name="interruption", daemon=True)

    def __enter__(self) -> Self:
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self._looks = self._last_looks
        while self._look_if_answered():
            time.sleep(min(POLL_SECONDS, self._look_seconds))

    def why(self) -> End | None:
        """Say why trials that run are to end, if they are."""
        return self._end

    def _watch(self) -> None:
        while not self._done.wait(self._look_seconds):
            self._look_if_answered()

    def _look_if_answered(self) -> bool:
        try:
            return self._look()
        except (Conflict, Unavailable) as error:
            structlog.get_logger().warning("interruption.postponed", reason=str(error))
            return False

    def _look(self) -> bool:
        """Look once; answer whether there is a cancelled study that somebody has to end."""
        seen = EXPERIMENTS.get(self._experiment_id, records=self._house.records).value
        self._end = self._end or _end_of(seen) or self._timed_out(seen)
        if not seen.unwanted:
            return False
        self._unwanted_since = self._unwanted_since or time.monotonic()
        if time.monotonic() - self._unwanted_since < self._looks * self._look_seconds:
            return True
        end_cancelled(self._experiment_id, records=self._house.records, now=self._house.now)
        return False

    def _timed_out(self, seen: Experiment) -> End | None:
        """Tell that the time is over, once there is a trial to show for it."""
        request = ExperimentRequest.model_validate(seen.request)
        limit = request.optuna_config.timeout_seconds
        if limit is None or seen.started_at is None:
            return None
        if (self._house.now() - seen.started_at).total_seconds() < limit:
            return None
        trials = trials_of(seen.id).name
        found = self._house.records.query(trials, where={"state": "COMPLETE"}, limit=1)
        return End.TIMED_OUT if found.documents else None


def look_seconds(lease_seconds: float) -> float:
    """Return how often each task looks at the experiment."""
    return min(LOOK_SECONDS, lease_seconds / LOOKS_PER_LEASE)


def _end_of(seen: Experiment) -> End | None:
    if seen.ended_by is not None:
        return End(seen.ended_by)
    if seen.cancelling or seen.status is ExperimentStatus.CANCELLED:
        return End.CANCELLED
    return End.FINISHED if seen.status.final else None
