"""The slots of one worker: each runs one trial at a time, in a thread of its own.

They share the storage and its heartbeat. They ask one after the other: one synchronisation serves
each trial, and samplers, which know no threads, draw in order.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Lock
from typing import NoReturn

import structlog
from optuna import Study, Trial
from optuna.exceptions import TrialPruned, UpdateFinishedTrialError
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from mlsys.domain.errors import Unavailable
from mlsys.use_cases.leading.ends import End, Interrupted, Limits, Outcome
from mlsys.use_cases.trials.documents import FAILURE
from mlsys.use_cases.trials.storage import TrialStorage
from mlsys.use_cases.trials.table import BudgetSpent

MAX_FAILURES_IN_A_ROW = 5
TICK_SECONDS = 0.25

Objective = Callable[[Trial], float | Sequence[float]]


@dataclass
class Slots:
    """What the slots of one worker share; see `work` for what they are given."""

    study: Study
    objective: Objective
    storage: TrialStorage
    stop: Event
    limits: Limits
    draw: Callable[[Trial], object] | None
    on_finished: Callable[[FrozenTrial], None] | None
    interrupted: Callable[[], End | None]
    catch: tuple[type[Exception], ...]
    poll_seconds: float
    _study_id: int = field(init=False)
    _began: float = field(init=False, default_factory=time.monotonic)
    _ended: End | None = field(init=False, default=None)
    _over: Event = field(init=False, default_factory=Event)
    _asking: Lock = field(init=False, default_factory=Lock)
    _noting: Lock = field(init=False, default_factory=Lock)
    _running: int = field(init=False, default=0)
    _trials: int = field(init=False, default=0)
    _nothing_left: bool = field(init=False, default=False)
    _silent_since: float = field(init=False, default=math.inf)

    def __post_init__(self) -> None:
        self._study_id = self.storage.get_study_id_from_name(self.study.study_name)
        self.catch = (UpdateFinishedTrialError, *self.catch)

    def run(self) -> None:
        """Run one trial after the other, in one slot, until the worker ends."""
        while not self._is_over():
            asked = self._ask()
            if asked is None:
                self._pause()
            else:
                self._run(*asked)

    def break_off(self) -> None:
        """Release what is running, and let no trial begin, unless the worker has ended."""
        if self._ended is None:
            with self._asking:
                self._over.set()
            self.storage.release_all()

    def outcome(self) -> Outcome:
        """Say how it ended; what was stopped while its last trials ran was not finished."""
        cut_short = self.stop.is_set() and not self._nothing_left
        end = End.STOPPED if self._ended is None or cut_short else self._ended
        known = reversed(self.storage.known_trials(self._study_id))
        failure = next(
            (one.user_attrs[FAILURE] for one in known if FAILURE in one.user_attrs), None
        )
        return Outcome(end, self._trials, failure)

    def _is_over(self) -> bool:
        self._ended = self._ended or self._end()
        if self._ended is not None:
            self._over.set()
        return self._over.is_set()

    def _end(self) -> End | None:
        if self._nothing_left:
            return End.FINISHED
        if self.stop.is_set():
            return End.STOPPED
        if (why := self.interrupted()) is not None:
            return why
        if is_failing(self.storage.known_trials(self._study_id)):
            return End.FAILING
        if self._is_on_plateau():
            return End.PLATEAU
        late = self._late()
        return late if late is not None and self._has_finished_trials() else None

    def _is_on_plateau(self) -> bool:
        return self.limits.plateau_trials is not None and on_plateau(
            self.storage.known_trials(self._study_id),
            plateau_trials=self.limits.plateau_trials,
            maximize=self.study.directions[0] is StudyDirection.MAXIMIZE,
        )

    def _late(self) -> End | None:
        seconds = time.monotonic() - self._began
        if seconds >= self.limits.timeout_seconds:
            return End.TIMED_OUT
        return End.TOO_COSTLY if seconds >= self.limits.cost_seconds else None

    def _has_finished_trials(self) -> bool:
        """Whether anything was found; a study that found nothing has nothing to tell."""
        return any(one.state.is_finished() for one in self.study.get_trials(deepcopy=False))

    def _ask(self) -> tuple[Trial, Objective] | None:
        """Return a trial, and what to run with it; None if there is none now."""
        with self._asking:
            if self._over.is_set() or self.interrupted() or (self._running and self._late()):
                return None
            try:
                trial = self.study.ask()
            except BudgetSpent:
                self._nothing_left = self.storage.unfinished(self._study_id) == 0
                return None
            except Unavailable:
                self._silent_since = min(self._silent_since, time.monotonic())
                if time.monotonic() - self._silent_since > self.storage.lease_seconds:
                    raise
                return None
            self._silent_since = math.inf
            with self._noting:
                self._running += 1
            return trial, self._drawn(trial)

    def _drawn(self, trial: Trial) -> Objective:
        """Suggest a trial's parameters; what goes wrong will be its end, not the worker's."""
        if self.draw is not None:
            try:
                self.draw(trial)
            except self.catch as error:
                return partial(_raise, error)
        return self.objective

    def _pause(self) -> None:
        """Wait while others run the last trials."""
        until = time.monotonic() + self.poll_seconds
        while not (self._nothing_left or self.stop.is_set()):
            left = until - time.monotonic()
            if left <= 0 or self._over.wait(min(TICK_SECONDS, left)):
                break

    def _run(self, trial: Trial, objective: Objective) -> None:
        """Bring one trial to its end, unless it is lost on the way."""
        try:
            finished = self._finish(trial, *self._outcome(trial, objective))
        except UpdateFinishedTrialError as error:
            structlog.get_logger().warning("trial.lost", number=trial.number, reason=str(error))
            return
        finally:
            with self._noting:
                self._running -= 1
        with self._noting:
            self._trials += 1
            if self.on_finished is not None:
                self.on_finished(finished)

    def _outcome(
        self, trial: Trial, objective: Objective
    ) -> tuple[Sequence[float] | None, str | None]:
        """Return values and no reason, none and a reason, or, for a pruned trial, neither."""
        try:
            told = objective(trial)
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


def is_failing(trials: Sequence[FrozenTrial]) -> bool:
    """Whether the last `MAX_FAILURES_IN_A_ROW` that finished, by number, failed one and all."""
    finished = [one.state for one in trials if one.state.is_finished()]
    return finished[-MAX_FAILURES_IN_A_ROW:] == [TrialState.FAIL] * MAX_FAILURES_IN_A_ROW


def on_plateau(trials: Sequence[FrozenTrial], *, plateau_trials: int, maximize: bool) -> bool:
    """Whether so many trials have finished with a higher number than the best, the first of equals.

    All workers that know the same trials say the same. Of several values the first counts.
    """
    sign = -1 if maximize else 1
    completed = [one for one in trials if one.state is TrialState.COMPLETE]
    best = min(completed, key=lambda one: (sign * one.values[0], one.number), default=None)
    if best is None:
        return False
    later = sum(one.state.is_finished() and one.number > best.number for one in trials)
    return later >= plateau_trials


def _raise(error: Exception, _: Trial) -> NoReturn:
    raise error
