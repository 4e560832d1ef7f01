"""Drafting the contract that a table keeps, for a person to go on from."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import polars as pl

from mlsys.domain.contract import ColumnRule, Contract
from mlsys.domain.errors import TooLarge
from mlsys.domain.literals import NUMERIC
from mlsys.domain.rules.repeats import Repeats
from mlsys.domain.split_records import ColumnType, Role
from mlsys.domain.tables import type_of

ENOUGH_ROWS = 100
ENOUGH_EACH = 10
COMPARED_ROWS = 1_000_000
FEW_VALUES = 20
LONGEST_VALUE = 80
NAMES_A_ROW = re.compile(r"(?:^|[^a-z])(?:id|key|uuid|guid|code|nr|number)$|[a-z]I[Dd]$")


class Drafter:
    """Looks at all blocks of a table, then drafts a contract.

    A rule is drafted if honest rows of tomorrow will probably keep it: types, whether cells may be
    missing, and of 100 values or more: `min` 0 where none is negative, `max` 1 where none is more
    (a share, or a yes or no), `allowed_values` where a text has up to 20 and each of them stands
    there 10 times, and the role `key` where whole numbers or text name the rows. The smallest and
    largest values of today are not drafted: tomorrow's will be others.

    >>> drafter = Drafter(["age"])
    >>> drafter.look(pl.DataFrame({"age": [31, None]}))
    >>> drafter.contract().model_dump_json(exclude_defaults=True)
    '{"columns":{"age":{"type":"integer"}}}'

    """

    def __init__(self, names: Sequence[str]) -> None:
        self._columns = [_Column(name) for name in names]
        self._repeats = Repeats()
        self._rows = 0

    def look(self, typed: pl.DataFrame) -> None:
        """Take in the next block: (n, k) in our types."""
        compared = typed.head(max(0, COMPARED_ROWS - self._rows))
        self._rows += typed.height
        for column in self._columns:
            column.look(typed[column.name])
            if column.may_be_key and compared.height:
                column.may_be_key = self._all_new(column.name, compared)

    def contract(self) -> Contract:
        """Draft what all blocks keep."""
        all_compared = self._rows <= COMPARED_ROWS
        rules = {column.name: column.rule(unique=all_compared) for column in self._columns}
        return Contract(columns=rules)

    def _all_new(self, name: str, typed: pl.DataFrame) -> bool:
        try:
            return self._repeats.look(name, typed.select(name)) is None
        except TooLarge:
            return False


class _Column:
    def __init__(self, name: str) -> None:
        self.name = name
        self.may_be_key = NAMES_A_ROW.search(name) is not None
        self._type: ColumnType | None = None
        self._present = 0
        self._nullable = False
        self._least: Any = None
        self._greatest: Any = None
        self._values: Counter[str] | None = Counter()
        self._all_common = False

    def look(self, cells: pl.Series) -> None:
        missing = cells.null_count()
        self._nullable = self._nullable or missing > 0
        if missing == cells.len():
            return
        self._present += cells.len() - missing
        self._type = type_of(cells)
        if self._type in NUMERIC and (self._least is None or self._least >= 0):
            least, greatest = cells.min(), cells.max()
            self._least = least if self._least is None else min(self._least, least)
            self._greatest = greatest if self._greatest is None else max(self._greatest, greatest)
        if self._type is ColumnType.TEXT:
            self._count(cells.drop_nulls())
        keys = self._type in {ColumnType.INTEGER, ColumnType.TEXT}
        self.may_be_key = self.may_be_key and keys

    def rule(self, *, unique: bool) -> ColumnRule:
        enough = self._present >= ENOUGH_ROWS
        if enough and self.may_be_key and not self._nullable:
            return ColumnRule(type=self._type, nullable=False, role=Role.KEY, unique=unique)
        positive = enough and self._least is not None and self._least >= 0
        share = positive and self._type is not ColumnType.DECIMAL and self._greatest <= 1
        return ColumnRule(
            type=self._type,
            nullable=self._nullable,
            min=0 if positive else None,
            max=1 if share else None,
            allowed_values=self._allowed() if enough else None,
        )

    def _count(self, cells: pl.Series) -> None:
        """Count the values as long as they are few; once all are common, only look for others."""
        if self._values is None or (self._all_common and self._are_known(cells)):
            return
        counts = cells.value_counts(name="rows")
        self._values.update(dict(counts.iter_rows()))
        if len(self._values) > FEW_VALUES:
            self._values = None
        else:
            self._all_common = min(self._values.values()) >= ENOUGH_EACH

    def _are_known(self, cells: pl.Series) -> bool:
        different = cells.unique()
        return different.len() <= FEW_VALUES and (self._values or {}).keys() >= set(different)

    def _allowed(self) -> list[Any] | None:
        values = self._values
        common = values and min(values.values()) >= ENOUGH_EACH
        if not values or not common or max(map(len, values)) > LONGEST_VALUE:
            return None
        return sorted(values)
