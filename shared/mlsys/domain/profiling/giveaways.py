"""Features that give the target away: copies of it, and those that predict it all alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import lgamma, log

import numpy as np
import numpy.typing as npt
import polars as pl

from mlsys.domain.profiling.column_tallies import numbers
from mlsys.domain.report import Leak

Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

FALSE_ALARMS = 0.01
"""Of tables whose features are noise, the share in which one may be taken for a copy."""
MIN_ROWS = 20
"""That must speak for a feature: of the rarer class, or besides the most frequent one."""
AUC = 0.995
SPEARMAN = 0.999
TOLD = 0.99
ROWS_PER_BIN = 10
MAX_BINS = 2_000
WITHOUT_ORDER = (pl.String(), pl.Boolean())


@dataclass(frozen=True)
class Target:
    """What is to be predicted.

    Attributes:
        cells: (n,) of which none is missing.
        codes: (n,) the same cells, equal ones with equal numbers from 0.
        has_classes: whether they are classes, not numbers.
    """

    cells: pl.Series
    codes: Codes
    has_classes: bool


def find_giveaways(
    rows: pl.DataFrame, *, target: str, features: Sequence[str], has_classes: bool
) -> list[Leak]:
    """Look at every feature alone.

    A missing cell counts as a value of its own: that a cell is missing may say it all.

    Args:
        rows: (n, k), a sample of train.
        target: its column in `rows`.
        features: their columns in `rows`.
        has_classes: whether the target is classes, not numbers.
    """
    known = rows.filter(pl.col(target).is_not_null())
    if known[target].n_unique() <= 1:
        return []
    aim = Target(known[target], _codes(known[target]), has_classes)
    found = []
    for name in features:
        feature = known[name]
        said = _copy(feature, aim, len(features))
        if said:
            message = (
                f"column {name!r} {said} of the target {target!r} in {known.height:,} rows of "
                "train: leave it out"
            )
            found.append(Leak(kind="copy_of_target", columns=[name, target], message=message))
        elif said := _told_alone(feature, aim):
            message = (
                f"column {name!r} alone predicts the target {target!r} too well ({said}, in "
                f"{known.height:,} rows of train): leave it out if it is known only after the "
                "target is"
            )
            found.append(Leak(kind="predicts_target", columns=[name, target], message=message))
    return found


def _copy(feature: pl.Series, aim: Target, features: int) -> str | None:
    """Whether each value goes with one value of the target, and not by chance."""
    both = feature.is_not_null()
    if 2 * int(both.sum()) < feature.len():
        return None
    there = both.to_numpy()
    mine, theirs = _codes(feature.filter(both)), aim.codes[there]
    sizes = np.unique(theirs, return_counts=True)[1]
    enough = log(FALSE_ALARMS / features)
    if _equal(feature.filter(both), aim.cells.filter(both)) and _chance(sizes) <= enough:
        return "is a copy"
    pairs = np.unique(mine * (int(theirs.max()) + 1) + theirs)
    one_to_one = len(pairs) == len(sizes) == int(mine.max()) + 1
    if one_to_one and _chance(sizes) + _renamings(sizes) <= enough:
        return "is a recoding"
    return None


def _told_alone(feature: pl.Series, aim: Target) -> str | None:
    """Say how well the feature does, if that is too well."""
    by_missing = _missing_told(feature.is_null().to_numpy(), aim)
    if by_missing >= AUC:
        return f"by whether it is missing: AUC {by_missing:.3f}"
    if feature.dtype not in WITHOUT_ORDER:
        by_order = _order_told(numbers(feature), aim)
        if by_order:
            return by_order
    if not aim.has_classes:
        return None
    right, by_chance = _leave_one_out(_groups(feature), aim.codes), max(np.bincount(aim.codes))
    to_be_told = len(aim.codes) - by_chance
    if to_be_told >= MIN_ROWS and (right - by_chance) / to_be_told >= TOLD:
        n = len(aim.codes)
        return f"{right / n:.1%} told right, {by_chance / n:.1%} without any feature"
    return None


def _missing_told(missing: Flags, aim: Target) -> float:
    """Return the AUC with which a cell's absence tells any one class, or a low or high value."""
    if not aim.has_classes:
        return _auc(_ranks(aim.cells), missing)
    sizes = np.bincount(aim.codes)
    inside = np.bincount(aim.codes, weights=missing)
    rest = len(missing) - sizes
    judged = (sizes >= MIN_ROWS) & (rest >= MIN_ROWS)
    apart = inside[judged] / sizes[judged] - (missing.sum() - inside[judged]) / rest[judged]
    return float(0.5 + np.abs(apart).max(initial=0) / 2)


