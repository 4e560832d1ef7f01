"""The part of a split that touches rows: bytes in, three Parquet files and an outcome out.

Runs as `python -m mlsys.use_cases.splitting.divide FOLDER` in a child process, see
confined/processes.py. Whatever the size of the table, only a few blocks of it are in memory: the
rows are read once, or twice where the strategy must have seen all of them before it can say where
one goes.
"""

import gc
import json
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mlsys import __version__
from mlsys.domain.checks import Checker, columns_of, refuses
from mlsys.domain.errors import InvalidInput, MlsysError, Violation
from mlsys.domain.records import Failure
from mlsys.domain.report import Leak, Reason, Report
from mlsys.domain.split_params import FOLDED
from mlsys.domain.splitting import Assigner, assigner
from mlsys.domain.types.told_types import ToldTypes
from mlsys.use_cases.confined.limits import confine
from mlsys.use_cases.confined.streams import Streams
from mlsys.use_cases.reading.block_reading import Reading, until_types_hold
from mlsys.use_cases.reading.tables_in import open_table
from mlsys.use_cases.splitting.division import OUTCOME, PROFILE, WORK, Outcome, Work
from mlsys.use_cases.splitting.sharing import Sharing, fold_column

MAX_WARNINGS = 100


def divide(work: Work, streams: Streams, folder: Path) -> Outcome:
    """Read, check and split a table; write its parts to `streams`, and keep them if it may be used.

    The same source, data set and library versions give the same bytes, on any number of threads.

    Raises:
        InvalidInput: it is no table, or cannot be split as wanted.
        TooLarge: it is over a limit.
    """
    division = _Division(work, streams, folder)
    try:
        assign = division.settled()
        return until_types_hold(lambda: division.divided(assign))
    except InvalidInput as error:
        # What the contract says is wrong helps more than what could therefore not be done.
        report = until_types_hold(division.checked)
        if refuses(division.contract, report):
            return division.outcome(report, refused=True)
        if report.passed:
            raise
        raise _with_reasons(error, report) from error


def main(folder: Path) -> None:
    """Do the work that `work.json` describes, and write `outcome.json` last."""
    gc.freeze()  # what was imported stays; to look whether it might go takes 0.1 s at the end alone
    work = Work.model_validate_json((folder / WORK).read_bytes())
    confine(memory_mib=work.limits.memory_mib, seconds=work.limits.seconds)
    streams = Streams(work.files, folder)
    try:
        outcome = divide(work, streams, folder)
    except MlsysError as error:
        outcome = Outcome(failure=Failure.of(error))
    (folder / OUTCOME).write_text(outcome.model_dump_json())


