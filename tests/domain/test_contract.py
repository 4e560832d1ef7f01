"""A table is held against its contract: everything wrong at once, row by row."""

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.checks import Checked, check, columns_of, draft_contract
from mlsys.domain.contract import Contract, Dataset, Ratios, read_dataset
from mlsys.domain.errors import InvalidInput
from mlsys.domain.records import ColumnType, Role
from mlsys.domain.tables import RawTable


def csv_of(**columns: list[str | None]) -> RawTable:
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    return RawTable(frame, first_row=2, untyped=frozenset(columns))


def checked(raw: RawTable, **contract: Any) -> Checked:
    return check(raw, Contract.model_validate(contract))


def rules(result: Checked) -> list[str]:
    return [reason.rule for reason in result.report.reasons]


def test_a_table_that_keeps_its_contract_passes() -> None:
    raw = csv_of(age=["31", None], code=["001", "002"], more=["1", "2"])

    result = checked(raw, columns={"age": {"type": "integer"}, "code": {"type": "text"}})

    assert result.report.passed
    assert result.table.to_dict(as_series=False) == {
        "age": [31, None],
        "code": ["001", "002"],
        "more": [1, 2],
    }


def test_everything_wrong_is_said_at_once() -> None:
    raw = csv_of(age=["31", "old", "NA"], name=[None, "b", "c"], y=["1", "1", None])

    result = checked(
        raw,
        columns={
            "age": {"type": "integer", "nullable": False},
            "name": {"nullable": False},
            "height": {},
            "weight": {"required": False},
            "y": {"role": "target"},
        },
        task_type="classification",
    )

    found = {(one.rule, one.column): one for one in result.report.reasons}
    assert set(found) == {
        ("type", "age"),
        ("not_null", "age"),
        ("not_null", "name"),
        ("missing_column", "height"),
        ("target_not_null", "y"),
        ("target_constant", "y"),
        ("class_rows", "y"),
    }
    assert found["type", "age"].cells[0].model_dump() == {"row": 3, "value": "old"}
    assert found["not_null", "age"].cells[0].model_dump() == {"row": 4, "value": "NA"}


def test_reasons_are_capped_and_counts_are_not() -> None:
    raw = csv_of(age=["x" * 1_000] * 500)

    [reason] = checked(raw, columns={"age": {"type": "integer"}}).report.reasons

    assert reason.count == 500
    assert len(reason.cells) == 100
    assert len(reason.cells[0].value or "") == 80
    assert len(reason.message) < 200


@pytest.mark.parametrize(
    ("values", "contract", "broken"),
    [
        (["a", "a", "a", "b", "b", "b"], {"task_type": "classification"}, []),
        (["a", "a", "a", "b", "b", "b"], {}, []),
        (["a"] * 6, {}, ["target_constant"]),
        (["a"] * 6, {"task_type": "classification"}, ["target_constant"]),
        ([None] * 6, {}, ["target_not_null", "target_constant"]),
        (["a"] * 5 + ["b"], {}, ["class_rows"]),
        (["a"] * 5 + ["b"], {"min_rows_per_class": 1}, []),
        (["1"] * 5 + ["2"], {}, []),
        (["1"] * 5 + ["2"], {"task_type": "classification"}, ["class_rows"]),
        (["1", "2", "3", "4", "5", "6.5"], {"task_type": "regression"}, []),
        (["1", "2", "3", "4", "5", "x"], {"task_type": "regression"}, ["target_numeric"]),
        (["1"] * 6, {"task_type": "regression"}, ["target_constant"]),
    ],
)
def test_a_target_must_be_one_that_can_be_learnt(
    values: list[str | None], contract: dict[str, Any], broken: list[str]
) -> None:
    result = checked(csv_of(y=values), columns={"y": {"role": "target"}}, **contract)

    assert rules(result) == broken


def test_an_infinite_target_is_refused_with_its_row() -> None:
    raw = RawTable(pl.DataFrame({"y": [1.0, float("inf"), 2.0]}))

    result = checked(raw, columns={"y": {"role": "target"}}, task_type="regression")

    assert rules(result) == ["target_finite"]
    assert result.report.reasons[0].cells[0].row == 2


def test_a_column_that_is_missing_everywhere_is_warned_of() -> None:
    result = checked(csv_of(a=[None, None], b=["1", "2"]))

    assert result.report.warnings == ["column 'a' is missing in every row"]


def test_columns_are_listed_with_their_roles() -> None:
    contract = Contract.model_validate({"columns": {"id": {"role": "key"}}})
    table = check(csv_of(id=["001", "002"], x=["1", None]), contract).table

    listed = columns_of(table, contract)

    assert [(one.name, one.type, one.nullable, one.role) for one in listed] == [
        ("id", ColumnType.TEXT, False, Role.KEY),
        ("x", ColumnType.INTEGER, True, Role.FEATURE),
    ]


@given(
    st.lists(
        st.tuples(st.none() | st.integers(-9, 9).map(str), st.none() | st.text(max_size=3)),
        min_size=1,
    )
)
def test_a_table_keeps_the_contract_that_was_drafted_from_it(
    rows: list[tuple[str | None, str | None]],
) -> None:
    raw = csv_of(x=[row[0] for row in rows], y=[row[1] for row in rows])
    first = check(raw, Contract())

    again = check(raw, draft_contract(first.table))

    assert again.report.passed
    assert again.table.equals(first.table)


def test_a_dataset_is_read_with_its_target() -> None:
    content = {"contract": {"columns": {"x": {"type": "float"}}}, "split": {"target_column": "y"}}

    dataset = read_dataset(json.dumps(content).encode())

    assert dataset.target_column == "y"
    assert dataset.contract_in_force().target_column == "y"
    assert list(dataset.contract_in_force().columns) == ["x", "y"]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("not json", ""),
        ('{"experiment": {}}', "experiment"),
        ('{"contract": {"columns": {"x": {"type": "str"}}}}', "contract.columns.x.type"),
        ('{"contract": {"columns": {"x": {"colour": 1}}}}', "contract.columns.x.colour"),
        ('{"split": {"strategy": "group"}}', "split.strategy"),
        ('{"split": {"strategy": "stratified"}}', ""),
        ('{"split": {"ratios": {"train": 0.9}}}', "split.ratios"),
        ('{"split": {"ratios": {"train": 1.0, "val": 0.0, "test": 0.0}}}', "split.ratios.train"),
        ('{"split": {"seed": -1}}', "split.seed"),
    ],
)
def test_a_dataset_that_cannot_be_used_is_refused_with_the_field(content: str, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_dataset(content.encode())

    assert caught.value.violations[0].field == field


@pytest.mark.parametrize(
    "dataset",
    [
        {
            "contract": {"columns": {"x": {"role": "target"}}},
            "split": {"target_column": "y"},
        },
        {
            "contract": {"columns": {"x": {"role": "target"}}, "task_type": "regression"},
            "split": {"strategy": "stratified"},
        },
        {"contract": {"columns": {"x": {"role": "target"}, "y": {"role": "target"}}}},
    ],
)
def test_a_dataset_that_contradicts_itself_is_refused(dataset: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        read_dataset(json.dumps(dataset).encode())


def test_ratios_are_what_was_written() -> None:
    exact = Ratios(train=0.6, val=0.3, test=0.1).exact()

    assert [str(share) for share in exact.values()] == ["3/5", "3/10", "1/10"]
    assert Dataset().split.ratios == Ratios()
