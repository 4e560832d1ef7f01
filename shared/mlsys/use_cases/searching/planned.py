"""Samplers whose points depend on nothing but the seed and the trial's number.

Whoever makes a trial, in whichever order, at the first attempt or the third: it tries the same. So
a study that was killed goes on where it was, and its tasks need not know of each other.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zlib import crc32

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial
from typing_extensions import override

from mlsys.domain.spaces.dimensions import Dimension
from mlsys.domain.spaces.points import point_at
from mlsys.domain.spaces.search import Params

SEEDS = 2**31


Draw = Callable[[Study, FrozenTrial, str, BaseDistribution], Any]


class Numbered(BaseSampler):
    """A sampler that needs to know nothing but a trial's number, and what it is asked for."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw

    @override
    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return {}

    @override
    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {}

    @override
    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        return self._draw(study, trial, param_name, param_distribution)


def planned(points: Sequence[Params], *, first: int) -> BaseSampler:
    """Try the points in turn, the first of them in trial `first`."""
    return Numbered(lambda _, trial, name, __: points[trial.number - first][name])


def random(*, seed: int) -> BaseSampler:
    """Draw each parameter of each trial by itself."""

    def draw(study: Study, trial: FrozenTrial, name: str, distribution: BaseDistribution) -> Any:
        drawing = RandomSampler(seed=seed_of(seed, trial.number, crc32(name.encode())))
        return drawing.sample_independent(study, trial, name, distribution)

    return Numbered(draw)


def sobol(sides: Mapping[str, Dimension], *, seed: int, points: int) -> list[Params]:
    """Return points that fill the space evenly: Sobol's sequence, scrambled by the seed."""
    from scipy.stats.qmc import Sobol  # noqa: PLC0415 - half a second, for this sampler alone

    engine = Sobol(len(sides), scramble=True, rng=np.random.default_rng(seed))
    shares = engine.random_base2(max(points - 1, 0).bit_length())
    return [point_at(sides, one) for one in shares[:points]]


def seed_of(*parts: int) -> int:
    """Return a seed that other parts do not share."""
    return int(np.random.SeedSequence(parts).generate_state(1)[0]) % SEEDS
