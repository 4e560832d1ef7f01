"""How much each searched parameter decided whether a trial was among the best: PED-ANOVA.

S. Watanabe, A. Bansal and F. Hutter, "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance
in Arbitrary Subspaces", IJCAI 2023, https://arxiv.org/abs/2304.10255: where the best tenth of the
trials lies along a parameter is compared with where all lie, by the Pearson divergence of two
kernel density estimates on a grid. Parameters that only some trials have, and that were searched
in several places, are weighed as in K. Ito et al., "Conditional PED-ANOVA", 2026,
https://arxiv.org/abs/2601.20800. Optuna 5 computes the same; what answers calls does without it.
"""

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

TOP_SHARE = 0.1
GRID_POINTS = 50
MIN_TRIALS_PER_REGIME = 2
PRIOR_WEIGHT = 1.0
FLOOR = 1e-12
# Scott's rule; and 90 % of the narrowest kernel lies on one point of the grid.
SCOTT, QUARTILES_OF_NORMAL = 1.059, 1.34
LEAST_WIDTH = 0.5 / 1.64

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Observed:
    """One completed trial.

    Attributes:
        loss: finite; the less, the better.
        params: by name, Optuna's JSON of the distribution that it was drawn from, and the value.
    """

    loss: float
    params: Mapping[str, tuple[str, Any]]


def ped_anova(trials: Sequence[Observed]) -> dict[str, float]:
    """Return the importance of each parameter that any trial has, >= 0, in no unit.

    With less than two trials, and for a parameter that could not be anything else, it is 0.
    """
    names = sorted({name for trial in trials for name in trial.params})
    if len(trials) < MIN_TRIALS_PER_REGIME:
        return dict.fromkeys(names, 0.0)
    top = top_of([trial.loss for trial in trials], TOP_SHARE)
    return {name: _importance(name, trials, top) for name in names}


def top_of(losses: Sequence[float], share: float) -> set[int]:
    """Return which are among the best `share`, rounded up; ties with the last are in.

    >>> sorted(top_of([3.0, 1.0, 2.0, 1.0], 0.25))
    [1, 3]

    """
    if not losses:
        return set()
    worst = sorted(losses)[math.ceil(share * len(losses)) - 1]
    return {place for place, loss in enumerate(losses) if loss <= worst}


def _importance(name: str, trials: Sequence[Observed], top: set[int]) -> float:
    """Sum over the regimes of a parameter: the distributions that it was drawn from."""
    regimes: dict[str, list[int]] = defaultdict(list)
    for place, trial in enumerate(trials):
        if name in trial.params:
            regimes[trial.params[name][0]].append(place)
    importance = 0.0
    for distribution, members in regimes.items():
        best = [place for place in members if place in top]
        if len(members) < MIN_TRIALS_PER_REGIME or not best:
            continue
        grid = _grid(json.loads(distribution)["attributes"])
        if grid is None:
            continue
        divergence = grid.divergence(
            [trials[place].params[name][1] for place in best],
            [trials[place].params[name][1] for place in members],
        )
        importance += (len(best) / len(top)) ** 2 / (len(members) / len(trials)) * divergence
    return importance * (len(top) / len(trials)) ** 2


@dataclass(frozen=True)
class _Grid:
    """The points that a parameter's values are counted on."""

    points: int
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    choices: tuple[str, ...] = ()

    def divergence(self, best: Sequence[Any], all_: Sequence[Any]) -> float:
        """Return the Pearson divergence between the densities of two lists of values."""
        of_best, of_all = self._density(best) + FLOOR, self._density(all_) + FLOOR
        return float(of_all @ (of_best / of_all - 1) ** 2)

    def _density(self, values: Sequence[Any]) -> Floats:
        """Estimate on each point what share of the values lies there; they sum to 1."""
        if self.choices:
            chosen = (self.choices.index(json.dumps(one)) for one in values)
            places = np.fromiter(chosen, np.int64)
        else:
            there = np.asarray(values, dtype=np.float64)
            scaled = np.log(there) if self.log else there
            width = (self.high - self.low) / (self.points - 1)
            # A value halfway between two points belongs to the lower one.
            places = np.ceil((scaled - self.low) / width - 0.5).astype(np.int64)
        counts = np.bincount(np.clip(places, 0, self.points - 1), minlength=self.points)
        seen = np.flatnonzero(counts)
        kernels = self._choice_kernels(seen) if self.choices else self._kernels(seen, counts[seen])
        weights = np.append(counts[seen], PRIOR_WEIGHT)
        density: Floats = weights / weights.sum() @ kernels
        return density

    def _choice_kernels(self, seen: Ints) -> Floats:
        """Return a row per choice that was seen, and a last one, the prior, that knows nothing."""
        rows = len(seen) + 1
        kernels = np.full((rows, self.points), PRIOR_WEIGHT / rows)
        kernels[np.arange(len(seen)), seen] += 1
        shares: Floats = kernels / kernels.sum(axis=1, keepdims=True)
        return shares

    def _kernels(self, seen: Ints, counts: Ints) -> Floats:
        """Return a normal distribution per point that was seen, and a wide one, on the grid."""
        centres = np.append(seen, (self.points - 1) / 2)
        widths = np.append(np.full(len(seen), _width(seen, counts)), float(self.points))
        edges = np.arange(self.points + 1) - 0.5
        below = _normal((edges - centres[:, None]) / widths[:, None])
        kernels: Floats = np.diff(below) / (below[:, -1:] - below[:, :1])
        return kernels


def _grid(said: Mapping[str, Any]) -> _Grid | None:
    """Return the grid of a distribution; None if only one value can be drawn from it."""
    if "choices" in said:
        choices = tuple(json.dumps(one) for one in said["choices"])
        return None if len(choices) == 1 else _Grid(len(choices), choices=choices)
    low, high, step = said["low"], said["high"], said["step"]
    if low == high or (step is not None and high - low < step):
        return None
    points = GRID_POINTS
    if said["log"]:
        if step is not None:
            points = min(math.ceil(math.log(high - low + 1) / math.log(2)) + 1, points)
        return _Grid(points, math.log(low), math.log(high), log=True)
    if step is not None:
        points = min(round((high - low) / step) + 1, points)
    return _Grid(points, low, high)


def _width(seen: Ints, counts: Ints) -> float:
    """Return how wide a kernel is, by Scott's rule (1992), from places and how often each was."""
    total = int(counts.sum())
    mean = seen @ counts / total
    deviation = math.sqrt(float((seen - mean) ** 2 @ counts) / max(1, total - 1))
    up_to = np.cumsum(counts)
    first = int(np.searchsorted(up_to, total // 4, side="left"))
    third = min(int(np.searchsorted(up_to, total * 3 // 4, side="right")), len(seen) - 1)
    quartiles = float(seen[third] - seen[first]) / QUARTILES_OF_NORMAL
    return max(SCOTT * min(quartiles, deviation) * math.pow(total, -0.2), LEAST_WIDTH)


def _normal(x: Floats) -> Floats:
    """Return the distribution function of the standard normal."""
    flat = [math.erf(one) for one in (x / math.sqrt(2)).ravel()]
    return (1 + np.reshape(flat, x.shape)) / 2
