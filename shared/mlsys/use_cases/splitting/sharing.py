"""The pass that gives the rows of a table to its parts: written, counted, profiled as they come."""

from contextlib import ExitStack
from types import TracebackType
from typing import Self

import numpy as np
import polars as pl

from mlsys.domain.checks import columns_of
from mlsys.domain.dataset import Dataset
from mlsys.domain.drafts import Drafter
from mlsys.domain.profiling.profiles import Profiler
from mlsys.domain.profiling.row_samples import Rows
from mlsys.domain.records import PARTS, Part
from mlsys.domain.split_records import Column, ColumnType, Role
from mlsys.domain.splitting import FOLD, Assigned, Assigner
from mlsys.domain.taken_rows import owned, taken
from mlsys.use_cases.confined.streams import Streams
from mlsys.use_cases.reading.block_reading import Block
from mlsys.use_cases.splitting.division import LEFT_OUT, part_file
from mlsys.use_cases.splitting.part_writers import PartWriters

ROW_NUMBER = "row_number"
"""The first column of the rows in a quarantine: what they are called in the reasons."""
LONG_BYTES = 64
"""That a text takes for it to be copied: a writer keeps a row group, and would else keep with it
the texts of the other parts, too."""
RAW_WIDTH = 4
"""How much wider rows of text are than our types, at most about."""


class Sharing:
    """Where the rows of one pass go. The files are whole once its `with` block has ended.

    Attributes:
        rows: of each part, so far.
        rows_left_out: that the strategy gave to no part.
        rows_quarantined: that broke the contract.
        files: what is written.
        schema: of the table.
        profiler: has seen every row of every part.
        drafter: has seen them too, where the data set has no contract.
    """

    def __init__(
        self, dataset: Dataset, assign: Assigner, streams: Streams, *, first_row: int
    ) -> None:
        self.rows: dict[Part, int] = dict.fromkeys(PARTS, 0)
        self.rows_left_out = self.rows_quarantined = 0
        self.files: list[str] = []
        self.schema = pl.Schema()
        self._dataset, self._assign, self._streams = dataset, assign, streams
        self._first_row = first_row
        self._start = 0
        self._waiting: tuple[pl.DataFrame, Rows] | None = None
        self._closing = ExitStack()
        self._quarantine: PartWriters | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing.__exit__(kind, error, traceback)

    def take(self, block: Block, bad: pl.Series | None) -> None:
        """Give the next rows to their parts; of bad ones only the quarantine gets any."""
        rows = block.typed
        numbers = np.arange(rows.height) + (self._first_row + block.start)
        if bad is not None:
            self._put_aside(block, bad, numbers[bad.to_numpy()])
            rows, numbers = rows.filter(~bad), numbers[~bad.to_numpy()]
        if self._waiting is None:
            self._begin(rows, block.row_group_rows)
        else:
            rows = pl.concat([self._waiting[0], rows])
            numbers = np.concatenate([self._waiting[1], numbers])
        whole = rows.height // self._assign.step * self._assign.step
        self._waiting = rows[whole:], numbers[whole:]
        self._assigned(rows[:whole], numbers[:whole])

    def finish(self) -> None:
        """Give the last rows, and look back on the pass.

        Raises:
            InvalidInput: a part is empty, or a row could go nowhere.
        """
        if self._waiting is not None:
            self._assigned(*self._waiting)
        self._assign.finish()

    def _assigned(self, rows: pl.DataFrame, numbers: Rows) -> None:
        assigned = self._assign.assign(rows, self._start, numbers)
        self._start += rows.height
        there = {part: assigned.codes == code for code, part in enumerate(PARTS)}
        views = zip(PARTS, taken(_with_folds(rows, assigned), *there.values()), strict=True)
        frames = {part: owned(view, mean_bytes=LONG_BYTES) for part, view in views}
        for part, frame in frames.items():
            self._writers.write(part_file(part), frame)
            self.rows[part] += frame.height
        self.rows_left_out += rows.height - sum(frame.height for frame in frames.values())
        self.profiler.look(frames, {part: numbers[flags] for part, flags in there.items()})
        if self.drafter is not None:
            self.drafter.look(rows)

    def _begin(self, rows: pl.DataFrame, row_group_rows: int) -> None:
        """Open the parts, now that the types of all columns are known."""
        contract = self._dataset.contract_in_force()
        self._assign.step = min(self._assign.step, row_group_rows)
        folds = _with_folds(rows.clear(), self._assign.assign(rows.clear(), 0))
        self.schema = rows.schema
        names = [part_file(part) for part in PARTS]
        self._writers = self._opened(names, folds.schema, row_group_rows)
        columns = columns_of(rows.schema, dict.fromkeys(rows.columns, 0), contract)
        self.profiler = Profiler(
            columns,
            task=contract.task_type,
            by_time=self._dataset.split.strategy == "time",
            seed=self._dataset.split.seed,
        )
        self.drafter = None if self._dataset.contract else Drafter(rows.columns)

    def _put_aside(self, block: Block, bad: pl.Series, numbers: Rows) -> None:
        raw = block.raw().filter(bad)
        numbered = raw.select(pl.Series(ROW_NUMBER, numbers), pl.all())
        if self._quarantine is None:
            group_rows = max(1, block.row_group_rows // RAW_WIDTH)
            self._quarantine = self._opened([LEFT_OUT], numbered.schema, group_rows)
        self._quarantine.write(LEFT_OUT, numbered)
        self.rows_quarantined += raw.height

    def _opened(self, names: list[str], schema: pl.Schema, row_group_rows: int) -> PartWriters:
        self.files += names
        return self._closing.enter_context(
            PartWriters(
                schema,
                names=names,
                open_part=self._streams.part,
                row_group_rows=row_group_rows,
            )
        )


def fold_column() -> Column:
    """Describe the column that the folds are in: 0 to n_splits - 1 in train, else missing."""
    return Column(name=FOLD, type=ColumnType.INTEGER, nullable=True, role=Role.FOLD)


def _with_folds(rows: pl.DataFrame, assigned: Assigned) -> pl.DataFrame:
    if assigned.folds is None:
        return rows
    folds = pl.Series(FOLD, assigned.folds, pl.Int64)
    return rows.with_columns(folds.set(folds < 0, None))
