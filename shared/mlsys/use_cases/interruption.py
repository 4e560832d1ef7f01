"""What ends trials that run: a cancel, a timeout, or the end of the study, told by its record."""

import time
from threading import Event, Thread
from typing import Self

import structlog

from mlsys.domain.errors import Conflict, Unavailable
from mlsys.domain.messages import ExperimentRequest
from mlsys.domain.records import Experiment, ExperimentStatus
from mlsys.repositories import EXPERIMENTS, trials_of
from mlsys.use_cases.closing import end_cancelled
from mlsys.use_cases.leading import House
from mlsys.use_cases.work import End

LOOK_SECONDS = 2.0
LEADERS_SECONDS = 5.0
POLL_SECONDS = 0.5


class Interruption:
    """Looks at the experiment each two seconds, from a thread, while its `with` block runs.

    A study that was cancelled, without a wish for its best trial, is ended by who looks: by its
    leader, or a few seconds later by any other task, whatever their other threads are at.
    """

    def __init__(self, experiment_id: str, *, task: int, tasks: int, house: House) -> None:
        self._end: End | None = None
        self._experiment_id = experiment_id
        self._patience_seconds = LEADERS_SECONDS if task else 0.0
        self._others = tasks > 1
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
        while self._look_if_answered():
            time.sleep(POLL_SECONDS)

    def why(self) -> End | None:
        """Say why trials that run are to end, if they are."""
        return self._end

    def _watch(self) -> None:
        while not self._done.wait(LOOK_SECONDS):
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
        if time.monotonic() - self._unwanted_since < self._patience_seconds:
            return True
        if self._others:
            time.sleep(LOOK_SECONDS)  # until all tasks have seen it, and begin no trial more
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
        completed = trials_of(seen.id).list(
            records=self._house.records, where={"state": "COMPLETE"}, order_by="number", limit=1
        )
        return End.TIMED_OUT if completed.values else None


def _end_of(seen: Experiment) -> End | None:
    if seen.search_ended is not None:
        return End(seen.search_ended)
    if seen.cancelling or seen.status is ExperimentStatus.CANCELLED:
        return End.CANCELLED
    return End.FINISHED if seen.status.final else None
