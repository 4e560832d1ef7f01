"""Ranges, allowed values and patterns, in every type that a column has."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.errors import InvalidInput
from mlsys.domain.tables import type_of
from tests.domain.checked import checked, contract_of, rules

UTC_TIME = pl.Datetime("us", "UTC")
NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
CELLS: dict[pl.DataType, st.SearchStrategy[Any]] = {
    pl.Int64(): st.integers(-(2**63), 2**63 - 1),
    pl.Float64(): st.floats(allow_nan=False),
    pl.Decimal(38, 2): st.decimals(-9, 9, places=2),
}


def bad_rows(cells: pl.Series, **rule: Any) -> list[int]:
    _, bad = checked(cells.alias("x").to_frame(), contract_of(columns={"x": rule}))
    return bad


def moment(hour: int) -> datetime:
    return datetime(2026, 11, 1, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cells", "rule", "bad"),
    [
        (pl.Series([1, 5, None, 9]), {"min": 2, "max": 8}, [0, 3]),
        (pl.Series([1, 5]), {"min": 9}, [0, 1]),
        (pl.Series([1, 5]), {"max": 0}, [0, 1]),
        (pl.Series([1, 5]), {"min": 1.5}, [0]),
        (pl.Series([1, 5]), {"max": 4.5}, [1]),
        (pl.Series([0.1, 0.3]), {"min": 0.1, "max": 0.3}, []),
        (pl.Series([2.0**53, 2.0**53 + 2]), {"min": 2**53 + 1}, [0]),
        (pl.Series([2.0**53, 2.0**53 + 2]), {"max": 2**53 + 1}, [1]),
        (pl.Series([float("inf"), 1.0]), {"max": 1e308}, [0]),
        (pl.Series([Decimal("0.10"), Decimal("0.09")]), {"min": 0.1}, [1]),
        (pl.Series([Decimal("0.10"), Decimal("0.11")]), {"max": 0.105}, [1]),
        (pl.Series([date(2026, 1, 1), date(2026, 1, 3)]), {"max": "2026-01-02"}, [1]),
        (pl.Series([moment(0), moment(23)], dtype=UTC_TIME), {"max": "2026-11-01"}, []),
        (pl.Series([moment(0), moment(23)], dtype=UTC_TIME), {"min": "2026-11-02"}, [0, 1]),
        (pl.Series([moment(0), moment(2)], dtype=UTC_TIME), {"min": "2026-11-01T02:00+01:00"}, [0]),
        (pl.Series(["a", "b", None]), {"allowed_values": ["a"]}, [1]),
        (pl.Series(["a", "zz"]), {"allowed_values": list("abcdefghijklmnopqrst")}, [1]),
        (pl.Series([1, 2, None]), {"allowed_values": [1, 3.0, 2**80]}, [1]),
        (pl.Series([0.5, 2.0**53]), {"allowed_values": [0.5, 2**53 + 1]}, [1]),
        (pl.Series([True, False]), {"allowed_values": [True]}, [1]),
        (
            pl.Series([Decimal("2.25"), Decimal("1.50")]),
            {"type": "decimal", "allowed_values": ["1.5", 2.253, "1e40"]},
            [0],
        ),
        (
            pl.Series([date(2026, 1, 1), date(2026, 1, 3)]),
            {"type": "date", "allowed_values": ["2026-01-01"]},
            [1],
        ),
        (
            pl.Series([moment(0), moment(2)], dtype=UTC_TIME),
            {"type": "datetime", "allowed_values": ["2026-11-01T03:00:00+01:00"]},
            [0],
        ),
        (pl.Series(["ab", "abc", "", None]), {"pattern": "a|ab"}, [1, 2]),
        (pl.Series(["ab", "ab\n"]), {"pattern": "a."}, [1]),
        (pl.Series([None, None], dtype=pl.String), {"min": 1, "max": 2}, []),
    ],
)
def test_cells_that_break_a_rule_are_found(
    cells: pl.Series, rule: dict[str, Any], bad: list[int]
) -> None:
    found = bad_rows(cells, **rule)

    assert found == bad


@pytest.mark.parametrize("dtype", CELLS, ids=str)
@given(data=st.data())
def test_a_range_is_exact(dtype: pl.DataType, data: st.DataObject) -> None:
    cells = data.draw(st.lists(st.none() | CELLS[dtype], min_size=1, max_size=5))
    low, high = sorted([data.draw(NUMBERS), data.draw(NUMBERS)])

    bad = bad_rows(pl.Series(cells, dtype=dtype), min=low, max=high)

    exact = [Fraction(str(one)) if isinstance(dtype, pl.Decimal) else one for one in (low, high)]
    outside = [
        at for at, cell in enumerate(cells) if cell is not None and not exact[0] <= cell <= exact[1]
    ]
    assert bad == outside


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ({"min": 0, "max": 1}, "want 0 to 1;"),
        ({"min": 0}, "want at least 0;"),
        ({"max": "2026-11-01T00:00Z", "type": "datetime"}, "want at most 2026-11-01T00:00:00Z;"),
        ({"allowed_values": list("abcdefg")}, "want one of 'a', 'b', 'c', 'd', 'e' and 2 more;"),
        ({"allowed_values": ["a"]}, "want one of 'a';"),
        ({"pattern": "[0-9]+"}, "want text that matches [0-9]+;"),
    ],
)
def test_a_reason_says_what_is_wanted(rule: dict[str, Any], wanted: str) -> None:
    cells = {
        "text": pl.Series(["z"]),
        "datetime": pl.Series([datetime(2027, 1, 1, tzinfo=UTC)], dtype=UTC_TIME),
        "number": pl.Series([-7, 7]),
    }
    contract = contract_of(columns={"x": rule})
    kind = str(contract.columns["x"].wanted_type or "number")

    report, _ = checked(cells[kind].alias("x").to_frame(), contract)

    assert wanted in report.reasons[0].message


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        (pl.Series(["a"]), {"min": 0}),
        (pl.Series(["a"]), {"allowed_values": [1]}),
        (pl.Series([1]), {"max": "2026-11-01"}),
        (pl.Series([date(2026, 1, 1)]), {"max": "2026-11-01T00:00:00Z"}),
        (pl.Series([1]), {"pattern": "1"}),
    ],
)
def test_a_rule_that_does_not_fit_the_type_that_was_told_is_refused(
    cells: pl.Series, rule: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput, match=f"column 'x': .*type {type_of(cells)}"):
        bad_rows(cells, **rule)


def test_a_column_without_values_has_no_type_yet() -> None:
    contract = contract_of(columns={"x": {"min": 2}})
    table = pl.DataFrame({"x": [None, None, 1]})

    report, bad = checked(table, contract, blocks=[2])

    assert (rules(report), bad) == (["range"], [2])
