"""What a trial learns from and is judged on: train and val, or the folds of train in turn."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from heapq import heapify, heapreplace

import numpy as np
import numpy.typing as npt
import polars as pl

from mlsys.domain.choices import TaskType
from mlsys.domain.errors import InvalidInput
from mlsys.domain.learners.base import Examples
from mlsys.domain.messages import ExperimentWish
from mlsys.domain.records import Part
from mlsys.domain.split_records import Role, Split
from mlsys.domain.strategies.draws import Draws

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Fold:
    """Rows to learn from, and others to stop early, prune and judge by.

    `places` says which rows of train `val` are; None where it is the part val.
    """

    train: Examples
    val: Examples
    places: Numbers | None = None


def fold_numbers(train: pl.DataFrame, split: Split, wish: ExperimentWish) -> Numbers | None:
    """Say in which fold each row of train is.

    They are those of the split, if it made any. Else, with `cv_folds`, they are drawn: whole
    groups where the split kept groups together, classes in proportion where classes are learnt.

    Args:
        train: (n, k), the rows as they are stored.
        split: says which column holds folds, or groups.
        wish: says how many folds are wanted.

    Returns:
        (n,) from 0; None: there are no folds.

    Raises:
        InvalidInput: the folds of the split are of another number than is wanted; they would mix
            what was split by time; a class or the groups are too few for them.

    """
    roles = {column.role: column.name for column in split.columns}
    if Role.FOLD in roles:
        folds = train[roles[Role.FOLD]].to_numpy().astype(np.int64)
        found = int(folds.max()) + 1
        if wish.cv_folds not in {None, found}:
            raise InvalidInput(f"cv_folds: the split has {found} folds, {wish.cv_folds} are wanted")
        return folds
    if wish.cv_folds is None:
        return None
    if split.strategy == "time":
        raise InvalidInput(
            "cv_folds: folds mix rows of all times, and the split keeps their order: leave "
            "cv_folds out, and trials are judged on val, which is later than train"
        )
    if split.strategy == "group" and Role.GROUP in roles:
        return _of_groups(train[roles[Role.GROUP]], wish.cv_folds, wish.optuna_config.seed)
    classes = train[wish.target_column] if wish.task_type is TaskType.CLASSIFICATION else None
    return _drawn(train.height, classes, wish.cv_folds, wish.optuna_config.seed)


def folds_of(parts: Mapping[Part, Examples], numbers: Numbers | None) -> tuple[Fold, ...]:
    """Return the folds of train, each val once; without `numbers` the one fold of train and val.

    Args:
        parts: coded rows.
        numbers: (n,) in which fold each row of train is, as `fold_numbers` has them.

    """
    train = parts["train"]
    if numbers is None:
        return (Fold(train, parts["val"]),)
    return tuple(
        Fold(
            _rows(train, np.flatnonzero(numbers != number)),
            _rows(train, places := np.flatnonzero(numbers == number)),
            places,
        )
        for number in range(int(numbers.max()) + 1)
    )


def _drawn(rows: int, classes: pl.Series | None, count: int, seed: int) -> Numbers:
    """Deal the rows out in the order of their ranks, class by class."""
    codes = np.zeros(rows, np.uint32) if classes is None else classes.rank("dense").to_numpy()
    rarest = int(np.unique(codes, return_counts=True)[1].min())
    if rarest < count:
        what = "train has" if classes is None else f"a class of {classes.name!r} has"
        raise InvalidInput(f"cv_folds: {count} folds want as many rows each, and {what} {rarest}")
    order = np.lexsort((Draws(seed).ranks(0, rows), codes))
    folds = np.empty(rows, np.int64)
    folds[order] = np.arange(rows) % count
    return folds


def _of_groups(groups: pl.Series, count: int, seed: int) -> Numbers:
    """Give whole groups, the large ones first, each to the fold with the fewest rows."""
    codes = groups.rank("dense").to_numpy().astype(np.int64) - 1
    sizes = np.bincount(codes)
    if len(sizes) < count:
        raise InvalidInput(
            f"cv_folds: {count} folds want as many groups of {groups.name!r} in train, "
            f"which has {len(sizes)}"
        )
    of_group = np.empty(len(sizes), np.int64)
    loads = [(0, fold) for fold in range(count)]
    heapify(loads)
    for group in np.lexsort((Draws(seed).ranks(0, len(sizes)), -sizes)).tolist():
        load, fold = loads[0]
        of_group[group] = fold
        heapreplace(loads, (load + int(sizes[group]), fold))
    folds: Numbers = of_group[codes]
    return folds


def _rows(examples: Examples, places: Numbers) -> Examples:
    return replace(
        examples,
        matrix=examples.matrix[places],
        target=examples.target[places],
        weights=None if examples.weights is None else examples.weights[places],
    )
