"""What is left of a part of a split once all its rows have passed by."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from mlsys.domain.profiling.column_tallies import Tally
from mlsys.domain.profiling.row_samples import Hashes


@dataclass(frozen=True)
class Seen:
    """One part.

    Attributes:
        count: its rows.
        rows: (m, k), a uniform sample of them, in their order.
        hashes: (m,) of the sampled rows.
        tallies: of all rows, by column.
    """

    count: int
    rows: pl.DataFrame
    hashes: Hashes
    tallies: Mapping[str, Tally]

    @property
    def whole(self) -> bool:
        """Whether all rows are in the sample."""
        return self.rows.height == self.count

    def distinct(self, column: str) -> tuple[int, bool]:
        """Count the different values of a column, and say whether these are all there are."""
        tally = self.tallies[column]
        if tally.distinct is not None:
            return tally.distinct, True
        sampled = self.rows[column].drop_nulls().n_unique()
        return (sampled, True) if self.whole else (max(sampled, tally.cap + 1), False)
