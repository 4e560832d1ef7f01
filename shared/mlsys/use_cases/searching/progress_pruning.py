"""Ending trials that are worse than most others were, once those had learnt as much.

How much was learnt is the leaves grown times the learning rate. At the same round a fast learning
rate is ahead of a slow one that ends up better, and large trees are ahead of small ones; Optuna's
own percentile, which compares at the same round, ends the slow and the small. Here a trial is held
against all that learnt as much, pruned ones too: the median stopping rule of Golovin et al., Google
Vizier (2017), with the size of what a round adds taken into account.
"""

from threading import Lock

import numpy as np
import optuna
from optuna.pruners import BasePruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from typing_extensions import override

from mlsys.domain.learners.base import Floats

LEARNING_RATE = "learning_rate"
USUAL_RATE = 0.1
LEAVES = {"num_leaves", "max_leaves"}
DEPTHS = {"max_depth", "depth"}
USUAL_LEAVES = 32
FULL_DEPTH = 10
"""Deeper trees are hardly ever full."""
ROUNDING = 1e-9
WARM_UP = 1.0
"""Rounds times learning rate from which a loss says something: 10 rounds at 0.1, 100 at 0.01."""


class ProgressPruner(BasePruner):
    """Keeps the trials that are among the best so many percent, at equal progress.

    Args:
        percentile: 0 to 100; 50 is the median.
        startup_trials: as many must have ended before any is pruned.
        warmup_rounds: none is pruned before; default: 1 divided by its learning rate.
    """

    def __init__(
        self, percentile: float, *, startup_trials: int, warmup_rounds: int | None
    ) -> None:
        self._percentile = percentile
        self._startup_trials = startup_trials
        self._warmup_rounds = warmup_rounds
        self._curves: dict[int, _Curve] = {}
        self._drawing = Lock()

    @override
    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        rounds = trial.last_step
        if rounds is None or self._is_too_early(rounds, trial):
            return False
        sign = -1.0 if study.direction is StudyDirection.MAXIMIZE else 1.0
        others = [
            curve
            for one in study.get_trials(deepcopy=False, states=_ENDED)
            if one.intermediate_values
            for curve in [self._curve(one, sign)]
        ]
        if len(others) < self._startup_trials:
            return False
        progress = rounds * _learnt_per_round(trial)
        reached = [best for one in others if (best := one.best_by(progress)) is not None]
        best = min(sign * value for value in trial.intermediate_values.values())
        return bool(reached) and best > float(np.percentile(reached, self._percentile))

    def _is_too_early(self, rounds: int, trial: FrozenTrial) -> bool:
        if self._warmup_rounds is None:
            return rounds * _rate(trial) < WARM_UP
        return rounds < self._warmup_rounds

    def _curve(self, ended: FrozenTrial, sign: float) -> "_Curve":
        with self._drawing:
            if ended.number not in self._curves:
                self._curves[ended.number] = _Curve(ended, sign)
            return self._curves[ended.number]


class _Curve:
    """The best that a trial had reported by each step, the least being the best."""

    def __init__(self, ended: FrozenTrial, sign: float) -> None:
        reported = sorted(ended.intermediate_values.items())
        values: Floats = np.array([sign * value for _, value in reported])
        self._steps = np.array([step for step, _ in reported]) * _learnt_per_round(ended)
        self._best = np.minimum.accumulate(values)
        self._was_pruned = ended.state is TrialState.PRUNED

    def best_by(self, progress: float) -> float | None:
        """Return the best up to there, of a completed trial beyond its end too.

        None before its first report, and after the last one if it was pruned.
        """
        if self._was_pruned and self._steps[-1] < progress * (1 - ROUNDING):
            return None
        place = int(np.searchsorted(self._steps, progress * (1 + ROUNDING), side="right"))
        return float(self._best[place - 1]) if place else None


_ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


def _learnt_per_round(trial: FrozenTrial) -> float:
    return _rate(trial) * _leaves(trial)


def _rate(trial: FrozenTrial) -> float:
    """Return its learning rate; where that is not searched all have the same."""
    return next(iter(_values(trial, {LEARNING_RATE})), USUAL_RATE)


def _leaves(trial: FrozenTrial) -> float:
    """Return how many leaves a tree may have, as its parameters limit them; 0 is no limit."""
    of_depth = (2 ** min(depth, FULL_DEPTH) for depth in _values(trial, DEPTHS))
    limits = [*_values(trial, LEAVES), *of_depth]
    return min((one for one in limits if one > 1), default=USUAL_LEAVES)


def _values(trial: FrozenTrial, names: set[str]) -> list[float]:
    """Return those of its parameters that have such names, in whichever library."""
    params = trial.params.items()
    return [float(value) for name, value in params if name.rpartition(".")[2] in names]
