"""Ordered values are counted exactly while they are few, and else in the same steps always."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.strategies.ordered import OrderedCounts, ordered_keys, value_of

KEYS = st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=60)
FLOATS = st.floats(allow_nan=False)


@given(KEYS, st.lists(st.integers(0, 60), max_size=4), st.integers(2, 12))
def test_steps_are_the_narrowest_that_are_few_enough(
    keys: list[int], cuts: list[int], limit: int
) -> None:
    counts = OrderedCounts(limit=limit)
    for block in np.split(np.array(keys), sorted(cuts)):
        counts.add(block)

    steps = counts.steps()

    step_of = [key >> steps.shift for key in keys]
    assert steps.counts.tolist() == [step_of.count(one) for one in sorted(set(step_of))]
    assert steps.lasts.tolist() == [
        max(key for key in keys if key >> steps.shift == one) for one in sorted(set(step_of))
    ]
    assert len(steps.lasts) <= limit
    if steps.shift:
        assert len({key >> steps.shift - 1 for key in keys}) > limit


@given(st.lists(FLOATS, min_size=2, max_size=30))
def test_keys_of_floats_have_their_order(values: list[float]) -> None:
    keys = ordered_keys(pl.Series(values)).tolist()

    assert [one < two for one, two in pairwise(keys)] == [
        one < two for one, two in pairwise(values)
    ]
    assert [value_of(key, pl.Float64()) for key in keys] == values


@pytest.mark.parametrize(
    ("key", "dtype", "value"),
    [
        (-1, pl.Int64(), -1),
        (-1, pl.Date(), "1969-12-31"),
        (1_500_000, pl.Datetime("us", "UTC"), "1970-01-01T00:00:01.500000Z"),
    ],
)
def test_keys_are_told_as_values(key: int, dtype: pl.DataType, value: str | int) -> None:
    assert value_of(key, dtype) == value


def test_what_is_missing_breaks_nothing() -> None:
    assert ordered_keys(pl.Series([1, None])).tolist() == [1, 0]
    assert ordered_keys(pl.Series([0.0, None])).tolist() == [0, 0]
