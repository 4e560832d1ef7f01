"""How a table is divided into train, val and test: the strategies and what each needs."""

from fractions import Fraction
from math import isclose
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from mlsys.domain.contract import ColumnName, Count, Duration
from mlsys.domain.records import PARTS, Input, Part

Strategy = Literal[
    "random",
    "stratified",
    "group",
    "time",
    "hash",
    "predefined",
    "kfold",
    "stratified_kfold",
    "group_kfold",
]
FOLDED = frozenset({"kfold", "stratified_kfold", "group_kfold"})
SIZED = frozenset({"random", "stratified", "time", "kfold", "stratified_kfold"})
BELONGS: dict[str, frozenset[str]] = {
    "bins": frozenset({"stratified", "stratified_kfold"}),
    "group_column": frozenset({"group", "group_kfold"}),
    "time_column": frozenset({"time"}),
    "gap": frozenset({"time"}),
    "key_columns": frozenset({"hash"}),
    "split_column": frozenset({"predefined"}),
    "n_splits": FOLDED,
    "train_only": SIZED,
    "test_only": SIZED,
}
"""Which strategies a parameter is for."""

Ratio = Annotated[float, Field(gt=0, lt=1)]


class Ratios(Input):
    """How the rows are shared: three fractions that sum to 1; only with folds may val be 0.

    Attributes:
        train: the share that models learn from.
        val: the share that trials are compared on.
        test: the share that nothing but the winner sees.
    """

    train: Ratio = 0.7
    val: Annotated[float, Field(ge=0, lt=1)] = 0.15
    test: Ratio = 0.15

    @model_validator(mode="after")
    def _sum_to_one(self) -> Self:
        total = self.train + self.val + self.test
        if not isclose(total, 1, abs_tol=1e-9):
            raise ValueError(f"ratios must sum to 1, got {total:g}")
        return self

    def exact(self) -> dict[Part, Fraction]:
        """The fractions as they were written, free of binary rounding; they sum to exactly 1."""
        written = {part: Fraction(str(getattr(self, part))) for part in PARTS}
        total = sum(written.values())
        return {part: share / total for part, share in written.items()}


class SplitParams(Input):
    """How a table is split.

    Attributes:
        strategy: see docs/splits.md.
        ratios: the share of each part. `predefined` has no use for them.
        seed: of whatever is drawn; `time`, `hash` and `predefined` draw nothing.
        target_column: what `stratified` keeps in proportion, if the contract names no target.
        bins: how many quantile bins a numeric target is stratified by; 10, if it is no integer.
        group_column: no value of it stands in two parts (or folds), if the contract names none.
        time_column: what `time` goes by, if the contract names none.
        gap: time that is left out after train, and after val; its rows are in no part.
        key_columns: what `hash` goes by, if the contract names no keys.
        split_column: says of each row `train`, `val` or `test`.
        n_splits: how many folds the rows of train get, in a column `fold` from 0; by default 5.
        train_only: rows of train; the others are shared by the ratios of val and test.
        test_only: rows of test; the others are shared by the ratios of train and val.
        strict: refuse what would be a warning about leaks or parts.
    """

    strategy: Strategy = "random"
    ratios: Ratios = Ratios()
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    target_column: ColumnName | None = None
    bins: Annotated[int, Field(ge=2, le=100)] | None = None
    group_column: ColumnName | None = None
    time_column: ColumnName | None = None
    gap: Duration | None = None
    key_columns: Annotated[list[ColumnName], Field(min_length=1, max_length=50)] | None = None
    split_column: ColumnName | None = None
    n_splits: Annotated[int, Field(ge=2, le=100)] | None = None
    train_only: Count | None = None
    test_only: Count | None = None
    strict: bool = False

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        given: dict[str, Any] = {name: getattr(self, name) for name in BELONGS}
        for name, strategies in BELONGS.items():
            if given[name] is not None and self.strategy not in strategies:
                wanted = ", ".join(sorted(strategies))
                raise ValueError(f"{name} is for {wanted}, and the strategy is {self.strategy}")
        if self.strategy == "predefined" and self.split_column is None:
            raise ValueError("predefined needs split_column")
        if not self.ratios.val and self.strategy not in FOLDED:
            raise ValueError("the ratio of val may be 0 only with folds")
        return self
