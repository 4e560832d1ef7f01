"""What `mlsys contract` does with a file of this machine: draft its contract, or hold it to one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from mlsys.domain.checks import Checker
from mlsys.domain.contract import Contract
from mlsys.domain.dataset import Dataset, ReadOptions
from mlsys.domain.drafts import Drafter
from mlsys.domain.formats import Limits
from mlsys.domain.report import Report
from mlsys.domain.types.told_types import ToldTypes
from mlsys.use_cases.reading.block_reading import Reading, until_types_hold
from mlsys.use_cases.reading.tables_in import open_table


def infer_contract(file: Path) -> Contract:
    """Draft the contract that a table keeps; see `Drafter`.

    Args:
        file: CSV, JSON Lines or Parquet, as its name says.

    Raises:
        InvalidInput: it is no table.
        TooLarge: a line of it is.
        OSError: it cannot be read.
    """
    reading = _reading(file, ReadOptions(), Contract())

    def drafted() -> Contract:
        drafter = Drafter(reading.table.names)
        for block in reading.blocks():
            drafter.look(block.typed)
        return drafter.contract()

    return until_types_hold(drafted)


def check_file(file: Path, dataset: Dataset, *, now: datetime) -> Report:
    """Hold a table to the contract of a data set, as an upload would be at this moment.

    Raises:
        InvalidInput: it is no table, or the contract cannot be used.
        TooLarge: a line of it is, or more values must be unique than can be remembered.
        OSError: it cannot be read.
    """
    contract = dataset.contract_in_force()
    reading = _reading(file, dataset.read, contract)
    table = reading.table

    def checked() -> Report:
        checker = Checker(contract, table.names, first_row=table.first_row, uploaded_at=now)
        for block in reading.blocks():
            checker.look(block.raw, block.typed, block.unfit, start=block.start)
        return checker.report()

    return until_types_hold(checked)


@dataclass(frozen=True)
class _OneFile:
    """A file of this machine as the source of a table."""

    file: Path

    @property
    def names(self) -> Sequence[str]:
        return [self.file.name]

    def open(self, index: int) -> BinaryIO:
        return [self.file][index].open("rb")

    @contextmanager
    def spool(self, index: int) -> Iterator[Path]:
        """Give it a name in which Polars finds nothing to expand."""
        with TemporaryDirectory() as folder:
            link = Path(folder) / "table"
            link.symlink_to([self.file][index].resolve())
            yield link


def _reading(file: Path, options: ReadOptions, contract: Contract) -> Reading:
    table = open_table(_OneFile(file), options, Limits())
    types = ToldTypes(
        table.names, untyped=table.untyped, wanted=contract.wanted_types, decimal=table.decimal
    )
    return Reading(table, types)
