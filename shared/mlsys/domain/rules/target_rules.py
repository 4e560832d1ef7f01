"""What a target must be so that something can be learnt of it, told block by block."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import polars as pl

from mlsys.domain.choices import TaskType
from mlsys.domain.contract import Contract
from mlsys.domain.literals import NUMERIC
from mlsys.domain.report import MAX_VALUE, Reason, TableRule
from mlsys.domain.split_records import ColumnType
from mlsys.domain.tables import type_of

CLASSES = frozenset({ColumnType.BOOLEAN, ColumnType.TEXT})
MAX_CLASSES = 10_000
NAMED = 10
BINARY = 2


class TargetRules:
    """Counts the classes of a target, or whether its values differ at all.

    Up to 10,000 classes are remembered; a target that has more is refused as one of classes.
    """

    def __init__(self, name: str, contract: Contract) -> None:
        self.name = name
        self._contract = contract
        self._sensitive = contract.rule(name).sensitive
        self._type: ColumnType | None = None
        self._rows: Counter[Any] = Counter()
        self._few: set[Any] = set()

    def look(self, cells: pl.Series) -> None:
        """Take in the cells of some rows that are kept; missing ones count for nothing."""
        known = cells.drop_nulls()
        if known.is_empty():
            return
        self._type = type_of(known)
        if self._has_classes(self._type):
            if len(self._rows) <= MAX_CLASSES:
                self._rows.update(dict(known.value_counts(name="rows").iter_rows()))
        elif len(self._few) <= BINARY:
            self._few.update(known.unique().sort().head(BINARY + 1))

    def reasons(self) -> Iterator[Reason]:
        """Name every rule about the whole target that is broken."""
        contract = self._contract
        if contract.task_type is TaskType.REGRESSION and self._type not in {None, *NUMERIC}:
            yield self._reason("target_numeric", f"want numbers, got {self._type}")
            return
        values = set(self._rows) or self._few
        if len(values) <= 1:
            only = "no value" if not values else f"only {self._named(next(iter(values)))}"
            yield self._reason("target_constant", f"want at least two values, got {only}")
        if "target_binary" in contract.checks and len(values) != BINARY:
            got = f"{len(values)}" if len(values) < BINARY else "more"
            yield self._reason("target_binary", f"want exactly two values, got {got}")
        if len(self._rows) > MAX_CLASSES:
            wanted = f"want at most {MAX_CLASSES:,} classes: is it a number, or names a row?"
            yield self._reason("too_many_classes", wanted)
        else:
            yield from self._small_classes()

    def _has_classes(self, type: ColumnType) -> bool:
        contract = self._contract
        asked = contract.min_class_share is not None
        if contract.task_type is TaskType.REGRESSION:
            return False
        return contract.task_type is TaskType.CLASSIFICATION or asked or type in CLASSES

    def _small_classes(self) -> Iterator[Reason]:
        contract = self._contract
        ordered = sorted(self._rows.items(), key=lambda one: (one[1], one[0]))
        small = [one for one in ordered if one[1] < contract.min_rows_per_class]
        if small:
            wanted = f"want at least {contract.min_rows_per_class} rows of each class"
            named = ", ".join(f"{self._named(value)} has {rows}" for value, rows in small[:NAMED])
            got = f"{len(small)} have fewer" if self._sensitive else named
            yield self._reason("min_rows_per_class", f"{wanted}: {got}", count=len(small))
        if contract.min_class_share is not None and ordered:
            rarest, rows = ordered[0]
            share = rows / self._rows.total()
            if share < contract.min_class_share:
                wanted = f"want at least {contract.min_class_share:g} of the rows in each class"
                yield self._reason(
                    "min_class_share", f"{wanted}: {self._named(rarest)} has {share:.3g}"
                )

    def _named(self, value: object) -> str:
        return "a class" if self._sensitive else repr(str(value)[:MAX_VALUE])

    def _reason(self, rule: TableRule, wanted: str, *, count: int = 1) -> Reason:
        message = f"target {self.name!r}: {wanted}"
        return Reason(rule=rule, scope="table", column=self.name, message=message, count=count)
