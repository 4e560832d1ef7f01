"""Dividing a table into train, val and test: which row goes where, and nothing else.

A strategy is one class in `strategies/` that does what `Assigner` says, and one line in
`STRATEGIES`. All are deterministic: the raw stream of NumPy's PCG64 and SHA-256 are all the chance
there is, so neither threads nor the version of a library matter.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from mlsys.domain.errors import InvalidInput, Violation
from mlsys.domain.split_params import FOLDED, SplitParams, Strategy
from mlsys.domain.strategies.base import Assigned, Assigner, Plan
from mlsys.domain.strategies.groups import GroupedRows
from mlsys.domain.strategies.hashed import HashedKeys
from mlsys.domain.strategies.predefined import Predefined
from mlsys.domain.strategies.rows import RandomRows
from mlsys.domain.strategies.stratified import StratifiedRows
from mlsys.domain.strategies.times import OrderedRows
from mlsys.domain.strategies.windows import random_rows

__all__ = ["FOLD", "STRATEGIES", "Assigned", "Assigner", "assigner"]

FOLD = "fold"
"""The column of train that has the folds."""

STRATEGIES: Mapping[Strategy, Callable[[Plan], Assigner]] = {
    "random": random_rows,
    "stratified": StratifiedRows,
    "group": GroupedRows,
    "time": OrderedRows,
    "hash": HashedKeys,
    "predefined": Predefined,
    "kfold": RandomRows,
    "stratified_kfold": StratifiedRows,
    "group_kfold": GroupedRows,
}

NEEDED: Mapping[Strategy, str] = {
    "stratified": "a target",
    "stratified_kfold": "a target",
    "group": "a group column",
    "group_kfold": "a group column",
    "time": "a time column",
    "hash": "key columns",
}
"""What must be named, unless it is a parameter of the strategy alone."""


def assigner(
    params: SplitParams,
    *,
    names: Sequence[str],
    target: str | None = None,
    group: str | None = None,
    time: str | None = None,
    keys: Iterable[str] = (),
    first_row: int = 1,
    sensitive: Collection[str] = (),
) -> Assigner:
    """Make what says where the rows of a table go.

    Args:
        params: what is wanted.
        names: the columns of the table.
        target: the column of the classes; `stratified` and `stratified_kfold` need it.
        group: the column that is kept together; `group` and `group_kfold` need it.
        time: the column that `time` goes by.
        keys: the columns that `hash` goes by.
        first_row: what people call the first row of the table.
        sensitive: columns of which no value is told.

    Raises:
        InvalidInput: the strategy needs a column that is not there, or would make one that is.

    >>> import polars as pl
    >>> drawn = assigner(SplitParams(seed=7), names=["x"])
    >>> drawn.settle(10)
    >>> drawn.assign(pl.DataFrame({"x": range(10)}), 0).codes.tolist()
    [0, 2, 0, 0, 0, 1, 0, 1, 0, 0]

    """
    plan = Plan(
        params,
        target=target or "",
        group=group or "",
        time=time or "",
        keys=tuple(keys) or ("",),
        first_row=first_row,
        sensitive=frozenset(sensitive),
    )
    made = STRATEGIES[params.strategy](plan)
    if "" in made.columns:
        raise InvalidInput(f"{params.strategy} needs {NEEDED[params.strategy]}")
    lacking = [column for column in made.columns if column not in names]
    if lacking:
        raise InvalidInput(
            f"{params.strategy} goes by {', '.join(map(repr, made.columns))}, and the table has no "
            f"column {', '.join(map(repr, lacking))}",
            tuple(Violation(column, "no such column") for column in lacking),
        )
    if params.strategy in FOLDED and FOLD in names:
        raise InvalidInput(
            f"{params.strategy} writes the folds into a column {FOLD!r}, and the table has one: "
            "rename it"
        )
    return made
