"""`time`: train before val before test, with their exact shares as far as equal times allow."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mlsys.domain.errors import InvalidInput
from mlsys.domain.split_params import Ratios
from mlsys.domain.splitting import Assigned
from mlsys.domain.strategies.sizes import shares
from tests.domain.strategies.passes import CUTS, RATIOS, names_of, settled, sizes_of, split

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: list[int]) -> pl.DataFrame:
    times = [START + timedelta(seconds=one) for one in seconds]
    return pl.DataFrame({"t": pl.Series(times, dtype=pl.Datetime("us", "UTC"))})


def days(numbers: list[int]) -> pl.DataFrame:
    return pl.DataFrame({"t": [date(2026, 1, 1) + timedelta(days=one) for one in numbers]})


def in_parts(values: list[Any], found: Assigned) -> list[list[Any]]:
    """Return the sorted values of train, val, test, and of none."""
    return [
        sorted(
            value for value, one in zip(values, found.codes.tolist(), strict=True) if one == code
        )
        for code in (0, 1, 2, -1)
    ]


@given(st.lists(st.integers(-(10**9), 10**9), min_size=20, max_size=200, unique=True), RATIOS, CUTS)
def test_different_times_are_shared_exactly_and_in_order(
    seconds: list[int], ratios: Ratios, cuts: list[int]
) -> None:
    found = split(at(seconds), cuts=cuts, strategy="time", ratios=ratios)

    train, val, test, nowhere = in_parts(seconds, found)
    assert train + val + test == sorted(seconds)
    assert nowhere == []
    assert sizes_of(found) == shares(len(seconds), ratios.exact())


@given(st.lists(st.integers(0, 12), min_size=20, max_size=200), RATIOS, CUTS)
def test_equal_times_are_never_parted_and_the_ends_are_the_nearest(
    numbers: list[int], ratios: Ratios, cuts: list[int]
) -> None:
    assume(len(set(numbers)) >= 3)

    found = split(days(numbers), cuts=cuts, strategy="time", ratios=ratios)

    train, val, test, _ = in_parts(numbers, found)
    assert train[-1] < val[0] <= val[-1] < test[0]
    wanted = shares(len(numbers), ratios.exact())
    ends = [sum(one <= last for one in numbers) for last in sorted(set(numbers))]
    nearest = min(abs(end - wanted["train"]) for end in ends[:-2])
    assert abs(len(train) - wanted["train"]) == nearest


@given(
    st.lists(st.integers(-(10**6), 10**6), min_size=40, max_size=200, unique=True),
    st.integers(1, 2 * 10**5),
    CUTS,
)
def test_a_gap_is_kept_and_comes_out_of_val(seconds: list[int], gap: int, cuts: list[int]) -> None:
    spread = [one + 10**5 * place for place, one in enumerate(sorted(seconds))]

    found = split(at(spread), cuts=cuts, strategy="time", gap=timedelta(seconds=gap))

    train, val, test, nowhere = in_parts(spread, found)
    assert train[-1] + gap < val[0]
    assert val[-1] + gap < test[0]
    assert all(
        train[-1] < one <= train[-1] + gap or val[-1] < one <= val[-1] + gap for one in nowhere
    )
    assert len(train) == shares(len(spread), Ratios().exact())["train"]


def test_test_has_its_share_although_there_is_a_gap() -> None:
    found = split(days(list(range(100))), strategy="time", gap=timedelta(days=3))

    assert sizes_of(found) == {"train": 70, "val": 9, "test": 15}
    assert "".join(part[0] for part in names_of(found)) == (
        "t" * 70 + "-" * 3 + "v" * 9 + "-" * 3 + "t" * 15
    )


def test_sizes_that_were_asked_for_are_exact() -> None:
    found = split(
        days(list(range(100))),
        strategy="time",
        train_only=50,
        test_only=20,
        gap=timedelta(days=2),
    )

    assert sizes_of(found) == {"train": 50, "val": 26, "test": 20}


def test_a_gap_of_hours_is_none_between_days() -> None:
    found = split(days(list(range(20))), strategy="time", gap=timedelta(hours=12))

    assert sum(sizes_of(found).values()) == 20


@given(st.permutations(range(60)))
def test_the_order_of_the_rows_makes_no_difference(order: list[int]) -> None:
    numbers = [n // 2 for n in order]

    found = split(days(numbers), strategy="time")

    train, val, test, _ = in_parts(numbers, found)
    assert (train[-1], val[-1], test[-1]) == (20, 24, 29)


@pytest.mark.parametrize(
    "values",
    [
        [*range(-50, 50)],
        [n / 7 for n in range(-50, 50)],
        [Decimal(n) / 4 for n in range(-50, 50)],
        [date(1960, 1, 1) + timedelta(days=n * 99) for n in range(100)],
        [datetime(1960, 1, 1, tzinfo=UTC) + timedelta(hours=n * 99) for n in range(100)],
    ],
    ids=["integers", "floats", "decimals", "dates", "times"],
)
def test_whatever_has_an_order_will_do(values: list[Any]) -> None:
    order = np.argsort(np.random.PCG64(3).random_raw(100)).tolist()
    shuffled = [values[place] for place in order]

    found = split(pl.DataFrame({"t": shuffled}), strategy="time")

    train, val, test, _ = in_parts(shuffled, found)
    assert train + val + test == values
    assert (len(train), len(val), len(test)) == (70, 15, 15)


def test_it_is_told_where_parts_begin_and_end() -> None:
    told = settled(days(list(range(100))), strategy="time", gap=timedelta(days=3)).describe()

    assert told == {
        "time_column": "t",
        "train_until": "2026-03-11",
        "val_after": "2026-03-14",
        "val_until": "2026-03-23",
        "test_after": "2026-03-26",
        "gap_seconds": 259200.0,
        "steps_at_ends": [1, 1],
        "step_width": 1,
    }


@pytest.mark.parametrize(
    ("table", "wish", "said"),
    [
        (pl.DataFrame({"t": ["May", "June", "July"] * 9}), {}, "'t' is none: write them as 2026"),
        (pl.DataFrame({"t": [True, False] * 9}), {}, "dates, times or numbers"),
        (days([0, 1] * 9), {}, r"2 different time\(s\) in 't' are too few for 3 parts"),
        (days([0, 1]), {}, "too few: they would be shared"),
        (
            days(list(range(20))),
            {"gap": timedelta(days=9)},
            "gap of 9 days.* train ends at 2026-01-14 and the table at 2026-01-20",
        ),
        (
            pl.DataFrame({"t": range(20)}),
            {"gap": timedelta(days=1)},
            "gap is for dates and times, and 't' holds numbers",
        ),
        (days(list(range(20))), {"train_only": 21}, "train_only 21 cannot be met"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(
    table: pl.DataFrame, wish: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        split(table, strategy="time", **wish)
