"""What the rows of one column are held against, block by block."""

from collections.abc import Iterator

import polars as pl

from mlsys.domain.choices import TaskType
from mlsys.domain.contract import Contract
from mlsys.domain.errors import InvalidInput
from mlsys.domain.rules.cell_rules import cell_rules
from mlsys.domain.rules.repeats import Repeats
from mlsys.domain.rules.tallies import Tallies, Tally
from mlsys.domain.split_records import Role
from mlsys.domain.tables import type_of


class ColumnRules:
    """The rules about the cells of a column: each is counted in a tally of its own.

    Raises:
        InvalidInput: the pattern is none.
    """

    def __init__(self, name: str, contract: Contract, *, tallies: Tallies) -> None:
        self.name = name
        self._rule = rule = contract.rule(name)
        self._dtype: pl.DataType | None = None
        self._unfit = self._absent = self._infinite = self._repeated = None
        if rule.wanted_type is not None:
            self._unfit = tallies.open("type", [name], str(rule.wanted_type))
        if rule.role is Role.TARGET:
            self._absent = tallies.open("target_not_null", [name], "a target in every row")
        elif not rule.nullable:
            self._absent = tallies.open("not_null", [name], "a value in every row")
        elif "no_nulls" in contract.checks:
            self._absent = tallies.open("no_nulls", [name], "a value in every row")
        if rule.role is Role.TARGET and contract.task_type is TaskType.REGRESSION:
            self._infinite = tallies.open("target_finite", [name], "a finite number")
        self._cells = [
            (one, tallies.open(one.rule, [name], one.wanted)) for one in cell_rules(name, rule)
        ]
        if rule.unique:
            self._repeated = tallies.open("unique", [name], "a value that no earlier row has")

    def broken(
        self, cells: pl.Series, *, unfit: pl.Series | None, missing: int, repeats: Repeats
    ) -> Iterator[tuple[Tally, pl.Series]]:
        """Yield each rule that some cells of a block break, and which cells do: (n,) booleans.

        Args:
            cells: (n,) in our types; what does not fit the wanted type is null.
            unfit: (n,) whether a cell is there and does not fit, or None if all do.
            missing: how many cells are not there.
            repeats: remembers what must be unique.

        Raises:
            InvalidInput: a bound or an allowed value is none of the type the column has.
            TooLarge: more must be unique than can be remembered.
        """
        if unfit is not None and self._unfit is not None and unfit.any():
            yield self._unfit, unfit
        if missing and self._absent is not None:
            yield self._absent, cells.is_null() if unfit is None else cells.is_null() & ~unfit
        if cells.null_count() == cells.len():
            return
        self._check_fit(cells)
        if self._infinite is not None and cells.dtype == pl.Float64():
            infinite = cells.is_infinite().fill_null(value=False)
            if infinite.any():
                yield self._infinite, infinite
        for rule, tally in self._cells:
            outside = rule.broken(cells)
            if outside is not None:
                yield tally, outside
        if self._repeated is not None:
            repeated = repeats.look(f"column {self.name!r}", cells.to_frame())
            if repeated is not None:
                yield self._repeated, repeated

    def _check_fit(self, cells: pl.Series) -> None:
        """The type may have been told from the values; a column without any has none yet."""
        if cells.dtype == self._dtype:
            return
        self._dtype = cells.dtype
        try:
            self._rule.check_fit(type_of(cells))
        except ValueError as error:
            raise InvalidInput(
                f"column {self.name!r}: {error}; say in the contract which type it has"
            ) from error
