"""What is kept of each part is exact where it says so, and the same however the rows come."""

import json
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.profiling.distributions import edges_of, histogram
from mlsys.domain.profiling.reference import ColumnPart, Profile, ProfiledColumn
from mlsys.domain.records import PARTS
from mlsys.domain.split_records import Role
from tests.domain.parting import drawn, said, seen

FINITE = st.floats(-1e6, 1e6)
MIXED = pl.DataFrame(
    {
        "whole": [7, None, 2**53 + 1, -3, 7, 0] * 20,
        "real": [0.5, 1.5, None, -2.25, 1e300, 3.0] * 20,
        "money": [Decimal("1.20"), Decimal("3.00"), None, Decimal("-0.05")] * 30,
        "word": ["a", "ü", None, "b", "a", "long " * 20] * 20,
        "flag": [True, False, None] * 40,
        "day": [date(2024, 2, 29), None, date(1969, 12, 31)] * 40,
        "at": [datetime(2024, 1, 1, 12, tzinfo=UTC) + timedelta(hours=n) for n in range(120)],
        "gone": pl.Series([None] * 120, dtype=pl.String),
    }
)
TRAIN_ONLY = np.zeros(120, np.int8)


def part(profile: Profile, name: str, of: Any = "train") -> ColumnPart:
    return column(profile, name).parts[of]


def column(profile: Profile, name: str) -> ProfiledColumn:
    return next(one for one in profile.columns if one.name == name)


def test_numbers_of_each_part_are_those_of_polars() -> None:
    table = pl.DataFrame({"x": np.random.default_rng(0).normal(5, 2, 1_000)})
    codes = drawn(1_000)

    profile = seen(table, codes).profile()

    for code, name in enumerate(PARTS):
        x = table["x"].filter(pl.Series(codes == code))
        told = part(profile, "x", name)
        assert (told.count, told.missing, told.distinct) == (len(x), 0, x.n_unique())
        assert (told.min, told.max) == (x.min(), x.max())
        assert told.mean == pytest.approx(x.mean(), rel=1e-12)
        assert told.std == pytest.approx(x.std(), rel=1e-12)
        for level, value in told.quantiles.items():
            assert value in x
            assert (x < value).sum() < float(level) * len(x) <= (x <= value).sum()
    assert profile.parts["train"].rows == profile.parts["train"].sampled_rows == 700


@given(st.lists(st.one_of(st.none(), FINITE), min_size=1, max_size=60), st.data())
def test_the_division_into_blocks_does_not_matter(
    cells: list[float | None], data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(cells)))))
    table = pl.DataFrame({"x": pl.Series(cells, dtype=pl.Float64), "n": range(len(cells))})
    codes = np.array(data.draw(st.lists(st.integers(-1, 2), min_size=len(cells))), np.int8)
    codes = codes[: len(cells)]

    whole = seen(table, codes).profile()
    cut = seen(table, codes, cuts=cuts).profile()

    scale = 1 + max(abs(cell or 0) for cell in cells)
    for name in whole.parts:
        one, other = part(whole, "x", name), part(cut, "x", name)
        assert one.mean is None or one.mean == pytest.approx(other.mean, abs=1e-9 * scale)
        assert one.std is None or one.std == pytest.approx(other.std, abs=1e-9 * scale)
    assert without_sums(whole) == without_sums(cut)


def without_sums(profile: Profile) -> dict[str, Any]:
    document = profile.document()
    for one in document["columns"]:
        for cells in one["parts"].values():
            cells.pop("mean", None)
            cells.pop("std", None)
    return document


