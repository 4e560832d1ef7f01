"""When a worker of a study stops, and why."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from optuna.trial import FrozenTrial, TrialState


class End(StrEnum):
    """Why a worker stopped; what ended a study is recorded as its `ended_by`."""

    FINISHED = "n_trials"
    TIMED_OUT = "timeout"
    TOO_COSTLY = "cost"
    PLATEAU = "plateau"
    STOPPED = "stopped"
    FAILING = "failures"


@dataclass(frozen=True)
class Limits:
    """When a study ends before its budget of trials is spent.

    Attributes:
        timeout_seconds: no trial is started after it, unless the study has none that is finished.
        cost_seconds: after so many it has cost what it may; else as the timeout.
        plateau_trials: it ends once so many trials in a row brought nothing better.
    """

    timeout_seconds: float = math.inf
    cost_seconds: float = math.inf
    plateau_trials: int | None = None


@dataclass(frozen=True)
class Outcome:
    """How a worker ended: why, how many trials it finished, and its last failure's reason."""

    end: End
    trials: int
    failure: str | None


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
