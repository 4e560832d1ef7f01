"""The part of a split that touches rows: one file in, three Parquet files and an outcome out.

Runs as `python -m mlsys.use_cases.divide FOLDER` in a child process, see confined.py.
"""

import platform
import sys
from pathlib import Path

import numpy as np
import polars as pl

from mlsys import __version__
from mlsys.domain.checks import CLASSES, check, columns_of, draft_contract
from mlsys.domain.contract import Contract, Report
from mlsys.domain.errors import MlsysError
from mlsys.domain.messages import TaskType
from mlsys.domain.records import PARTS, Failure, Role
from mlsys.domain.splitting import assign_parts, classes_absent, duplicates_across
from mlsys.domain.tables import type_of
from mlsys.use_cases.confined import confine
from mlsys.use_cases.division import OUTCOME, SOURCE, WORK, Outcome, Work, part_path
from mlsys.use_cases.read_table import read_table

ROW_GROUP_ROWS = 131_072
COMPRESSION_LEVEL = 3
MAX_CLASSES_NAMED = 1_000
MAX_WARNINGS = 100


def divide(folder: Path, work: Work) -> Outcome:
    """Read, check and split `folder/source`; write `folder/{train,val,test}.parquet`.

    The same source, data set and library versions give the same bytes, on any number of threads.

    Raises:
        InvalidInput: it is no table, or cannot be split as wanted.
        TooLarge: it is over a limit.
    """
    contract = work.dataset.contract_in_force()
    raw = read_table(folder / SOURCE, work.file, limits=work.limits)
    checked = check(raw, contract)
    del raw
    if not checked.report.passed:
        return Outcome(
            report=_shortened(checked.report), columns=columns_of(checked.table, contract)
        )

    table = checked.table
    target = work.dataset.target_column
    parts = assign_parts(table, work.dataset.split, target=target)
    for part in PARTS:
        _write(table.filter(parts == part), part_path(folder, part))
    duplicates = duplicates_across(_features(table, contract), parts)
    warnings = [*checked.report.warnings, *_warnings(table, parts, contract, duplicates)]
    return Outcome(
        report=_shortened(Report(warnings=warnings)),
        columns=columns_of(table, contract),
        rows={part: int((parts == part).sum()) for part in PARTS},
        duplicates_across_parts=duplicates,
        drafted_contract=None if work.dataset.contract else draft_contract(table),
        versions={
            "mlsys": __version__,
            "polars": pl.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    )


def main(folder: Path) -> None:
    """Do the work that `work.json` describes, and write `outcome.json` last."""
    work = Work.model_validate_json((folder / WORK).read_bytes())
    limits = work.limits
    confine(
        memory_mib=limits.memory_mib, seconds=limits.seconds, file_bytes=2 * limits.unpacked_bytes
    )
    try:
        outcome = divide(folder, work)
    except MlsysError as error:
        outcome = Outcome(failure=Failure.of(error))
    (folder / OUTCOME).write_text(outcome.model_dump_json())


def _features(table: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Leave out keys and ignored columns: two rows that differ only there are copies."""
    aside = {
        name for name, rule in contract.columns.items() if rule.role in {Role.KEY, Role.IGNORE}
    }
    return table.drop(aside & set(table.columns))


def _warnings(
    table: pl.DataFrame, parts: pl.Series, contract: Contract, duplicates: int
) -> list[str]:
    warnings = []
    if duplicates:
        warnings.append(
            f"{duplicates} row(s) have an exact copy in another part: a model is tested there on "
            "what it has learnt"
        )
    target = contract.target_column
    if target is not None and _has_classes(table[target], contract):
        for part, absent in classes_absent(table[target], parts).items():
            warnings.append(f"{part} has no row of class {', '.join(absent)}: split stratified")
    return warnings


def _has_classes(target: pl.Series, contract: Contract) -> bool:
    told = contract.task_type is TaskType.CLASSIFICATION
    return (told or type_of(target) in CLASSES) and target.n_unique() <= MAX_CLASSES_NAMED


def _shortened(report: Report) -> Report:
    kept = report.warnings[:MAX_WARNINGS]
    more = len(report.warnings) - len(kept)
    return report.model_copy(update={"warnings": [*kept, f"and {more} more"] if more else kept})


def _write(table: pl.DataFrame, path: Path) -> None:
    """Write one part; every setting that shapes the bytes is fixed here."""
    table.rechunk().write_parquet(
        path,
        compression="zstd",
        compression_level=COMPRESSION_LEVEL,
        statistics=True,
        row_group_size=ROW_GROUP_ROWS,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