class _Division:
    """One table to be divided, and the passes over it."""

    def __init__(self, work: Work, streams: Streams, folder: Path) -> None:
        self._work, self._streams, self._folder = work, streams, folder
        self._dataset = work.dataset
        self.contract = work.dataset.contract_in_force()
        self._table = open_table(streams, work.dataset.read, work.limits)
        self._types = ToldTypes(
            self._table.names,
            untyped=self._table.untyped,
            wanted=self.contract.wanted_types,
            decimal=self._table.decimal,
        )
        self._reading = Reading(self._table, self._types)
        self._quarantines = self.contract.on_violation == "quarantine_rows"

    def settled(self) -> Assigner:
        """Let the strategy see what it must have seen before the first row goes anywhere."""
        assign = self._assigner()
        passes = 1 if assign.needs == "nothing" else 2
        self._streams.expect(passes * self._work.bytes_total)
        if assign.needs == "columns" or (assign.needs == "rows" and self._quarantines):
            return until_types_hold(self._surveyed)
        if assign.needs == "rows":
            assign.settle(self._table.count())
        return assign

    def divided(self, assign: Assigner) -> Outcome:
        """Make the pass that writes the parts; they are kept only if the table may be used."""
        checker = self._checker()
        hopeless = False
        with Sharing(
            self._dataset, assign, self._streams, first_row=self._table.first_row
        ) as sharing:
            for block in self._reading.blocks():
                bad = checker.look(block.raw, block.typed, block.unfit, start=block.start)
                hopeless = hopeless or (bad is not None and self.contract.on_violation == "reject")
                if not hopeless:
                    sharing.take(block, bad if self._quarantines else None)
            if not hopeless:
                sharing.finish()
        report = checker.report()
        leaks = [] if hopeless else sharing.profiler.leaks()
        strict = self._dataset.split.strict and bool(leaks)
        report = _with_leaks(report, leaks, strict=strict)
        if hopeless or strict or refuses(self.contract, report):
            return self.outcome(report, refused=True)
        self._streams.keep(sharing.files)
        profile = sharing.profiler.profile().document()
        (self._folder / PROFILE).write_text(json.dumps(profile, indent=1, allow_nan=False))
        columns = columns_of(sharing.schema, checker.nulls, self.contract)
        folded = self._dataset.split.strategy in FOLDED
        return self.outcome(
            report,
            columns=[*columns, fold_column()] if folded else columns,
            rows=sharing.rows,
            rows_left_out=sharing.rows_left_out,
            rows_quarantined=sharing.rows_quarantined,
            settled=assign.describe(),
            drafted_contract=None if sharing.drafter is None else sharing.drafter.contract(),
        )

    def checked(self) -> Report:
        """Make a pass that only holds the table against its contract."""
        checker = self._checker()
        for block in self._reading.blocks():
            checker.look(block.raw, block.typed, block.unfit, start=block.start)
        return checker.report()

    def outcome(self, report: Report, *, refused: bool = False, **more: Any) -> Outcome:
        """Say what came of it."""
        warnings = [
            *self._table.warnings,
            *self._types.remarks(),
            *report.warnings,
            *(leak.message for leak in report.leaks),
            *([] if refused else (reason.message for reason in report.reasons)),
        ]
        return Outcome(
            refused=refused,
            report=report.model_copy(update={"warnings": _shortened(warnings)}),
            read_as=dict(self._table.read_as),
            versions={
                "mlsys": __version__,
                "polars": pl.__version__,
                "numpy": np.__version__,
                "python": platform.python_version(),
            },
            **more,
        )

    def _assigner(self) -> Assigner:
        dataset = self._dataset
        return assigner(
            dataset.split,
            names=self._table.names,
            target=dataset.target_column,
            group=dataset.group_column,
            time=dataset.time_column,
            keys=dataset.key_columns,
            first_row=self._table.first_row,
            sensitive=[name for name, rule in self.contract.columns.items() if rule.sensitive],
        )

    def _checker(self) -> Checker:
        return Checker(
            self.contract,
            self._table.names,
            first_row=self._table.first_row,
            uploaded_at=self._work.uploaded_at,
        )

    def _surveyed(self) -> Assigner:
        assign, checker = self._assigner(), self._checker()
        rows = 0
        for block in self._reading.blocks(None if self._quarantines else assign.columns):
            kept = block.typed
            numbers = np.arange(kept.height) + (self._table.first_row + block.start)
            if self._quarantines:
                bad = checker.look(block.raw, block.typed, block.unfit, start=block.start)
                if bad is not None:
                    kept, numbers = kept.filter(~bad), numbers[~bad.to_numpy()]
            if assign.needs == "columns":
                assign.survey(kept, rows, numbers)
            rows += kept.height
        assign.settle(rows)
        return assign


def _with_reasons(error: InvalidInput, report: Report) -> InvalidInput:
    """Say what the contract found, too, where it may be why too few rows were left."""
    broken = [Violation(one.column or one.rule, one.message) for one in report.reasons]
    return type(error)(
        f"{error}; {report.bad_rows} of {report.rows} row(s) break the contract: "
        f"{report.reasons[0].message}",
        (*error.violations, *broken),
    )


def _with_leaks(report: Report, leaks: list[Leak], *, strict: bool) -> Report:
    """Add what leaks; where it is to be strict, each is a broken rule."""
    broken = [
        Reason(rule=leak.kind, message=leak.message, count=1, scope="table") for leak in leaks
    ]
    reasons = [*report.reasons, *broken] if strict else report.reasons
    return report.model_copy(update={"leaks": leaks, "reasons": reasons})


def _shortened(warnings: list[str]) -> list[str]:
    kept = warnings[:MAX_WARNINGS]
    more = len(warnings) - len(kept)
    return [*kept, f"and {more} more"] if more else kept


if __name__ == "__main__":
    main(Path(sys.argv[1]))
