"""Holding a table against its contract: every broken rule at once, with the rows that break it."""

from dataclasses import dataclass

import polars as pl

from mlsys.domain.contract import MAX_CELLS, MAX_VALUE, Cell, ColumnRule, Contract, Reason, Report
from mlsys.domain.messages import TaskType
from mlsys.domain.records import Column, ColumnType, Role
from mlsys.domain.tables import RawTable, guess, missing, normal, parse, remarks, type_of

NUMERIC = {ColumnType.INTEGER, ColumnType.FLOAT, ColumnType.DECIMAL}
CLASSES = {ColumnType.BOOLEAN, ColumnType.TEXT}


@dataclass(frozen=True)
class Checked:
    """A table with its types, and what is wrong with it. Cells that did not fit are missing."""

    table: pl.DataFrame
    report: Report


def check(raw: RawTable, contract: Contract) -> Checked:
    """Give every column its type, and hold the table against its contract.

    Args:
        raw: (n, k), as its file has it.
        contract: what is promised; columns it does not name are kept, their types told by guess.

    Returns:
        The (n, k) table in our types, and a report that is empty if every promise is kept.

    Raises:
        InvalidInput: a column holds what no table of ours can hold.

    >>> raw = RawTable(pl.DataFrame({"age": ["31", "old"]}), first_row=2, untyped={"age"})
    >>> checked = check(raw, Contract(columns={"age": ColumnRule(type=ColumnType.INTEGER)}))
    >>> [(reason.rule, reason.cells[0].row) for reason in checked.report.reasons]
    [('type', 3)]

    """
    reasons: list[Reason] = []
    warnings: list[str] = []
    typed: list[pl.Series] = []
    for read in raw.frame:
        source = read if read.name in raw.untyped else normal(read)
        rule = contract.columns.get(read.name, ColumnRule())
        column = _typed(source, rule, untyped=read.name in raw.untyped)
        typed.append(column)
        warnings += remarks(source, column)
        reasons += _column_reasons(source, column, rule, raw.first_row)
        if column.len() and column.null_count() == column.len():
            warnings.append(f"column {read.name!r} is missing in every row")

    table = pl.DataFrame(typed)
    for name, rule in contract.columns.items():
        if rule.required and name not in table.columns:
            message = f"column {name!r} is required, and the table does not have it"
            reasons.append(Reason(rule="missing_column", column=name, message=message, count=1))
    target = contract.target_column
    if target in table.columns:
        reasons += _target_reasons(table[target], contract, raw.first_row)
    return Checked(table, Report(reasons=reasons, warnings=warnings))


def columns_of(table: pl.DataFrame, contract: Contract) -> list[Column]:
    """List the columns of a checked table with what the contract says they are for."""
    return [
        Column(
            name=column.name,
            type=type_of(column),
            nullable=column.null_count() > 0,
            role=contract.columns.get(column.name, ColumnRule()).role,
        )
        for column in table
    ]


def draft_contract(table: pl.DataFrame) -> Contract:
    """Write the contract that a checked table keeps, for a person to go on from."""
    return Contract(
        columns={
            column.name: ColumnRule(type=type_of(column), nullable=column.null_count() > 0)
            for column in table
        }
    )


def _typed(source: pl.Series, rule: ColumnRule, *, untyped: bool) -> pl.Series:
    if rule.type is not None:
        return parse(source, rule.type)
    return guess(source) if untyped else source


def _column_reasons(
    source: pl.Series, column: pl.Series, rule: ColumnRule, first_row: int
) -> list[Reason]:
    """Say where a cell is not of the type, and where one is missing that must be there."""
    absent = missing(source, type_of(column))
    reasons = []
    if rule.type is not None:
        unfit = column.is_null() & ~absent
        reasons += _reason("type", f"want {rule.type}", source, unfit, first_row)
    if not rule.nullable and rule.role is not Role.TARGET:
        reasons += _reason("not_null", "want a value in every row", source, absent, first_row)
    if rule.role is Role.TARGET:
        reasons += _reason(
            "target_not_null", "want a target in every row", source, absent, first_row
        )
    return reasons


def _target_reasons(target: pl.Series, contract: Contract, first_row: int) -> list[Reason]:
    """Say why nothing could be learnt of this target."""
    type = type_of(target)
    if contract.task_type is TaskType.REGRESSION:
        if type not in NUMERIC:
            return [_of_table("target_numeric", target, f"want numbers, got {type}")]
        number = target.cast(pl.Float64)
        infinite = number.is_infinite().fill_null(value=False)
        return _constant(target) + _reason(
            "target_finite", "want a finite number", target, infinite, first_row
        )
    if contract.task_type is TaskType.CLASSIFICATION or type in CLASSES:
        return _constant(target) + _small_classes(target, contract.min_rows_per_class)
    return _constant(target)


def _constant(target: pl.Series) -> list[Reason]:
    values = target.drop_nulls().unique()
    if values.len() > 1:
        return []
    found = f"only {_shown(values[0])!r}" if values.len() else "none"
    return [_of_table("target_constant", target, f"want at least two values, got {found}")]


def _small_classes(target: pl.Series, at_least: int) -> list[Reason]:
    counts = target.drop_nulls().value_counts(sort=True, name="rows")
    small = counts.filter(pl.col("rows") < at_least).sort("rows", target.name)
    if small.is_empty():
        return []
    named = ", ".join(f"{_shown(value)!r} has {rows}" for value, rows in small.head(10).iter_rows())
    message = f"want at least {at_least} rows of each class: {named}"
    return [_of_table("class_rows", target, message, count=small.height)]


def _of_table(rule: str, target: pl.Series, wanted: str, *, count: int = 1) -> Reason:
    message = f"target {target.name!r}: {wanted}"
    return Reason(rule=rule, column=target.name, message=message, count=count)


def _reason(
    rule: str, wanted: str, source: pl.Series, broken: pl.Series, first_row: int
) -> list[Reason]:
    at = broken.arg_true()
    if at.is_empty():
        return []
    cells = [
        Cell(row=first_row + index, value=_shown(source[index])) for index in at.head(MAX_CELLS)
    ]
    message = (
        f"column {source.name!r}: {wanted}; {at.len()} row(s) break this, first {cells[0].row}"
    )
    return [Reason(rule=rule, column=source.name, message=message, count=at.len(), cells=cells)]


def _shown(value: object) -> str | None:
    return None if value is None else str(value)[:MAX_VALUE]