def _order_told(feature: pl.Series, aim: Target) -> str | None:
    there = feature.is_not_null()
    flags = there.to_numpy()
    ranks = _ranks(feature.filter(there))
    if aim.has_classes:
        auc = _auc(ranks, aim.codes[flags] == 1) if int(aim.codes.max()) == 1 else 0
        return f"AUC {auc:.3f}" if auc >= AUC else None
    if 2 * len(ranks) < len(flags) or len(ranks) < MIN_ROWS or not ranks.std():
        return None
    others = _ranks(aim.cells.filter(there))
    correlation = float(np.corrcoef(ranks, others)[0, 1]) if others.std() else 0
    told = abs(correlation) >= SPEARMAN
    return f"rank correlation {correlation:.4f}" if told else None


def _auc(ranks: Floats, positive: Flags) -> float:
    """Return the AUC or, if that is greater, 1 - AUC; 0 where too few rows tell it."""
    ones = int(positive.sum())
    others = len(ranks) - ones
    if min(ones, others) < MIN_ROWS:
        return 0
    auc = (float(ranks[positive].sum()) - ones * (ones + 1) / 2) / (ones * others)
    return max(auc, 1 - auc)


def _leave_one_out(groups: Codes, classes: Codes) -> int:
    """Count the rows whose class is the most frequent one among the others of their group."""
    width = int(classes.max()) + 1
    pairs, counts = np.unique(groups * width + classes, return_counts=True)
    of_group = pairs // width
    order = np.lexsort((-counts, of_group))
    of_group, counts = of_group[order], counts[order]
    first = np.flatnonzero(np.r_[True, of_group[1:] != of_group[:-1]])
    alone = np.r_[np.diff(first), len(counts) - first[-1]] == 1
    second = np.where(alone, 0, counts[np.minimum(first + 1, len(counts) - 1)])
    best = counts[first]
    return int(best[best - 1 > second].sum())


def _groups(feature: pl.Series) -> Codes:
    """Group rows of equal cells; of numbers with many different values, rows of near ones."""
    codes = _codes(feature)
    bins = min(feature.len() // ROWS_PER_BIN, MAX_BINS)
    if feature.dtype in WITHOUT_ORDER or int(codes.max()) <= bins or not bins:
        return codes
    ranks = feature.rank("min").cast(pl.Int64) - 1
    near: Codes = (ranks * bins // feature.len() + 1).fill_null(0).to_numpy()
    return near


def _equal(feature: pl.Series, target: pl.Series) -> bool:
    """Whether all cells are the same, be they numbers or the text of numbers."""
    if feature.dtype == target.dtype:
        return bool((feature == target).all())
    return bool((_as_floats(feature) == _as_floats(target)).fill_null(value=False).all())


def _as_floats(cells: pl.Series) -> pl.Series:
    if cells.dtype in WITHOUT_ORDER:
        return cells.cast(pl.String).cast(pl.Float64, strict=False)
    return numbers(cells).cast(pl.Float64)


def _chance(sizes: Codes) -> float:
    """Return the logarithm of the chance that a shuffled target equals itself."""
    return sum(lgamma(size + 1) for size in sizes.tolist()) - lgamma(int(sizes.sum()) + 1)


def _renamings(sizes: Codes) -> float:
    """Return the logarithm of the number of ways to rename values of equal frequency."""
    return sum(lgamma(alike + 1) for alike in np.unique(sizes, return_counts=True)[1].tolist())


def _codes(cells: pl.Series) -> Codes:
    """Number equal cells equally, from 0; missing cells last."""
    ordered = cells.cast(pl.Int64) if cells.dtype == pl.Boolean() else cells
    dense = ordered.rank("dense").cast(pl.Int64) - 1
    codes: Codes = dense.fill_null(cells.drop_nulls().n_unique()).to_numpy()
    return codes


def _ranks(cells: pl.Series) -> Floats:
    ranks: Floats = cells.rank("average").to_numpy()
    return ranks
