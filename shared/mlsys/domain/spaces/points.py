"""Whole spaces at once: as a grid of all their points, and as sides by Optuna's names."""

from collections.abc import Collection, Mapping
from math import prod

import numpy as np

from mlsys.domain.learners.base import Floats
from mlsys.domain.messages import MAX_TRIALS
from mlsys.domain.spaces.dimensions import Choice, Dimension, Float, Int
from mlsys.domain.spaces.search import MODEL_TYPE, Params, Space, Spaces, as_optuna, optuna_name

MAX_POINTS = 1_000_000


def sides_of(spaces: Spaces) -> Mapping[str, Dimension]:
    """Return every parameter that a trial may draw, by Optuna's names."""
    sides: dict[str, Dimension] = {}
    if len(spaces) > 1:
        sides[MODEL_TYPE] = Choice(tuple(one.value for one in spaces))
    for model_type, space in spaces.items():
        sides |= {optuna_name(model_type, name, spaces): one for name, one in space.items()}
    return sides


def point_at(sides: Mapping[str, Dimension], shares: Floats) -> Params:
    """Return the point whose place along each side is its share in [0, 1]."""
    return {
        name: side.at(float(share))
        for (name, side), share in zip(sides.items(), shares, strict=True)
    }


def searched_numbers(sides: Mapping[str, Dimension]) -> dict[str, Float | Int]:
    """Return the sides that are numbers and not fixed."""
    return {
        name: side
        for name, side in sides.items()
        if not isinstance(side, Choice) and side.low < side.high
    }


def uncounted(space: Space) -> list[str]:
    """Name the parameters whose values cannot be counted, so that they make no grid."""
    return [name for name, side in space.items() if side.values is None]


def grid_size(spaces: Spaces) -> int:
    """Count the points of all grids; every value must be countable."""
    return sum(_size(space) for space in spaces.values())


def grid_of(spaces: Spaces, *, seed: int, without: Collection[Params] = ()) -> list[Params]:
    """Return points of the grids in an order drawn by the seed: all, or as many as a study may try.

    Args:
        spaces: at most 1,000,000 points, none uncounted.
        seed: of the order.
        without: points that are tried anyhow.

    >>> from mlsys.domain.spaces.dimensions import Int
    >>> from mlsys.domain.choices import ModelType
    >>> spaces = {ModelType.CATBOOST: {"depth": Int(3, 4), "one_hot_max_size": Int(2, 4)}}
    >>> len(grid_of(spaces, seed=0, without=[{"depth": 3, "one_hot_max_size": 2}]))
    5

    """
    size = grid_size(spaces)
    tried = min(size, MAX_TRIALS + len(without))
    order = np.random.default_rng(seed).choice(size, size=tried, replace=False)
    points = (_point(spaces, int(place)) for place in order)
    return [point for point in points if point not in without][:MAX_TRIALS]


def _size(space: Space) -> int:
    return prod(len(side.values or ()) for side in space.values())


def _point(spaces: Spaces, place: int) -> Params:
    """Return one of all points: the library's grid first, then a digit for each parameter."""
    ends = np.cumsum([_size(space) for space in spaces.values()])
    which = int(np.searchsorted(ends, place, side="right"))
    model_type, space = list(spaces.items())[which]
    rest = place - (int(ends[which - 1]) if which else 0)
    point = {}
    for name, side in space.items():
        values = side.values or ()
        rest, digit = divmod(rest, len(values))
        point[name] = values[digit]
    return as_optuna(model_type, point, spaces)
