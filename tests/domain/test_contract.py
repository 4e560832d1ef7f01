"""A `dataset.json` is read strictly: what contradicts itself or cannot be kept is refused."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.contract import ColumnRule, Contract
from mlsys.domain.dataset import Dataset, read_dataset
from mlsys.domain.errors import InvalidInput
from mlsys.domain.split_params import Ratios
from mlsys.domain.split_records import ColumnType
from mlsys.edge.parsing import parse_model


def read(**contract: Any) -> Contract:
    read = read_dataset(json.dumps({"contract": contract}).encode()).contract
    assert read is not None
    return read


def problem(**contract: Any) -> tuple[str, str]:
    """Return where the first problem is, and what it is."""
    with pytest.raises(InvalidInput) as caught:
        read(**contract)
    first = caught.value.violations[0]
    assert first.description in str(caught.value)
    return first.field, first.description


def test_bounds_are_numbers_dates_or_times_in_utc() -> None:
    bounds = [2**60 + 1, 0.5, "2026-11-01", "2026-11-01T12:00:00+02:00", "2026-11-01 12:00"]

    contract = read(columns={f"c{at}": {"min": bound} for at, bound in enumerate(bounds)})

    assert [rule.min for rule in contract.columns.values()] == [
        2**60 + 1,
        0.5,
        date(2026, 11, 1),
        datetime(2026, 11, 1, 10, tzinfo=UTC),
        datetime(2026, 11, 1, 12, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    "bound",
    [
        True,
        "5",
        "2026-13-01",
        "2026-W01-1",
        "20261101",
        [],
        1e999,
        10**400,
        "0001-01-01T00:00+01:00",
    ],
)
def test_what_is_no_bound_is_refused(bound: object) -> None:
    field, told = problem(columns={"x": {"max": bound}})

    assert field == "contract.columns.x.max"
    assert told.startswith("want a finite number, a date, or a time")


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"min": 2, "max": 1}, "min 2 is above max 1"),
        ({"min": "2026-11-02", "max": "2026-11-01T23:00:00Z"}, "min 2026-11-02 is above"),
        ({"min": 2, "max": "2026-11-01"}, "min 2 and max 2026-11-01 are no bounds of one type"),
        ({"type": "text", "min": 2}, "2 is no bound of a column of type text"),
        ({"type": "boolean", "max": 2}, "2 is no bound of a column of type boolean"),
        ({"type": "integer", "max": "2026-11-01"}, "no bound of a column of type integer"),
        ({"type": "date", "max": "2026-11-01T00:00:00Z"}, "no bound of a column of type date"),
        ({"type": "float", "min": "2026-11-01T00:00:00Z"}, "no bound of a column of type float"),
        ({"type": "date", "min": 1}, "1 is no bound of a column of type date"),
        ({"type": "integer", "pattern": "[0-9]+"}, "a pattern is for text"),
        ({"pattern": "[0-9]+", "min": 1}, "1 is no bound of a column of type text"),
        ({"type": "integer", "allowed_values": [1, True]}, "the allowed value True is none"),
        ({"type": "integer", "allowed_values": [1.5]}, "the allowed value 1.5 is none"),
        ({"type": "boolean", "allowed_values": [1]}, "the allowed value 1 is none"),
        ({"type": "float", "allowed_values": [10**400]}, "is none of a column of type float"),
        ({"type": "decimal", "allowed_values": ["NaN"]}, "the allowed value 'NaN' is none"),
        ({"type": "decimal", "allowed_values": ["x"]}, "the allowed value 'x' is none"),
        ({"type": "date", "allowed_values": ["2026-11-01T00:00:00Z"]}, "none of a column of type"),
        ({"type": "datetime", "allowed_values": [1]}, "the allowed value 1 is none"),
        ({"type": "text", "allowed_values": [1]}, "the allowed value 1 is none"),
    ],
)
def test_a_rule_that_no_cell_could_keep_is_refused(rule: dict[str, Any], told: str) -> None:
    field, found = problem(columns={"x": rule})

    assert field == "contract.columns.x"
    assert told in found


def test_a_contract_is_written_in_python_too() -> None:
    day, hour = date(2026, 11, 1), datetime(2026, 11, 1, 12)  # noqa: DTZ001  # taken as UTC

    rule = ColumnRule(min=day, max=hour)

    assert (rule.min, rule.max) == (day, hour.replace(tzinfo=UTC))


def test_what_only_text_can_be_held_against_makes_a_column_text() -> None:
    contract = read(
        columns={
            "zip": {"pattern": "[0-9]{5}"},
            "code": {"allowed_values": ["001", "002"]},
            "day": {"allowed_values": ["2026-11-01"], "type": "date"},
            "level": {"allowed_values": [1, "2"]},
            "age": {"min": 0},
        }
    )

    assert contract.wanted_types == {
        "zip": ColumnType.TEXT,
        "code": ColumnType.TEXT,
        "day": ColumnType.DATE,
    }


@pytest.mark.parametrize(
    ("contract", "told"),
    [
        ({"max_age": "P1D"}, "max_age needs a time column"),
        ({"checks": ["target_binary"]}, "target_binary needs a target"),
        (
            {"columns": {"a": {"role": "time"}, "b": {"role": "time"}}},
            "one column may have the role time, got a, b",
        ),
    ],
)
def test_roles_that_are_lacking_or_there_twice_are_told(
    contract: dict[str, Any], told: str
) -> None:
    _, found = problem(**contract)

    assert told in found


def test_a_role_that_the_split_names_is_no_longer_lacking() -> None:
    content = {
        "contract": {"max_age": 3600, "min_class_share": 0.1},
        "split": {"strategy": "time", "time_column": "at", "target_column": "y"},
    }

    dataset = read_dataset(json.dumps(content).encode())

    assert dataset.contract is not None
    assert dataset.contract.max_age == timedelta(hours=1)


@given(
    st.builds(
        dict,
        min=st.none()
        | st.integers(-9, 9)
        | st.just("2026-11-01")
        | st.just("2026-11-01T00:30:00Z"),
        allowed_values=st.none() | st.lists(st.integers(0, 9) | st.booleans(), min_size=1),
        max_null_share=st.none() | st.floats(0, 1),
        sensitive=st.booleans(),
    ),
    st.sampled_from([None, "P7D", "PT90M", 0.5]),
)
def test_a_contract_that_is_written_is_read_again(rule: dict[str, Any], age: object) -> None:
    content = {"columns": {"x": rule, "t": {"role": "time"}}, "max_age": age}
    contract = read(**content)

    again = read(**json.loads(contract.model_dump_json(exclude_defaults=True)))

    assert again == contract
    assert parse_model(json.loads(contract.model_dump_json()), Contract) == contract


def test_a_schema_may_be_named_for_editors() -> None:
    dataset = read_dataset(b'{"$schema": "./dataset.schema.json"}')

    assert dataset.json_schema == "./dataset.schema.json"
    assert "schema" not in dataset.model_dump_json()


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
        ('{"experiment": {}}', "experiment.name"),
        ('{"contract": {"columns": {"x": {"type": "str"}}}}', "contract.columns.x.type"),
        ('{"contract": {"columns": {"x": {"colour": 1}}}}', "contract.columns.x.colour"),
        ('{"split": {"strategy": "groups"}}', "split.strategy"),
        ('{"split": {"strategy": "group"}}', ""),
        ('{"split": {"strategy": "time"}}', ""),
        ('{"split": {"strategy": "hash"}}', ""),
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
            "contract": {"columns": {"x": {"role": "target"}}, "task_type": "classification"},
            "split": {"strategy": "stratified", "bins": 4},
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
