"""How a study goes: the best so far, how its trials stand, how fast they end, how long it takes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mlsys.domain.answers import TrialRow
from mlsys.domain.experiment_records import Experiment, TrialState

ENDED = {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL}
# Trials grow cheaper or dearer while a sampler learns; the last ones say what comes next.
RECENT_TRIALS = 20


@dataclass(frozen=True)
class Pace:
    """What is told of a study beside its trials.

    Attributes:
        best: the best completed trial; None without one, or before it is known what is better.
        counts: how many trials are in each state, of those that were begun or enqueued.
        ended: how many trials are over.
        per_minute: how many ended a minute, lately; None before the first.
        seconds_left: until all have ended, or the time is up; None while nobody can tell.
    """

    best: TrialRow | None
    counts: Mapping[str, int]
    ended: int
    per_minute: float | None
    seconds_left: float | None


def pace_of(experiment: Experiment, trials: Sequence[TrialRow], *, now: datetime) -> Pace:
    """Tell how a study goes from its record and its trials."""
    ended = [trial for trial in trials if trial.state in ENDED]
    per_second = _per_second(experiment, ended, now)
    return Pace(
        best=_best(experiment, ended),
        counts=Counter(trial.state for trial in trials),
        ended=len(ended),
        per_minute=None if per_second is None else 60 * per_second,
        seconds_left=_seconds_left(experiment, len(ended), per_second, now),
    )


def asked_trials(experiment: Experiment) -> int:
    """Return how many trials were asked for."""
    return int(experiment.request.get("optuna_config", {}).get("n_trials", 0))


def _best(experiment: Experiment, ended: Sequence[TrialRow]) -> TrialRow | None:
    if experiment.maximize is None:
        return None
    values = [
        (trial.value, trial)
        for trial in ended
        if trial.state == TrialState.COMPLETE and isinstance(trial.value, float)
    ]
    sign = -1 if experiment.maximize else 1
    return min(values, key=lambda one: (sign * one[0], one[1].number), default=(0, None))[1]


def _per_second(experiment: Experiment, ended: Sequence[TrialRow], now: datetime) -> float | None:
    """Count what ended lately, up to now, so that a study that stands still grows slow.

    Of one that is over, count all of it.
    """
    times = sorted(trial.completed_at for trial in ended if trial.completed_at is not None)
    if not times or experiment.started_at is None:
        return None
    if experiment.status.final:
        recent, begun, until = times, experiment.started_at, times[-1]
    else:
        recent = times[-RECENT_TRIALS:]
        begun = times[-RECENT_TRIALS - 1] if len(times) > len(recent) else experiment.started_at
        until = now
    return len(recent) / (until - begun).total_seconds() if until > begun else None


def _seconds_left(
    experiment: Experiment, ended: int, per_second: float | None, now: datetime
) -> float | None:
    if experiment.status.final or experiment.started_at is None:
        return None
    left = max(0, asked_trials(experiment) - ended)
    by_pace = None if per_second is None else left / per_second
    timeout = experiment.request.get("optuna_config", {}).get("timeout_seconds")
    if timeout is None:
        return by_pace
    until_timeout = max(0.0, float(timeout) - (now - experiment.started_at).total_seconds())
    return until_timeout if by_pace is None else min(by_pace, until_timeout)
