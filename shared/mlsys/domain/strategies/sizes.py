"""How many rows each part gets, and each fold: whole rows, as near to the wish as they can be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

import numpy as np

from mlsys.domain.errors import InvalidInput
from mlsys.domain.records import PARTS, Part
from mlsys.domain.split_params import FOLDED, SplitParams
from mlsys.domain.strategies.base import NOWHERE, Codes

DEFAULT_FOLDS = 5


@dataclass(frozen=True)
class Layout:
    """Rows in the order in which they are drawn, cut into segments: folds of train, val, test.

    `ends` says after how many rows each segment ends; `codes` and `folds` what becomes of it.
    """

    ends: tuple[int, ...]
    codes: Codes
    folds: Codes


def shares(rows: int, ratios: Mapping[Part, Fraction]) -> dict[Part, int]:
    """Share whole rows by largest remainder: each part is within one row of its exact share.

    >>> shares(10, SplitParams().ratios.exact())
    {'train': 7, 'val': 2, 'test': 1}

    """
    return apportioned(rows, {part: rows * ratio for part, ratio in ratios.items()})


def apportioned(rows: int, exact: Mapping[Part, Fraction]) -> dict[Part, int]:
    """Give whole rows to parts that should have `exact`, which sum to `rows`; less than 0 is none.

    >>> apportioned(3, {"train": Fraction(9, 4), "val": Fraction(5, 4), "test": Fraction(-1, 2)})
    {'train': 2, 'val': 1, 'test': 0}

    """
    sizes = {part: max(0, share // 1) for part, share in exact.items()}
    by_remainder = sorted(exact, key=lambda part: (sizes[part] - exact[part], PARTS.index(part)))
    for part in by_remainder[: rows - sum(sizes.values())]:
        sizes[part] += 1
    return sizes


def sizes(rows: int, params: SplitParams) -> dict[Part, int]:
    """Say how many rows each part gets, of those in `rows`.

    Raises:
        InvalidInput: a part would be empty, or there are fewer rows than were asked for.

    >>> sizes(100, SplitParams(test_only=10))
    {'train': 74, 'val': 16, 'test': 10}

    """
    fixed, others = _fixed(params), _others(params)
    left = rows - sum(fixed.values())
    if left < 0 or (left and not others):
        wish = " and ".join(f"{part}_only {size}" for part, size in fixed.items())
        raise InvalidInput(
            f"{wish} cannot be met: the table has {rows} row(s)"
            + (", and the ratio of val is 0" if left > 0 else "")
        )
    found = {**fixed, **shares(left, others)}
    check_none_is_empty(found, params)
    _check_folds(found["train"], params)
    return {part: found.get(part, 0) for part in PARTS}


def check_none_is_empty(found: Mapping[Part, int], params: SplitParams) -> None:
    """Refuse a part without rows, unless it is not wanted. Raises InvalidInput."""
    if any(not found.get(part) for part in wanted_parts(params)):
        raise InvalidInput(
            f"{sum(found.values())} row(s) are too few: they would be shared as "
            + ", ".join(f"{part} {found.get(part, 0)}" for part in PARTS)
        )


def class_sizes(rows: Sequence[int], params: SplitParams) -> list[dict[Part, int]]:
    """Say the same for each class, of `rows` rows each; parts of a class may be empty here.

    Raises:
        InvalidInput: as `sizes` does for all rows together.
    """
    whole = sizes(sum(rows), params)
    found: list[dict[Part, int]] = [dict.fromkeys(PARTS, 0) for _ in rows]
    left = list(rows)
    for part in _fixed(params):
        for at, size in enumerate(_allotted(whole[part], left)):
            found[at][part] = size
            left[at] -= size
    others = _others(params)
    for at, size in enumerate(left):
        found[at] |= shares(size, others)
    return found


def wanted_parts(params: SplitParams) -> list[Part]:
    """Name the parts that must have rows."""
    return [part for part, ratio in params.ratios.exact().items() if ratio]


def folds_of(params: SplitParams) -> int | None:
    """Say how many folds the rows of train get, if any."""
    return (params.n_splits or DEFAULT_FOLDS) if params.strategy in FOLDED else None


def layout(sizes: Mapping[Part, int], *, folds: int | None, first: int = 0) -> Layout:
    """Lay out the parts one after the other; folds differ by one row, from fold `first` on.

    >>> layout({"train": 5, "val": 1, "test": 2}, folds=2).ends
    (3, 5, 6, 8)

    """
    count = folds or 1
    whole, over = divmod(sizes["train"], count)
    lengths = [whole + ((fold - first) % count < over) for fold in range(count)]
    return Layout(
        ends=tuple(accumulate([*lengths, sizes["val"], sizes["test"]])),
        codes=np.array([0] * count + [1, 2], dtype=np.int8),
        folds=np.array([*range(count), NOWHERE, NOWHERE], dtype=np.int8),
    )


def _fixed(params: SplitParams) -> dict[Part, int]:
    given: dict[Part, int | None] = {"train": params.train_only, "test": params.test_only}
    return {part: size for part, size in given.items() if size is not None}


def _others(params: SplitParams) -> dict[Part, Fraction]:
    """Return the ratios of the parts that share what is left."""
    fixed = _fixed(params)
    ratios = {part: ratio for part, ratio in params.ratios.exact().items() if part not in fixed}
    whole = sum(ratios.values())
    return {part: ratio / whole for part, ratio in ratios.items()} if whole else {}


def _check_folds(rows: int, params: SplitParams) -> None:
    folds = folds_of(params)
    if folds is not None and rows < folds:
        raise InvalidInput(f"{folds} folds want as many rows of train, and it gets {rows}")


def _allotted(wanted: int, rows: Sequence[int]) -> list[int]:
    """Take `wanted` of all rows from classes in proportion, by largest remainder."""
    whole = sum(rows)
    found = [wanted * size // whole for size in rows]
    by_remainder = sorted(range(len(rows)), key=lambda at: (-(wanted * rows[at] % whole), at))
    for at in by_remainder[: wanted - sum(found)]:
        found[at] += 1
    return found
