"""What a whole table is held against: its columns, its rows, its missing cells, its age."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import polars as pl

from mlsys.domain.contract import Contract
from mlsys.domain.literals import written
from mlsys.domain.report import Reason, TableRule
from mlsys.domain.rules.target_rules import TargetRules
from mlsys.domain.split_records import Role
from mlsys.domain.tables import type_of


class TableRules:
    """The rules that are kept or broken by all of a table together.

    Rows that will be left out count for the share of missing cells and for the age, which are about
    the upload, and not for the number of rows and the classes, which are about what is learnt.
    """

    def __init__(
        self, contract: Contract, names: Sequence[str], *, uploaded_at: datetime | None
    ) -> None:
        self._contract = contract
        self._uploaded_at = uploaded_at
        self._rows = 0
        self._rows_kept = 0
        self._missing = dict.fromkeys(names, 0)
        time_column = contract.column_with(Role.TIME)
        self._time_column = time_column if contract.max_age and time_column in names else None
        self._newest: date | None = None
        self._no_time: str | None = None
        target = contract.target_column
        self._target = None
        if target is not None and target in names:
            self._target = TargetRules(target, contract)

    def look(self, typed: pl.DataFrame, missing: Mapping[str, int], kept: pl.DataFrame) -> None:
        """Take in a block: (n, k) in our types, its missing cells by column, the rows kept."""
        self._rows += typed.height
        for name, count in missing.items():
            self._missing[name] += count
        if self._time_column is not None:
            self._look_at_time(typed[self._time_column])
        self._rows_kept += kept.height
        if self._target is not None:
            self._target.look(kept[self._target.name])

    def reasons(self) -> Iterator[Reason]:
        """Name every rule about the whole table that is broken."""
        yield from self._missing_columns()
        least = self._contract.min_rows
        if least is not None and self._rows_kept < least:
            yield _reason("min_rows", f"want at least {least} rows, got {self._rows_kept}")
        yield from self._missing_cells()
        yield from self._age()
        if self._target is not None:
            yield from self._target.reasons()

    def warnings(self) -> Iterator[str]:
        """Say what breaks no rule and may be a mistake."""
        for name, count in self._missing.items():
            if count == self._rows > 0:
                yield f"column {name!r} is missing in every row"
        if self._contract.max_age is None:
            return
        if self._uploaded_at is None:
            yield "max_age was not looked at: nobody said when it was uploaded"
        elif self._newest is not None and _moment(self._newest, time.min) > self._uploaded_at:
            yield f"column {self._time_column!r} has times after the upload"

    def _look_at_time(self, cells: pl.Series) -> None:
        newest: Any = cells.max()
        if newest is None:
            return
        if not isinstance(newest, date):
            self._no_time = str(type_of(cells))
        else:
            self._newest = newest if self._newest is None else max(self._newest, newest)

    def _missing_columns(self) -> Iterator[Reason]:
        contract = self._contract
        every = "required_columns_present" in contract.checks
        rule: TableRule = "required_columns_present" if every else "missing_column"
        wanted = [name for name, one in contract.columns.items() if every or one.required]
        for name in dict.fromkeys([*wanted, *contract.unique_keys]):
            if name not in self._missing:
                message = f"column {name!r} is required, and the table does not have it"
                yield _reason(rule, message, column=name)

    def _missing_cells(self) -> Iterator[Reason]:
        for name, count in self._missing.items():
            own = self._contract.rule(name).max_null_share
            most = self._contract.max_null_share if own is None else own
            if most is not None and self._rows and count / self._rows > most:
                share = f"{count} of {self._rows} cells are missing ({count / self._rows:.3%})"
                message = f"column {name!r}: want at most {most:.3%} missing; {share}"
                yield _reason("max_null_share", message, column=name, count=count)

    def _age(self) -> Iterator[Reason]:
        column, most = self._time_column, self._contract.max_age
        if column is None or most is None or self._uploaded_at is None:
            return
        wanted = f"column {column!r}: want a newest value that is at most {_told(most)} old"
        if self._newest is None:
            got = "no value" if self._no_time is None else self._no_time
            yield _reason("max_age", f"{wanted}, got {got}", column=column)
            return
        age = self._uploaded_at - _moment(self._newest, time.max)
        if age > most:
            hidden = self._contract.rule(column).sensitive
            got = "an older one" if hidden else f"{written(self._newest)}, {_told(age)} old"
            yield _reason("max_age", f"{wanted}, got {got}", column=column)


def _reason(rule: TableRule, message: str, *, column: str | None = None, count: int = 1) -> Reason:
    return Reason(rule=rule, scope="table", column=column, message=message, count=count)


def _moment(newest: date, of_day: time) -> datetime:
    """A date lasts from midnight to midnight, in UTC."""
    if isinstance(newest, datetime):
        return newest
    return datetime.combine(newest, of_day, tzinfo=UTC)


def _told(age: timedelta) -> str:
    return str(age - timedelta(microseconds=age.microseconds))