def test_cells_of_all_types_are_described() -> None:
    profile = seen(MIXED, TRAIN_ONLY).profile()

    whole, real, money = (part(profile, name) for name in ("whole", "real", "money"))
    word, flag, gone = (part(profile, name) for name in ("word", "flag", "gone"))
    assert (whole.min, whole.max, whole.missing) == (-3, 2**53 + 1, 20)
    assert (real.max, real.quantiles["0.5"]) == (1e300, 1.5)
    assert (money.min, money.max) == (-0.05, 3.0)
    assert money.mean == pytest.approx(4.15 / 3)
    assert word.lengths is not None
    assert (word.lengths.min, word.lengths.max, word.lengths.mean) == (1, 100, 20.8)
    assert [(one.value, one.count) for one in word.top] == [
        ("a", 40),
        ("b", 20),
        ("long long long long long…"[:24] + "…", 20),
        ("ü", 20),
    ]
    assert [(one.value, one.count) for one in flag.top] == [(False, 40), (True, 40)]
    assert (gone.count, gone.missing, gone.distinct, gone.top) == (0, 120, 0, [])
    assert [(one.value, one.count) for one in whole.top] == [
        (7, 40),
        (-3, 20),
        (0, 20),
        (2**53 + 1, 20),
    ]


def test_dates_and_times_are_written_as_rfc_3339() -> None:
    profile = seen(MIXED, TRAIN_ONLY).profile()

    day, at = part(profile, "day"), part(profile, "at")
    assert (day.min, day.max, day.mean) == ("1969-12-31", "2024-02-29", None)
    assert column(profile, "day").edges == ["1969-12-31"]
    assert at.max == "2024-01-06T11:00:00.000000Z"
    assert at.quantiles["0.5"] == "2024-01-03T23:00:00.000000Z"
    assert at.top == []


def test_a_time_beyond_rfc_3339_becomes_the_nearest_inside() -> None:
    beyond = pl.Series("at", [-(2**62), 2**62]).cast(pl.Datetime("us", "UTC"))
    days = pl.Series("day", [-(2**30), 2**30], dtype=pl.Int32).cast(pl.Date)

    profile = seen(pl.DataFrame([beyond, days]), np.zeros(2, np.int8)).profile()

    at, day = part(profile, "at"), part(profile, "day")
    assert (at.min, at.max) == ("0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z")
    assert (day.min, day.max) == ("0001-01-01", "9999-12-31")


def test_what_is_not_finite_is_counted_and_never_written() -> None:
    cells = [1.0, math.inf, -math.inf, math.nan, None, 3.0]
    table = pl.DataFrame({"x": cells, "only": [math.inf] * 6, "huge": [-1.7e308, 1.7e308] * 3})

    profile = seen(table, np.zeros(6, np.int8)).profile()

    x, only, huge = (part(profile, name) for name in ("x", "only", "huge"))
    assert (x.count, x.missing, x.not_finite, x.min, x.max, x.mean) == (5, 1, 3, 1.0, 3.0, 2.0)
    assert (x.quantiles["0.99"], x.histogram) == (3.0, [1, 1])
    assert (only.not_finite, only.min, only.histogram) == (6, None, [])
    assert (huge.max, huge.std) == (1.7e308, None)
    json.dumps(profile.document(), allow_nan=False)


def test_the_sums_of_numbers_far_beyond_any_float_are_left_out() -> None:
    table = pl.DataFrame({"x": [1.7e308] * 20})

    told = part(seen(table, np.zeros(20, np.int8), cuts=range(1, 20)).profile(), "x")

    assert told.max == 1.7e308
    assert told.mean is None or told.mean == pytest.approx(1.7e308)


def test_one_number_has_no_standard_deviation() -> None:
    told = part(seen(pl.DataFrame({"x": [4]}), np.zeros(1, np.int8)).profile(), "x")

    assert (told.mean, told.std) == (4.0, None)


def test_of_sensitive_columns_nothing_but_counts_is_kept() -> None:
    table = pl.DataFrame({"name": ["Ada", "Bob", None] * 40, "pay": range(1_000, 1_120)})

    profile = seen(table, sensitive=["name", "pay"]).profile()

    text = json.dumps(profile.document())
    assert "Ada" not in text
    assert not any(str(pay) in text for pay in range(1_000, 1_120))
    for name in ("name", "pay"):
        assert column(profile, name).sensitive
        assert part(profile, name).model_fields_set == {
            "count",
            "missing",
            "not_finite",
            "distinct",
            "distinct_is_exact",
        }
        assert column(profile, name).edges == []


