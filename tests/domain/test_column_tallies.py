"""Different values of a column are counted as its blocks pass by."""

import polars as pl

from mlsys.domain.profiling.column_tallies import Tally


def test_different_values_are_counted_up_to_a_cap() -> None:
    many = Tally(cap=50)
    few = Tally(cap=50)

    for start in range(0, 2_000, 100):
        many.look(pl.Series(range(start, start + 100)))
        few.look(pl.Series([None, "a", "b"] * 10 + [str(start % 1_000)]))

    assert many.distinct is None
    assert few.distinct == 12


def test_a_value_that_comes_late_is_counted() -> None:
    tally = Tally(cap=50)

    for cells in ([0, 1], [1, 0, 0], [1, 2], [5], [3, 4]):
        tally.look(pl.Series(cells))

    assert tally.distinct == 6
