"""Tables in small words, held against a contract in blocks of any size."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import polars as pl

from mlsys.domain.checks import Checker
from mlsys.domain.contract import Contract
from mlsys.domain.report import Reason, Report


def contract_of(**contract: Any) -> Contract:
    return Contract.model_validate(contract)


def checked(
    table: pl.DataFrame | Mapping[str, Sequence[Any]],
    contract: Contract,
    *,
    raw: pl.DataFrame | None = None,
    unfit: Mapping[str, Sequence[bool]] | None = None,
    blocks: Sequence[int] = (),
    uploaded_at: datetime | None = None,
) -> tuple[Report, list[int]]:
    """Return the report, and which rows are bad. `blocks` are the heights of the first blocks."""
    typed = table if isinstance(table, pl.DataFrame) else pl.DataFrame(table, strict=False)
    masks = {name: pl.Series(mask) for name, mask in (unfit or {}).items()}
    checker = Checker(contract, typed.columns, first_row=2, uploaded_at=uploaded_at)
    bad: list[int] = []
    start = 0
    for height in [*blocks, typed.height]:
        some = typed.slice(start, height)
        if some.is_empty():
            continue
        shown = (typed if raw is None else raw).slice(start, height)
        mask = checker.look(
            partial(pl.DataFrame, shown),
            some,
            {name: one.slice(start, height) for name, one in masks.items()},
            start=start,
        )
        bad += [] if mask is None else [start + at for at in mask.arg_true()]
        start += some.height
    return checker.report(), bad


def broken(report: Report) -> dict[tuple[str, str | None], Reason]:
    return {(one.rule, one.column): one for one in report.reasons}


def rules(report: Report) -> list[str]:
    return [one.rule for one in report.reasons]
