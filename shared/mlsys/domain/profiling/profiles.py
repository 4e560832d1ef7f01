"""Looking at the parts of a split as their rows pass by: the profile, and what leaks."""

from collections.abc import Mapping, Sequence

import polars as pl

from mlsys.domain.choices import TaskType
from mlsys.domain.profiling.class_counts import ClassCounts
from mlsys.domain.profiling.column_profiles import describe
from mlsys.domain.profiling.column_tallies import Tally
from mlsys.domain.profiling.copies import Copies
from mlsys.domain.profiling.leaks import COPIED, Wanted, find_leaks
from mlsys.domain.profiling.reference import Profile, ProfiledPart
from mlsys.domain.profiling.row_samples import Rows, RowSample, ranks_of
from mlsys.domain.profiling.seen_parts import Seen
from mlsys.domain.records import PARTS, Part
from mlsys.domain.report import Leak
from mlsys.domain.split_records import Column, ColumnType, Role

SAMPLE_BYTES = 16 * 2**20
"""What the cells of one part's sample may take, about."""
MAX_SAMPLE = 65_536
CELL_BYTES = 8
TEXT_BYTES = 40
MAX_COUNTED = 1_000
ALL_COUNTED = 20_000
"""Different values of a column, and of all columns, that are counted exactly in a part."""
MIN_COUNTED = 50


class Profiler:
    """Sees every row of every part once, and keeps no more than a sample and some sums.

    What it says depends on the rows, their numbers and `seed`, not on the blocks they come in (but
    for the last digits of means), nor on the number of threads.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        task: TaskType | None = None,
        by_time: bool = False,
        seed: int = 0,
    ) -> None:
        """Prepare for rows.

        Args:
            columns: their types, and roles: target, time and features are told by them. Of
                sensitive ones no value is shown.
            task: what will be learnt; by default it is told by the target.
            by_time: whether the parts follow each other in time.
            seed: of the sample.
        """
        self._wanted = Wanted({column.name: column for column in columns}, task, by_time)
        self._seed = seed
        cap = max(MIN_COUNTED, min(MAX_COUNTED, ALL_COUNTED // len(columns)))
        self._tallies = {part: {column.name: Tally(cap) for column in columns} for part in PARTS}
        self._samples = {part: RowSample(_sample_size(columns)) for part in PARTS}
        self._copies = Copies()
        self._classes = ClassCounts()

    def look(self, frames: Mapping[Part, pl.DataFrame], rows: Mapping[Part, Rows]) -> None:
        """See the rows of one block.

        Args:
            frames: the rows of each part, (n, k) with at least the named columns, in our types.
            rows: (n,) their numbers in the file, ascending; they are what the sample goes by.
        """
        there = [part for part in PARTS if part in frames and frames[part].height]
        if not there:
            return
        first = min(int(rows[part][0]) for part in there)
        last = max(int(rows[part][-1]) for part in there)
        ranks = ranks_of(first, last - first + 1, seed=self._seed)
        names, compared = list(self._wanted.columns), self._wanted.names(*COPIED)
        for part in there:
            frame = frames[part][names]
            hashes = frame[compared or names].hash_rows().to_numpy()
            tallies = self._tallies[part]
            for column in frame.iter_columns():
                tallies[column.name].look(column)
            self._samples[part].look(frame, ranks[rows[part] - first], hashes)
            if compared:
                self._copies.look(PARTS.index(part), hashes)
            for target in self._wanted.names(Role.TARGET):
                self._classes.look(part, frame[target])

    def profile(self) -> Profile:
        """Describe the rows seen so far."""
        seen = self._seen()
        return Profile(
            parts={
                part: ProfiledPart(rows=one.count, sampled_rows=one.rows.height)
                for part, one in seen.items()
            },
            columns=[describe(column, seen) for column in self._wanted.columns.values()],
        )

    def leaks(self) -> list[Leak]:
        """Say what is suspicious about the rows seen so far."""
        return find_leaks(self._seen(), self._wanted, self._copies, self._classes)

    def _seen(self) -> dict[Part, Seen]:
        """Return the parts that have rows."""
        return {
            part: Seen(sample.seen, *sample.rows(), self._tallies[part])
            for part, sample in self._samples.items()
            if sample.seen
        }


def _sample_size(columns: Sequence[Column]) -> int:
    row_bytes = sum(
        TEXT_BYTES if column.type is ColumnType.TEXT else CELL_BYTES for column in columns
    )
    return min(MAX_SAMPLE, SAMPLE_BYTES // row_bytes)
