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
OTHERS_SECONDS = 2 * LOOK_SECONDS  # until all tasks have looked, and begin no trial more
STUCK_SECONDS = 3 * LOOK_SECONDS
LEADERLESS_SECONDS = 4 * LOOK_SECONDS
POLL_SECONDS = 0.5


class Interruption:
    """Looks at the experiment each two seconds, from a thread, while its `with` block runs.

    A study that was cancelled, without a wish for its best trial, is ended when the block of its
    leader ends; or by this thread, some seconds later, if that is at something long; or by any
    other task, if there is no leader.
    """

    def __init__(self, experiment_id: str, *, task: int, tasks: int, house: House) -> None:
        self._end: End | None = None
        self._experiment_id = experiment_id
        self._patience_seconds = LEADERLESS_SECONDS if task else STUCK_SECONDS
        self._last_seconds = LEADERLESS_SECONDS if task else OTHERS_SECONDS * (tasks > 1)
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
        self._patience_seconds = self._last_seconds
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


def _end_of(seen: Experiment) -> End | None:
    if seen.search_ended is not None:
        return End(seen.search_ended)
    if seen.cancelling or seen.status is ExperimentStatus.CANCELLED:
        return End.CANCELLED
    return End.FINISHED if seen.status.final else None
