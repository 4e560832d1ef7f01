"""Holding a table against its contract, block by block: every broken rule, with the bad rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

import polars as pl

from mlsys.domain.contract import Contract
from mlsys.domain.errors import InvalidInput
from mlsys.domain.report import Report
from mlsys.domain.rules.column_rules import ColumnRules
from mlsys.domain.rules.repeats import Repeats
from mlsys.domain.rules.table_rules import TableRules
from mlsys.domain.rules.tallies import Place, Tallies, Tally
from mlsys.domain.split_records import Column
from mlsys.domain.tables import type_of


class Checker:
    """Holds the blocks of one table against a contract, each once and in their order.

    What it finds does not depend on how the rows are divided into blocks. Its memory does not grow
    with the table, but for 13 to 26 bytes for each value that must be unique.

    Args:
        contract: what is promised.
        names: all columns of the table.
        first_row: what a person calls the first row: 2 below the header of a CSV, else 1.
        uploaded_at: what `max_age` is counted back from.

    Attributes:
        nulls: by column, how many cells are null in our types, in the rows that are kept: all, or
            under `quarantine_rows` those that are not bad.

    Raises:
        InvalidInput: a rule is about a role that no column has, or a pattern is none.

    >>> contract = Contract.model_validate({"columns": {"age": {"max": 120}}})
    >>> checker = Checker(contract, ["age"], first_row=2)
    >>> block = pl.DataFrame({"age": [31, 310]})
    >>> checker.look(lambda: block, block, {}, start=0).to_list()
    [False, True]
    >>> checker.report().reasons[0].message
    "column 'age': want at most 120; 1 row(s) break this, first 3"

    """

    def __init__(
        self,
        contract: Contract,
        names: Sequence[str],
        *,
        first_row: int,
        uploaded_at: datetime | None = None,
    ) -> None:
        try:
            contract.check_roles()
        except ValueError as error:
            raise InvalidInput(f"the contract cannot be used: {error}") from error
        self.nulls = dict.fromkeys(names, 0)
        self._first_row = first_row
        self._leaves_out = contract.on_violation == "quarantine_rows"
        self._rows = self._bad_rows = 0
        self._repeats = Repeats()
        self._tallies = Tallies(contract, names)
        self._columns = [ColumnRules(name, contract, tallies=self._tallies) for name in names]
        self._keys: Tally | None = None
        if contract.unique_keys and set(contract.unique_keys) <= set(names):
            wanted = "values that no earlier row has together"
            self._keys = self._tallies.open("unique_keys", contract.unique_keys, wanted)
        self._table = TableRules(contract, names, uploaded_at=uploaded_at)

    def look(
        self,
        raw: Callable[[], pl.DataFrame],
        typed: pl.DataFrame,
        unfit: Mapping[str, pl.Series],
        *,
        start: int,
    ) -> pl.Series | None:
        """Hold the next block against the contract.

        Args:
            raw: gives (n, k) as the file has it; what is shown of a bad cell comes from there.
            typed: (n, k), the same rows in our types; cells that do not fit are missing.
            unfit: by column, (n,) whether a cell is there and is not of the wanted type.
            start: how many rows the blocks before had.

        Returns:
            (n,) whether a row breaks a rule about rows, or None if none does.

        Raises:
            InvalidInput: a bound or an allowed value is none of the type a column turned out to
                have.
            TooLarge: more values must be unique than can be remembered.
        """
        place = Place(raw, self._first_row + start)
        nulls = dict(zip(typed.columns, typed.null_count().row(0), strict=True))
        missing = {
            name: count - (int(unfit[name].sum()) if name in unfit else 0)
            for name, count in nulls.items()
        }
        bad = None
        for tally, broken in self._broken(typed, unfit, missing):
            self._tallies.add(tally, broken, place)
            bad = broken if bad is None else bad | broken

        kept = typed if bad is None or not self._leaves_out else typed.filter(~bad)
        self._table.look(typed, missing, kept)
        for name, count in zip(nulls, kept.null_count().row(0), strict=True):
            self.nulls[name] += count
        self._rows += typed.height
        self._bad_rows += 0 if bad is None else int(bad.sum())
        return bad

    def report(self) -> Report:
        """Say what was found, after the last block, rules about the whole table included."""
        return Report(
            rows=self._rows,
            bad_rows=self._bad_rows,
            reasons=[*self._tallies.reasons(), *self._table.reasons()],
            warnings=[*self._table.warnings()],
        )

    def _broken(
        self, typed: pl.DataFrame, unfit: Mapping[str, pl.Series], missing: Mapping[str, int]
    ) -> Iterator[tuple[Tally, pl.Series]]:
        for column in self._columns:
            name = column.name
            yield from column.broken(
                typed[name],
                unfit=unfit.get(name),
                missing=missing[name],
                repeats=self._repeats,
            )
        if self._keys is not None:
            together = ", ".join(map(repr, self._keys.columns))
            values = typed.select(self._keys.columns)
            repeated = self._repeats.look(f"columns {together} together", values)
            if repeated is not None:
                yield self._keys, repeated


def refuses(contract: Contract, report: Report) -> bool:
    """Say whether a table is refused for what was found: bad rows can be left out, tables not."""
    if contract.on_violation == "quarantine_rows":
        return any(reason.scope == "table" for reason in report.reasons)
    return contract.on_violation == "reject" and not report.passed


def columns_of(schema: pl.Schema, nulls: Mapping[str, int], contract: Contract) -> list[Column]:
    """List the columns of a table with their roles, and whether they are sensitive.

    Args:
        schema: their types, which are ours.
        nulls: how many cells are null, by column.
        contract: says both.
    """
    return [
        Column(
            name=name,
            type=type_of(pl.Series(dtype=dtype)),
            nullable=nulls[name] > 0,
            role=contract.rule(name).role,
            sensitive=contract.rule(name).sensitive,
        )
        for name, dtype in schema.items()
    ]
