"""One worker of a study: it asks for a trial, runs it, tells its end, and asks again."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from threading import Event, Thread
from types import TracebackType

import structlog
from optuna import Study, Trial
from optuna.exceptions import TrialPruned, UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from mlsys.domain.errors import Unavailable
from mlsys.use_cases.trial_documents import FAILURE
from mlsys.use_cases.trial_table import BudgetSpent
from mlsys.use_cases.trials import TrialStorage

MAX_FAILURES_IN_A_ROW = 5
TICK_SECONDS = 0.25


class End(StrEnum):
    """Why a worker stopped."""

    FINISHED = "FINISHED"
    TIMED_OUT = "TIMED_OUT"
    CANCELLED = "CANCELLED"
    STOPPED = "STOPPED"
    FAILING = "FAILING"


class Interrupted(Exception):
    """A trial was stopped on its way, for a reason that lies outside of it."""


@dataclass(frozen=True)
class Outcome:
    """How a worker ended: why, how many trials it finished, and its last failure's reason."""

    end: End
    trials: int
    failure: str | None


class Heartbeat:
    """Renews the trials that a storage holds, from a thread, while its `with` block runs.

    Once `stop` is set, or when the block ends by an exception, it releases them instead.
    """

    def __init__(self, storage: TrialStorage, *, stop: Event) -> None:
        self._storage = storage
        self._stop = stop
        self._ended = Event()
        self._thread = Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        if kind is not None or self._stop.is_set():
            with suppress(Unavailable):
                self._storage.release_all()

    def _beat(self) -> None:
        while not self._ended.wait(min(TICK_SECONDS, self._storage.lease_seconds / 16)):
            try:
                if self._stop.is_set():
                    self._storage.release_all()
                else:
                    self._storage.renew_due()
            except Unavailable as error:
                structlog.get_logger().warning("heartbeat.missed", reason=str(error))


def work(
    study: Study,
    objective: Callable[[Trial], float | Sequence[float]],
    *,
    storage: TrialStorage,
    stop: Event,
    timeout_seconds: float | None = None,
    on_finished: Callable[[FrozenTrial], None] | None = None,
    interrupted: Callable[[], End | None] = lambda: None,
    catch: tuple[type[Exception], ...] = (Exception,),
    poll_seconds: float = 1.0,
) -> Outcome:
    """Run trials until the storage's budget is spent and every trial of the study is finished.

    Trials of other workers are waited for, and taken over if their workers have gone, so any number
    of workers, coming and going, end with exactly `max_trials` finished trials.

    Args:
        study: on `storage`, whose `max_trials` is the budget.
        objective: what returns a trial's value, or one per direction; it may raise TrialPruned.
        storage: of this worker; `stop` ends all workers that share one.
        stop: set it (on SIGTERM) to release the running trial within a quarter of a second; the
            objective learns it from its next suggestion or report.
        timeout_seconds: no trial is started after it, unless the study has none that is finished.
        on_finished: called in this thread with each trial that this worker finished.
        interrupted: why no more trials are wanted, if so; the objective may then raise Interrupted,
            and its trial fails with the reason.
        catch: what an objective may raise without ending the worker. The trial fails, with the
            reason; after 5 failures in a row the worker gives up.
        poll_seconds: how often to look while other workers run the last trials.

    Raises:
        Unavailable: the backend has not answered for as long as a lease.
    """
    worker = _Worker(
        study,
        objective,
        storage,
        (UpdateFinishedTrialError, *catch),
        stop=stop,
        interrupted=interrupted,
        study_id=storage.get_study_id_from_name(study.study_name),
        deadline=math.inf if timeout_seconds is None else time.monotonic() + timeout_seconds,
    )
    with Heartbeat(storage, stop=stop):
        while (end := worker.end()) is None:
            trial = worker.ask()
            if trial is None:
                stop.wait(0 if worker.nothing_left else poll_seconds)
                continue
            finished = worker.run(trial)
            if finished is not None and on_finished is not None:
                on_finished(finished)
    return Outcome(end, worker.trials, worker.failure)


@dataclass
class _Worker:
    study: Study
    objective: Callable[[Trial], float | Sequence[float]]
    storage: TrialStorage
    catch: tuple[type[Exception], ...]
    stop: Event
    interrupted: Callable[[], End | None]
    study_id: int
    deadline: float
    trials: int = 0
    in_a_row: int = 0
    failure: str | None = None
    nothing_left: bool = False
    silent_since: float = math.inf

    def end(self) -> End | None:
        if self.nothing_left:
            return End.FINISHED
        if self.stop.is_set():
            return End.STOPPED
        if (why := self.interrupted()) is not None:
            return why
        if self.in_a_row == MAX_FAILURES_IN_A_ROW:
            return End.FAILING
        late = time.monotonic() >= self.deadline
        return End.TIMED_OUT if late and self._has_finished_trials() else None

    def ask(self) -> Trial | None:
        """Return a trial to run, or None if there is none now."""
        try:
            trial = self.study.ask()
        except BudgetSpent:
            self.nothing_left = self.storage.unfinished(self.study_id) == 0
            return None
        except Unavailable:
            self.silent_since = min(self.silent_since, time.monotonic())
            if time.monotonic() - self.silent_since > self.storage.lease_seconds:
                raise
            return None
        self.silent_since = math.inf
        return trial

    def run(self, trial: Trial) -> FrozenTrial | None:
        """Bring one trial to its end; None if it was lost on the way."""
        try:
            finished = self._finish(trial, *self._outcome(trial))
        except UpdateFinishedTrialError as error:
            structlog.get_logger().warning("trial.lost", number=trial.number, reason=str(error))
            return None
        self.trials += 1
        self.in_a_row = self.in_a_row + 1 if finished.state is TrialState.FAIL else 0
        self.failure = finished.user_attrs.get(FAILURE, self.failure)
        return finished

    def _has_finished_trials(self) -> bool:
        """Whether anything was found; a study that found nothing has nothing to tell."""
        return any(one.state.is_finished() for one in self.study.get_trials(deepcopy=False))

    def _outcome(self, trial: Trial) -> tuple[Sequence[float] | None, str | None]:
        """Return values and no reason, none and a reason, or, for a pruned trial, neither."""
        try:
            told = self.objective(trial)
        except TrialPruned:
            return None, None
        except Interrupted as error:
            if self.stop.is_set():
                raise UpdateFinishedTrialError(f"trial {trial.number} is given back") from error
            return None, str(error)
        except self.catch as error:
            # A trial's id is how a storage is asked, and Trial has no public name for it.
            if not self.storage.holds(trial._trial_id):  # noqa: SLF001
                raise UpdateFinishedTrialError(f"trial {trial.number} was lost") from error
            structlog.get_logger().exception("trial.failed", number=trial.number)
            return None, f"{type(error).__name__}: {error}"
        values = told if isinstance(told, Sequence) else [told]
        if any(map(math.isnan, values)):
            return None, "the objective returned nan, want a number"
        return values, None

    def _finish(
        self, trial: Trial, values: Sequence[float] | None, reason: str | None
    ) -> FrozenTrial:
        if reason is not None:
            self.storage.note_failure(trial._trial_id, reason)  # noqa: SLF001
            return self.study.tell(trial, state=TrialState.FAIL)
        state = TrialState.PRUNED if values is None else TrialState.COMPLETE
        return self.study.tell(trial, values, state=state)
