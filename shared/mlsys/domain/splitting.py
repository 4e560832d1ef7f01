"""Dividing a table into train, val and test: which row goes where, and nothing else.

A strategy is one function and one line in `STRATEGIES`. Each gets a permutation that depends on
the seed and the number of rows alone, so neither threads nor the version of a library matter.
"""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import polars as pl

from mlsys.domain.contract import SplitParams
from mlsys.domain.errors import InvalidInput, Violation
from mlsys.domain.records import PARTS, ColumnType, Part
from mlsys.domain.tables import type_of

PART = pl.Enum(PARTS)

Codes = npt.NDArray[np.int8]
Ranks = npt.NDArray[np.uint64]
Strategy = Callable[[pl.DataFrame, SplitParams, str | None], Codes]


def assign_parts(table: pl.DataFrame, params: SplitParams, *, target: str | None) -> pl.Series:
    """Label every row `train`, `val` or `test`.

    The same number of rows, target, ratios and seed always give the same labels.

    Args:
        table: (n, k), n >= 1, checked.
        params: strategy, ratios and seed.
        target: the column of the classes; only `stratified` needs it.

    Returns:
        (n,) labels of type Enum["train", "val", "test"], named `part`.

    Raises:
        InvalidInput: a part would be empty, or would lack a class.

    >>> labels = assign_parts(pl.DataFrame({"x": range(20)}), SplitParams(), target=None)
    >>> sorted(labels.value_counts().rows())
    [('test', 3), ('train', 14), ('val', 3)]

    """
    codes = STRATEGIES[params.strategy](table, params, target)
    return (
        pl.Series("part", codes)
        .cast(pl.Int64)
        .replace_strict(list(range(len(PARTS))), list(PARTS), return_dtype=PART)
    )


def shares(rows: int, ratios: dict[Part, Fraction]) -> dict[Part, int]:
    """Share whole rows by largest remainder: each part is within one row of its exact share.

    >>> shares(10, SplitParams().ratios.exact())
    {'train': 7, 'val': 2, 'test': 1}

    """
    sizes = {part: rows * ratio // 1 for part, ratio in ratios.items()}
    by_remainder = sorted(
        PARTS, key=lambda part: (sizes[part] - rows * ratios[part], PARTS.index(part))
    )
    for part in by_remainder[: rows - sum(sizes.values())]:
        sizes[part] += 1
    return sizes


def duplicates_across(table: pl.DataFrame, parts: pl.Series) -> int:
    """Count the rows whose exact copy lies in another part: what is learnt is then tested."""
    if not table.width:
        return 0
    copies = table.with_columns(parts.alias("\x00part")).group_by(table.columns)
    spread = copies.agg(
        pl.len().alias("\x00rows"), pl.col("\x00part").n_unique().alias("\x00parts")
    )
    return int(spread.filter(pl.col("\x00parts") > 1)["\x00rows"].sum())


def classes_absent(target: pl.Series, parts: pl.Series) -> dict[Part, list[str]]:
    """Name the classes that a part lacks; parts that have all are not listed."""
    everything = target.drop_nulls().unique().sort()
    absent: dict[Part, list[str]] = {}
    for part in PARTS:
        there = target.filter(parts == part).drop_nulls().unique()
        lacking = everything.filter(~everything.is_in(there.implode()))
        if lacking.len():
            absent[part] = [str(one) for one in lacking.head(10)]
    return absent


def _random(table: pl.DataFrame, params: SplitParams, _: str | None) -> Codes:
    sizes = shares(table.height, params.ratios.exact())
    if not all(sizes.values()):
        raise InvalidInput(
            f"{table.height} row(s) are too few: they would be shared as "
            + ", ".join(f"{part} {size}" for part, size in sizes.items())
        )
    codes = np.empty(table.height, dtype=np.int8)
    codes[np.argsort(_ranks(table.height, params.seed), kind="stable")] = _block(sizes)
    return codes


def _stratified(table: pl.DataFrame, params: SplitParams, target: str | None) -> Codes:
    classes = _classes(table, target)
    ratios = params.ratios.exact()
    numbers = classes.rank("dense").to_numpy()
    order = np.lexsort((_ranks(table.height, params.seed), numbers))
    codes = np.empty(table.height, dtype=np.int8)
    refused = []
    start = 0
    for rows in np.bincount(numbers)[1:].tolist():
        sizes = shares(rows, ratios)
        block = order[start : start + rows]
        if not all(sizes.values()):
            refused.append(f"class {str(classes[int(block[0])])[:80]!r} has {rows} row(s)")
        codes[block] = _block(sizes)
        start += rows
    if refused:
        raise InvalidInput(
            f"{len(refused)} class(es) of {target!r} cannot be in each part with ratios "
            f"{', '.join(f'{part} {float(ratio):g}' for part, ratio in ratios.items())}: "
            + "; ".join(refused[:5]),
            tuple(Violation(str(target), one) for one in refused[:100]),
        )
    return codes


def _classes(table: pl.DataFrame, target: str | None) -> pl.Series:
    """Return the column of the classes, after a look at whether it can be one."""
    if target is None or target not in table.columns:
        raise InvalidInput(f"stratified needs the target, and the table has no column {target!r}")
    classes = table[target]
    type = type_of(classes)
    if type in {ColumnType.FLOAT, ColumnType.DECIMAL}:
        raise InvalidInput(f"stratified wants classes, and the target {target!r} is {type}")
    if classes.null_count():
        raise InvalidInput(f"stratified wants a class in every row of {target!r}")
    return classes


def _ranks(rows: int, seed: int) -> Ranks:
    """Draw one number per row: PCG64's raw stream, which NumPy promises never to change."""
    return np.random.PCG64(seed).random_raw(rows)


def _block(sizes: dict[Part, int]) -> Codes:
    return np.repeat(np.arange(len(PARTS), dtype=np.int8), list(sizes.values()))


STRATEGIES: dict[str, Strategy] = {"random": _random, "stratified": _stratified}
