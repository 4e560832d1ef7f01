"""A drafted contract is kept by its table, and asks for what other tables will keep, too."""

from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain import drafts
from mlsys.domain.contract import Contract
from mlsys.domain.drafts import Drafter
from mlsys.domain.errors import TooLarge
from mlsys.domain.rules.repeats import Repeats
from tests.domain.checked import checked

ROWS = 200


def drafted(table: pl.DataFrame, blocks: list[int] | None = None) -> Contract:
    drafter = Drafter(table.columns)
    start = 0
    for height in [*(blocks or []), table.height]:
        drafter.look(table.slice(start, height))
        start += height
    return drafter.contract()


def rule_of(name: str, values: list[Any], blocks: list[int] | None = None) -> dict[str, Any]:
    rule = drafted(pl.DataFrame({name: values}), blocks).columns[name]
    return rule.model_dump(mode="json", exclude_defaults=True)


@pytest.mark.parametrize(
    ("name", "values", "rule"),
    [
        ("visits", list(range(ROWS)), {"type": "integer", "nullable": False, "min": 0}),
        ("balance", list(range(-1, ROWS)), {"type": "integer", "nullable": False}),
        ("share", [0.5] * ROWS, {"type": "float", "nullable": False, "min": 0, "max": 1}),
        ("left", [0, 1] * ROWS, {"type": "integer", "nullable": False, "min": 0, "max": 1}),
        ("price", [0.5, 1.5] * ROWS, {"type": "float", "nullable": False, "min": 0}),
        ("paid", [Decimal("0.50")] * ROWS, {"type": "decimal", "nullable": False, "min": 0}),
        ("few", [1, None], {"type": "integer"}),
        ("few", ["a", "b"], {"type": "text", "nullable": False}),
        ("nothing", [None, None], {}),
        (
            "plan",
            ["b", "a", None] * ROWS,
            {"type": "text", "allowed_values": ["a", "b"]},
        ),
        ("plan", ["a"] * ROWS + ["rare"], {"type": "text", "nullable": False}),
        ("plan", ["a" * 81] * ROWS, {"type": "text", "nullable": False}),
        ("name", [f"n{at}" for at in range(ROWS)], {"type": "text", "nullable": False}),
        (
            "customer_id",
            [f"c{at}" for at in range(ROWS)],
            {"type": "text", "nullable": False, "role": "key", "unique": True},
        ),
        (
            "userId",
            list(range(ROWS)),
            {"type": "integer", "nullable": False, "role": "key", "unique": True},
        ),
        ("paid", list(range(ROWS)), {"type": "integer", "nullable": False, "min": 0}),
        ("id", [*range(ROWS), 0], {"type": "integer", "nullable": False, "min": 0}),
        ("id", [*range(ROWS), None], {"type": "integer", "min": 0}),
        ("id", [at / 2 for at in range(ROWS)], {"type": "float", "nullable": False, "min": 0}),
    ],
)
def test_a_draft_is_what_a_careful_person_would_write(
    name: str, values: list[Any], rule: dict[str, Any]
) -> None:
    assert rule_of(name, values) == rule


def test_a_value_that_becomes_common_later_is_allowed() -> None:
    values = ["a"] * ROWS + ["b"] * 5 + ["a"] * ROWS + ["b"] * 5

    found = rule_of("plan", values, blocks=[ROWS, 5, ROWS])

    assert found["allowed_values"] == ["a", "b"]


def test_too_many_rows_to_be_told_apart_are_no_reason_to_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Full(Repeats):
        def look(self, what: str, values: pl.DataFrame) -> pl.Series | None:
            raise TooLarge(f"{what} has {values.height} rows too many")

    monkeypatch.setattr(drafts, "Repeats", Full)

    assert "role" not in rule_of("id", list(range(ROWS)))


def test_of_more_rows_than_are_compared_a_key_is_drafted_but_not_that_it_is_unique(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drafts, "COMPARED_ROWS", ROWS)
    ids = [*range(ROWS), *range(ROWS)]

    found = rule_of("id", ids, blocks=[ROWS - 1])

    assert found == {"type": "integer", "nullable": False, "role": "key"}


@given(
    st.lists(
        st.tuples(
            st.none() | st.integers(-1, 9),
            st.none() | st.sampled_from(["a", "b", ""]),
            st.floats(0, 2),
        ),
        min_size=1,
        max_size=6,
    ),
    st.lists(st.integers(1, 50)),
)
def test_a_table_keeps_the_contract_that_was_drafted_from_it(
    rows: list[tuple[Any, ...]], blocks: list[int]
) -> None:
    schema = {"x": pl.Int64, "y": pl.String, "z": pl.Float64}
    few = pl.DataFrame(rows, schema, orient="row")
    many = pl.concat([few] * 50).with_columns(id=pl.int_range(len(rows) * 50).cast(pl.String))

    for table in (few, many):
        contract = drafted(table, blocks)
        report, _ = checked(table, contract)

        assert report.passed
        assert contract == drafted(table)
