"""CMA-ES that keeps nothing but the trials themselves.

Optuna's own pickles its state into the records, and reading a pickle runs what is in it. Here the
state is worked out anew from the finished trials, which takes milliseconds. Trials of one
generation are those whose numbers lie together, so all tasks agree on it, and a study that was
killed goes on as if nothing had been.
"""

from collections.abc import Mapping
from threading import Lock

import numpy as np
from cmaes import CMA
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from mlsys.domain.learners.base import Floats
from mlsys.domain.spaces.dimensions import Float, Int, Value
from mlsys.domain.spaces.points import point_at
from mlsys.domain.spaces.search import Params
from mlsys.use_cases.searching.planned import seed_of

FIRST_SPREAD = 1 / 6
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


class Evolution:
    """Covariance matrix adaptation, from generation to generation.

    A generation learns from the last one of whose trials all have finished; with several workers
    that may be the last but one. What was pruned or failed counts as worse than all others.

    Args:
        sides: at least two numbers that are searched.
        seed: of all that is drawn.
        first: the number of the first trial that is not enqueued.
    """

    def __init__(self, sides: Mapping[str, Float | Int], *, seed: int, first: int) -> None:
        self._sides = sides
        self._seed = seed
        self._first = first
        self._drawn: dict[int, Params] = {}
        self._drawing = Lock()

    def draw(self, study: Study, trial: FrozenTrial, name: str, _: BaseDistribution) -> Value:
        """Return one parameter of a trial, whose point is drawn when the first is asked for."""
        with self._drawing:
            if trial.number not in self._drawn:
                self._drawn[trial.number] = self._point(study, trial.number)
            return self._drawn[trial.number][name]

    def _point(self, study: Study, number: int) -> Params:
        optimizer = CMA(
            mean=np.full(len(self._sides), 0.5),
            sigma=FIRST_SPREAD,
            bounds=np.tile([0.0, 1.0], (len(self._sides), 1)),
            seed=self._seed,
        )
        finished = {one.number: one for one in study.get_trials(deepcopy=False, states=FINISHED)}
        sign = -1.0 if study.direction is StudyDirection.MAXIMIZE else 1.0
        start, size = self._first, optimizer.population_size
        while start + size <= number:
            members = [finished[one] for one in range(start, start + size) if one in finished]
            if len(members) < size:
                break
            optimizer.tell([(self._place(one), _loss(one, sign)) for one in members])
            start += size
        optimizer.reseed_rng(seed_of(self._seed, number))
        return point_at(self._sides, optimizer.ask())

    def _place(self, trial: FrozenTrial) -> Floats:
        """Return where a trial lies in the unit cube; what it had not drawn yet, in the middle."""
        return np.array(
            [
                side.share(trial.params[name]) if name in trial.params else 0.5
                for name, side in self._sides.items()
            ]
        )


def _loss(trial: FrozenTrial, sign: float) -> float:
    return sign * trial.values[0] if trial.state is TrialState.COMPLETE else np.inf
