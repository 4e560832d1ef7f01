"""A whole table through a strategy, in whatever blocks."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from hypothesis import strategies as st

from mlsys.domain.records import PARTS
from mlsys.domain.split_params import Ratios, SplitParams
from mlsys.domain.splitting import Assigned, Assigner, assigner

COLUMNS: dict[str, Any] = {"target": "y", "group": "g", "time": "t", "keys": ["k"]}
CUTS = st.lists(st.integers(0, 400), max_size=6)
PERCENT = st.tuples(st.integers(10, 80), st.integers(10, 80)).filter(lambda two: sum(two) <= 90)
RATIOS = PERCENT.map(
    lambda two: Ratios(train=two[0] / 100, val=two[1] / 100, test=(100 - sum(two)) / 100)
)
SEEDS = st.integers(0, 2**31 - 1)


def blocks(table: pl.DataFrame, cuts: Sequence[int] = ()) -> Iterator[tuple[int, pl.DataFrame]]:
    """Yield the table cut at these rows, with the number of rows before each block."""
    bounds = sorted({0, table.height, *(cut for cut in cuts if cut < table.height)})
    for start, end in pairwise(bounds):
        yield start, table[start:end]


def settled(table: pl.DataFrame, *, cuts: Sequence[int] = (), **params: Any) -> Assigner:
    """Return a strategy that knows the table; columns are called y, g, t and k."""
    made = assigner(SplitParams(**params), names=table.columns, **COLUMNS)
    for start, block in blocks(table, cuts):
        if made.needs == "columns":
            made.survey(block, start)
    made.settle(table.height)
    return made


def assigned(made: Assigner, table: pl.DataFrame, cuts: Sequence[int] = ()) -> Assigned:
    """Let a strategy assign the table."""
    steps = [cut // made.step * made.step for cut in cuts]
    found = [made.assign(block, start) for start, block in blocks(table, steps)]
    made.finish()
    folds = [one.folds for one in found if one.folds is not None]
    assert len(folds) in {0, len(found)}
    return Assigned(
        np.concatenate([one.codes for one in found]), np.concatenate(folds) if folds else None
    )


def split(table: pl.DataFrame, *, cuts: Sequence[int] = (), **params: Any) -> Assigned:
    """Split a table."""
    return assigned(settled(table, cuts=cuts, **params), table, cuts)


def sizes_of(found: Assigned) -> dict[str, int]:
    """Count the rows of each part."""
    return {part: int((found.codes == code).sum()) for code, part in enumerate(PARTS)}


def names_of(found: Assigned) -> list[str]:
    """Name the part of each row, "-" for none."""
    return [([*PARTS, "-"])[code] for code in found.codes.tolist()]
