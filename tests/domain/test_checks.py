"""A table is held against its contract block by block: everything wrong at once, row by row."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.checks import Checker, columns_of, refuses
from mlsys.domain.contract import Contract
from mlsys.domain.errors import InvalidInput
from mlsys.domain.rules import tallies
from mlsys.domain.split_records import Column, ColumnType, Role
from tests.domain.checked import broken, checked, contract_of, rules

EVERY_RULE = {
    "columns": {
        "id": {"role": "key", "unique": True},
        "age": {"type": "integer", "nullable": False, "min": 0, "max": 6, "max_null_share": 0.2},
        "plan": {"allowed_values": ["a", "b"], "pattern": "[ab]", "sensitive": True},
        "y": {"role": "target", "type": "text"},
        "height": {},
    },
    "task_type": "classification",
    "min_rows": 8,
    "min_class_share": 0.3,
    "max_null_share": 0.4,
    "unique_keys": ["age", "plan"],
    "checks": ["no_nulls", "target_binary", "required_columns_present"],
}


def test_a_table_that_keeps_its_contract_passes() -> None:
    contract = contract_of(columns={"age": {"type": "integer", "min": 0}, "code": {"unique": True}})

    report, bad = checked({"age": [31, None], "code": ["001", "002"]}, contract)

    assert report.passed
    assert (report.rows, report.bad_rows, bad) == (2, 0, [])


def test_everything_wrong_is_said_at_once() -> None:
    contract = contract_of(
        columns={
            "age": {"type": "integer", "nullable": False},
            "name": {"nullable": False},
            "height": {},
            "weight": {"required": False},
            "y": {"role": "target"},
        },
        task_type="classification",
    )
    raw = pl.DataFrame({"age": ["31", "old", "NA"], "name": [None, "b", "c"], "y": ["1", "1", ""]})
    typed = raw.with_columns(age=pl.Series([31, None, None]), y=pl.Series(["1", "1", None]))

    report, bad = checked(typed, contract, raw=raw, unfit={"age": [False, True, False]})

    assert [(one.rule, one.column, one.scope) for one in report.reasons] == [
        ("type", "age", "rows"),
        ("not_null", "age", "rows"),
        ("not_null", "name", "rows"),
        ("target_not_null", "y", "rows"),
        ("missing_column", "height", "table"),
        ("target_constant", "y", "table"),
        ("min_rows_per_class", "y", "table"),
    ]
    found = broken(report)
    assert found["type", "age"].cells[0].model_dump() == {"row": 3, "value": "old", "key": {}}
    assert found["not_null", "age"].cells[0].value == "NA"
    assert (report.bad_rows, bad) == (3, [0, 1, 2])


def test_reasons_are_capped_and_counts_are_not() -> None:
    raw = pl.DataFrame({"age": ["x" * 1_000] * 500})
    contract = contract_of(columns={"age": {"type": "integer"}})

    report, _ = checked({"age": [None] * 500}, contract, raw=raw, unfit={"age": [True] * 500})

    [reason] = report.reasons
    assert reason.count == 500
    assert len(reason.cells) == 100
    assert len(reason.cells[0].value or "") == 80
    assert len(reason.message) < 200


def test_many_rules_share_the_room_for_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "MAX_CELLS_IN_ALL", 6)
    columns = {name: {"nullable": False} for name in "abc"}

    report, _ = checked(
        dict.fromkeys("abc", [None] * 9), contract_of(columns=columns), blocks=[1, 3]
    )

    assert [(one.count, len(one.cells)) for one in report.reasons] == [(9, 2)] * 3


def test_a_bad_cell_is_shown_with_the_keys_of_its_row() -> None:
    contract = contract_of(
        columns={
            "id": {"role": "key"},
            "mail": {"role": "key", "sensitive": True},
            "age": {"max": 9},
        }
    )

    report, _ = checked({"id": ["k1", "k2"], "mail": ["m1", "m2"], "age": [1, 10]}, contract)

    assert report.reasons[0].cells[0].model_dump() == {"row": 3, "value": "10", "key": {"id": "k2"}}


def test_no_value_of_a_sensitive_column_is_told() -> None:
    word = "s3cret"
    rule = {"sensitive": True, "unique": True, "allowed_values": ["open"], "role": "target"}
    contract = contract_of(
        columns={"word": rule, "n": {}, "id": {"role": "key"}},
        unique_keys=["n", "word"],
        min_class_share=0.9,
        task_type="classification",
    )
    several: dict[str, list[Any]] = {"word": [word, word, "s2"], "n": [1, 1, 2], "id": [7, 8, 9]}
    constant: dict[str, list[Any]] = {"word": [word], "n": [1], "id": [7]}

    reports = [checked(rows, contract)[0] for rows in (several, constant)]

    assert {rule for one in reports for rule in rules(one)} == {
        *("allowed_values", "unique", "unique_keys"),
        *("min_rows_per_class", "min_class_share", "target_constant"),
    }
    assert all(
        cell.value is None and cell.key
        for one in reports
        for reason in one.reasons
        for cell in reason.cells
    )
    assert not any(word in one.model_dump_json() for one in reports)


def test_unique_keys_are_shown_together() -> None:
    table = pl.DataFrame({"a": [1, 1, 1], "b": ["x", "y", "x"]})

    report, bad = checked(table, contract_of(unique_keys=["a", "b"]), blocks=[1, 1])

    [reason] = report.reasons
    assert (reason.rule, reason.column, reason.count, bad) == ("unique_keys", None, 1, [2])
    assert reason.cells[0].value == "1, x"
    assert "columns 'a', 'b'" in reason.message


def test_unique_keys_that_the_table_lacks_are_missing_columns() -> None:
    report, bad = checked({"a": [1, 1]}, contract_of(unique_keys=["a", "b"]))

    assert [(one.rule, one.column) for one in report.reasons] == [("missing_column", "b")]
    assert bad == []


def test_no_nulls_names_each_column_once() -> None:
    contract = contract_of(columns={"a": {"nullable": False}}, checks=["no_nulls"])

    report, bad = checked({"a": [1, None], "b": [None, 2], "c": [3, 4]}, contract)

    assert [(one.rule, one.column) for one in report.reasons] == [
        ("not_null", "a"),
        ("no_nulls", "b"),
    ]
    assert bad == [0, 1]


def test_an_infinite_target_is_refused_with_its_row() -> None:
    contract = contract_of(columns={"y": {"role": "target"}}, task_type="regression")

    report, bad = checked({"y": [1.0, float("inf"), None, 2.0]}, contract)

    assert rules(report) == ["target_not_null", "target_finite"]
    assert broken(report)["target_finite", "y"].cells[0].row == 3
    assert bad == [1, 2]


@pytest.mark.parametrize(
    ("contract", "problem"),
    [
        ({"max_age": 60}, "max_age needs a time column"),
        ({"checks": ["target_binary"]}, "target_binary needs a target"),
        ({"min_class_share": 0.1}, "min_class_share needs a target"),
        (
            {
                "columns": {"y": {"role": "target"}},
                "task_type": "regression",
                "min_class_share": 0.1,
            },
            "the task is a regression",
        ),
        ({"columns": {"y": {"pattern": "(?=a)"}}}, "look-around"),
        ({"columns": {"y": {"pattern": "a)(b"}}}, "unopened group"),
        ({"columns": {"y": {"pattern": r"\w{1000}{1000}"}}}, "size limit"),
    ],
)
def test_a_contract_that_cannot_be_used_is_refused_at_the_start(
    contract: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InvalidInput, match=problem):
        Checker(contract_of(**contract), ["y"], first_row=1)


@pytest.mark.parametrize(
    ("on_violation", "row_rule", "table_rule"),
    [("reject", True, True), ("quarantine_rows", False, True), ("warn", False, False)],
)
def test_what_is_refused_is_up_to_on_violation(
    on_violation: str, *, row_rule: bool, table_rule: bool
) -> None:
    contract = contract_of(columns={"a": {"max": 1}}, min_rows=1, on_violation=on_violation)
    fine, _ = checked({"a": [1]}, contract)
    rows, _ = checked({"a": [1, 2]}, contract)
    table, _ = checked({"a": [1]}, contract.model_copy(update={"min_rows": 2}))

    refused = [refuses(contract, report) for report in (fine, rows, table)]

    assert refused == [False, row_rule, table_rule]


def test_nulls_are_those_of_the_rows_that_are_kept() -> None:
    rows = pl.DataFrame({"a": [1, 9, 9], "b": [None, None, 2]})
    columns = {"a": {"max": 1, "role": "key"}, "b": {"sensitive": True}}
    leaving = contract_of(columns=columns, on_violation="quarantine_rows")

    kept = {}
    for contract in (leaving, leaving.model_copy(update={"on_violation": "warn"})):
        checker = Checker(contract, rows.columns, first_row=1)
        checker.look(lambda: rows, rows, {}, start=0)
        kept[contract.on_violation] = checker.nulls

    assert kept == {"quarantine_rows": {"a": 0, "b": 1}, "warn": {"a": 0, "b": 2}}
    listed = columns_of(rows.schema, kept["warn"], leaving)
    assert listed == [
        Column(name="a", type=ColumnType.INTEGER, nullable=False, role=Role.KEY),
        Column(name="b", type=ColumnType.INTEGER, nullable=True, sensitive=True),
    ]


@given(
    st.lists(
        st.tuples(
            st.none() | st.integers(0, 5),
            st.none() | st.integers(-1, 7),
            st.booleans(),
            st.none() | st.sampled_from(["a", "b", "c"]),
            st.none() | st.sampled_from(["yes", "no", "what"]),
        ),
        min_size=1,
        max_size=30,
    ),
    st.lists(st.integers(1, 7)),
    st.sampled_from(["reject", "quarantine_rows", "warn"]),
)
def test_how_the_rows_are_divided_into_blocks_changes_nothing(
    rows: list[tuple[Any, ...]], blocks: list[int], on_violation: str
) -> None:
    schema = {"id": pl.Int64, "age": pl.Int64, "unfit": pl.Boolean, "plan": pl.String}
    table = pl.DataFrame(rows, {**schema, "y": pl.String}, orient="row")
    unfit = {"age": [row[1] is None and row[2] for row in rows]}
    table = table.drop("unfit")
    contract = Contract.model_validate({**EVERY_RULE, "on_violation": on_violation})

    whole = checked(table, contract, unfit=unfit)
    divided = checked(table, contract, unfit=unfit, blocks=blocks)

    assert divided == whole
    assert whole[0].bad_rows == len(set(whole[1]))
    assert whole[0].bad_rows <= sum(one.count for one in whole[0].reasons if one.scope == "rows")