def test_the_bins_of_all_parts_are_those_of_train() -> None:
    codes = np.repeat(np.array([0, 1, 2], np.int8), 100)
    table = pl.DataFrame({"x": [*range(100), *range(-50, 50), *[1_000] * 100]})

    profile = seen(table, codes).profile()

    assert len(column(profile, "x").edges) == 19
    assert part(profile, "x", "train").histogram == [5] * 20
    assert part(profile, "x", "val").histogram == [55, *[5] * 9, *[0] * 10]
    assert part(profile, "x", "test").histogram == [*[0] * 19, 100]


@given(st.lists(FINITE, min_size=1, max_size=300))
def test_no_bin_of_train_is_empty(cells: list[float]) -> None:
    ordered = np.sort(np.array(cells))

    counts = histogram(ordered, edges_of(ordered))

    assert min(counts) > 0
    assert sum(counts) == len(cells)
    assert len(counts) <= 20


def test_more_values_than_were_counted_are_said_to_be_at_least_so_many() -> None:
    rows = 70_000
    table = pl.DataFrame({"many": range(rows), "few": [1, 2, 3, 4] * (rows // 4)})

    profile = seen(table, np.zeros(rows, np.int8)).profile()

    many, few = part(profile, "many"), part(profile, "few")
    assert (many.distinct, many.distinct_is_exact) == (65_536, False)
    assert (few.distinct, few.distinct_is_exact) == (4, True)
    assert profile.parts["train"].model_dump() == {"rows": rows, "sampled_rows": 65_536}


def test_a_table_of_many_columns_is_sampled_less() -> None:
    narrow = pl.DataFrame({"x": [0.0] * 3_000})
    wide = pl.DataFrame({f"c{n}": ["x"] * 3_000 for n in range(2_000)})
    codes = np.zeros(3_000, np.int8)

    few, many = (seen(table, codes).profile().parts["train"] for table in (narrow, wide))

    assert few.sampled_rows == 3_000
    assert many.sampled_rows == 16 * 2**20 // (2_000 * 40)


def test_parts_without_rows_are_left_out() -> None:
    codes = np.array([0, 0, 2, -1], np.int8)

    profile = seen(pl.DataFrame({"x": [1, 2, 3, 4]}), codes).profile()

    assert set(profile.parts) == set(column(profile, "x").parts) == {"train", "test"}
    assert profile.parts["train"].rows == 2


def test_nothing_seen_gives_an_empty_profile_and_no_leak() -> None:
    profiler = seen(pl.DataFrame({"x": [1], "y": [1]}), np.array([-1], np.int8))

    assert profiler.profile().parts == {}
    assert profiler.leaks() == []


def test_without_rows_in_train_there_are_no_bins_but_one() -> None:
    profile = seen(pl.DataFrame({"x": [1, 2]}), np.array([2, 2], np.int8)).profile()

    assert column(profile, "x").edges == []
    assert part(profile, "x", "test").histogram == [2]


def test_a_profile_is_read_as_it_was_written() -> None:
    profile = seen(MIXED, roles={"flag": Role.TARGET}).profile()

    read = Profile.model_validate_json(json.dumps(profile.document()))

    assert read == profile


SCRIPT = """
import json, numpy as np, polars as pl
from tests.domain.parting import seen, drawn
from mlsys.domain.split_records import Role
r = np.random.default_rng(0)
n = 60_000
table = pl.DataFrame({
    "x": r.normal(size=n), "k": r.integers(0, 9, n), "y": r.integers(0, 2, n),
}).with_columns(t=pl.col("k").cast(pl.String) + " some text")
table = pl.concat([table, table[:50]])
profiler = seen(table, roles={"y": Role.TARGET}, cuts=[20_000, 41_000])
print(json.dumps([profiler.profile().document(), [str(leak) for leak in profiler.leaks()]]))
"""


def test_one_thread_or_two_say_the_same() -> None:
    answers = {said(SCRIPT, POLARS_MAX_THREADS=threads) for threads in ("1", "2", "2")}

    assert len(answers) == 1
    assert b"duplicate_rows" in answers.pop()
