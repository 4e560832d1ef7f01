"""When a worker of a study stops, and why."""

import math
from dataclasses import dataclass
from enum import StrEnum


class End(StrEnum):
    """Why a worker stopped; what ended a study is recorded as its `ended_by`."""

    FINISHED = "n_trials"
    TIMED_OUT = "timeout"
    TOO_COSTLY = "cost"
    PLATEAU = "plateau"
    CANCELLED = "cancelled"
    STOPPED = "stopped"
    FAILING = "failures"

    @property
    def by_chance(self) -> bool:
        """Whether the same study would end after another number of trials."""
        return self in {End.TIMED_OUT, End.TOO_COSTLY, End.CANCELLED}


class Interrupted(Exception):
    """A trial was stopped on its way, for a reason that lies outside of it."""


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
    """How a worker ended: why, how many trials it finished; why the study's last failed one did."""

    end: End
    trials: int
    failure: str | None
