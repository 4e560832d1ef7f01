"""Rules about a whole table: its rows, its missing cells, its age, and what its target is."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from mlsys.domain.report import Report
from mlsys.domain.rules import target_rules
from tests.domain.checked import broken, checked, contract_of, rules

UPLOADED = datetime(2026, 11, 10, 12, tzinfo=UTC)
UTC_TIME = pl.Datetime("us", "UTC")


def of_target(values: list[Any], **contract: Any) -> Report:
    columns = {"y": {"role": "target", **contract.pop("y", {})}}
    report, _ = checked({"y": values}, contract_of(columns=columns, **contract), blocks=[1, 4])
    return report


def aged(values: pl.Series, *, rule: dict[str, Any] | None = None, **options: Any) -> Report:
    contract = contract_of(columns={"at": {"role": "time", **(rule or {})}}, max_age="P7D")
    given = {"uploaded_at": UPLOADED, **options}
    report, _ = checked(values.alias("at").to_frame(), contract, blocks=[1], **given)
    return report


@pytest.mark.parametrize(
    ("values", "contract", "wrong"),
    [
        (["a", "a", "a", "b", "b", "b"], {"task_type": "classification"}, []),
        (["a", "a", "a", "b", "b", "b"], {}, []),
        (["a"] * 6, {}, ["target_constant"]),
        ([True] * 6, {"task_type": "classification"}, ["target_constant"]),
        ([None] * 6, {}, ["target_not_null", "target_constant"]),
        (["a"] * 5 + ["b"], {}, ["min_rows_per_class"]),
        (["a"] * 5 + ["b"], {"min_rows_per_class": 1}, []),
        ([1] * 5 + [2], {}, []),
        ([1] * 6, {}, ["target_constant"]),
        ([1] * 5 + [2], {"task_type": "classification"}, ["min_rows_per_class"]),
        ([1, 2, 3, 4, 5, 6.5], {"task_type": "regression"}, []),
        (list("12345x"), {"task_type": "regression"}, ["target_numeric"]),
        ([1] * 6, {"task_type": "regression"}, ["target_constant"]),
        ([1] * 9 + [2], {"min_class_share": 0.1, "min_rows_per_class": 1}, []),
        ([1] * 10 + [2], {"min_class_share": 0.1, "min_rows_per_class": 1}, ["min_class_share"]),
        ([1, 2], {"checks": ["target_binary"]}, []),
        ([1, 2, 3], {"checks": ["target_binary"]}, ["target_binary"]),
        (["a", "b", "c"] * 3, {"checks": ["target_binary"]}, ["target_binary"]),
        ([1, 1], {"checks": ["target_binary"]}, ["target_constant", "target_binary"]),
    ],
)
def test_a_target_must_be_one_that_can_be_learnt(
    values: list[Any], contract: dict[str, Any], wrong: list[str]
) -> None:
    report = of_target(values, **contract)

    assert rules(report) == wrong


def test_what_is_wrong_with_a_target_is_told() -> None:
    report = of_target(["a", "b", "b", "c", "c", "c"], min_class_share=0.2)

    told = [(reason.message, reason.count) for reason in report.reasons]
    assert told == [
        ("target 'y': want at least 3 rows of each class: 'a' has 1, 'b' has 2", 2),
        ("target 'y': want at least 0.2 of the rows in each class: 'a' has 0.167", 1),
    ]


def test_classes_are_those_of_the_rows_that_are_kept() -> None:
    columns = {"y": {"role": "target", "allowed_values": ["a", "b"]}}
    wanted = {"columns": columns, "checks": ["target_binary"], "min_rows": 7}
    table = {"y": ["a", "b"] * 3 + ["c"]}

    rejected, _ = checked(table, contract_of(**wanted))
    mended, _ = checked(table, contract_of(**wanted, on_violation="quarantine_rows"))

    assert rules(rejected) == ["allowed_values", "target_binary", "min_rows_per_class"]
    assert rules(mended) == ["allowed_values", "min_rows"]
    assert broken(mended)["min_rows", None].message == "want at least 7 rows, got 6"


def test_more_classes_than_can_be_remembered_are_no_classes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(target_rules, "MAX_CLASSES", 2)

    report = of_target(list("aabbcd"), checks=["target_binary"])

    assert rules(report) == ["target_binary", "too_many_classes"]


def test_missing_cells_are_counted_without_those_that_do_not_fit() -> None:
    contract = contract_of(columns={"a": {"type": "integer"}}, max_null_share=0.25)
    unfit = {"a": [True, True, False, False]}

    below, _ = checked({"a": [None, None, None, 1], "b": [1] * 4}, contract, unfit=unfit)
    above, _ = checked({"a": [None] * 4, "b": [1] * 4}, contract, unfit=unfit)

    assert rules(below) == ["type"]
    assert rules(above) == ["type", "max_null_share"]
    message = "column 'a': want at most 25.000% missing; 2 of 4 cells are missing (50.000%)"
    assert (above.reasons[1].message, above.reasons[1].count) == (message, 2)


def test_a_column_may_say_otherwise_how_much_may_be_missing() -> None:
    contract = contract_of(columns={"a": {"max_null_share": 0.5}}, max_null_share=0)

    report, _ = checked({"a": [None, 1], "b": [None, 1]}, contract)

    assert [(one.rule, one.column) for one in report.reasons] == [("max_null_share", "b")]


@pytest.mark.parametrize(
    ("checks", "missing"),
    [
        ([], [("missing_column", "a")]),
        (
            ["required_columns_present"],
            [("required_columns_present", "a"), ("required_columns_present", "b")],
        ),
    ],
)
def test_a_check_asks_for_optional_columns_too(
    checks: list[str], missing: list[tuple[str, str]]
) -> None:
    contract = contract_of(columns={"a": {}, "b": {"required": False}, "c": {}}, checks=checks)

    report, _ = checked({"c": [1]}, contract)

    assert [(one.rule, one.column) for one in report.reasons] == missing


@pytest.mark.parametrize(
    ("newest", "wrong"),
    [
        (UPLOADED - timedelta(days=7), []),
        (UPLOADED - timedelta(days=7, microseconds=1), ["max_age"]),
        (date(2026, 11, 3), []),
        (date(2026, 11, 2), ["max_age"]),
    ],
)
def test_the_newest_value_must_be_new_enough(newest: date, wrong: list[str]) -> None:
    dtype = UTC_TIME if isinstance(newest, datetime) else pl.Date()
    older = newest - timedelta(days=30)

    report = aged(pl.Series([older, newest, None, older], dtype=dtype))

    assert rules(report) == wrong


def test_how_old_the_newest_value_is_is_told_unless_it_is_sensitive() -> None:
    times = pl.Series([datetime(2026, 11, 1, 12, tzinfo=UTC)], dtype=UTC_TIME)

    told = aged(times).reasons[0].message
    hidden = aged(times, rule={"sensitive": True}).reasons[0].message

    wanted = "column 'at': want a newest value that is at most 7 days, 0:00:00 old"
    assert told == f"{wanted}, got 2026-11-01T12:00:00Z, 9 days, 0:00:00 old"
    assert hidden == f"{wanted}, got an older one"


@pytest.mark.parametrize(
    ("values", "got"),
    [
        (pl.Series([None, None], dtype=pl.String), "got no value"),
        (pl.Series(["yesterday"]), "got text"),
    ],
)
def test_a_time_column_without_times_is_not_new(values: pl.Series, got: str) -> None:
    report = aged(values)

    assert rules(report) == ["max_age"]
    assert got in report.reasons[0].message


def test_what_may_be_a_mistake_is_warned_of() -> None:
    times = pl.Series([UPLOADED + timedelta(hours=1)], dtype=UTC_TIME)

    unknown = aged(times, uploaded_at=None)
    late = aged(times)
    empty, _ = checked({"a": [None, None], "b": [1, None]}, contract_of())
    lacking, _ = checked({"b": [1]}, contract_of(columns={"at": {"role": "time"}}, max_age=1))

    assert unknown.warnings == ["max_age was not looked at: nobody said when it was uploaded"]
    assert late.warnings == ["column 'at' has times after the upload"]
    assert empty.warnings == ["column 'a' is missing in every row"]
    assert rules(lacking) == ["missing_column"]
