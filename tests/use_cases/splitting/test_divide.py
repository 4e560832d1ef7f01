"""The work of the child process: a table in, three files and an outcome out."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlsys.domain.errors import InvalidInput
from tests.use_cases.splitting.divisions import FILES, TARGET, classes, divided, numbers

DAYS = "d,x,y\n" + "".join(f"2026-03-{1 + n // 4:02},{n},{'ab'[n % 2]}\n" for n in range(100))


def test_the_parts_are_the_table(tmp_path: Path) -> None:
    division = divided(tmp_path, numbers(20))

    assert division.outcome.rows == {"train": 14, "val": 3, "test": 3}
    assert {part: one.height for part, one in division.parts.items()} == division.outcome.rows
    assert sorted(division.table["x"]) == list(range(20))
    assert division.outcome.drafted_contract is not None
    assert division.names == FILES


def test_rows_keep_their_order_in_each_part(tmp_path: Path) -> None:
    for part in divided(tmp_path, numbers(200)).parts.values():
        assert part["x"].is_sorted()


@pytest.mark.parametrize(
    "split",
    [
        {"strategy": "random", "seed": 3},
        {"strategy": "random", "train_only": 50, "ratios": {"train": 0.2, "val": 0.4, "test": 0.4}},
        {"strategy": "stratified", "target_column": "y"},
        {"strategy": "stratified", "target_column": "x", "bins": 4},
        {"strategy": "group", "group_column": "group"},
        {"strategy": "time", "time_column": "x"},
        {"strategy": "hash", "key_columns": ["id"]},
        {"strategy": "predefined", "split_column": "part"},
        {"strategy": "kfold", "n_splits": 3},
        {"strategy": "kfold", "ratios": {"train": 0.8, "val": 0, "test": 0.2}},
        {"strategy": "stratified_kfold", "target_column": "y", "n_splits": 4},
        {"strategy": "group_kfold", "group_column": "group", "n_splits": 2},
    ],
    ids=lambda split: "-".join(map(str, split.values()))[:40],
)
def test_every_strategy_puts_every_row_into_one_part(tmp_path: Path, split: dict[str, Any]) -> None:
    division = divided(tmp_path, classes(120), split=split)

    outcome, parts = division.outcome, division.parts
    folded = ["fold"] if "kfold" in split["strategy"] else []
    assert sorted(division.table["id"]) == [f"{n:03}" for n in range(120)]
    assert {part: one.height for part, one in parts.items()} == outcome.rows
    assert (outcome.rows_left_out, outcome.rows_quarantined) == (0, 0)
    assert [one.name for one in outcome.columns] == ["id", "group", "x", "y", "part", *folded]
    assert division.table.columns == [one.name for one in outcome.columns]
    assert division.profile["parts"]["train"]["rows"] == outcome.rows["train"]
    if folded:
        assert parts["train"]["fold"].n_unique() == split.get("n_splits", 5)
        assert parts["train"]["fold"].null_count() == 0
        assert parts["test"]["fold"].null_count() == parts["test"].height


def test_rows_in_a_gap_are_in_no_part_and_are_counted(tmp_path: Path) -> None:
    split = {"strategy": "time", "time_column": "d", "gap": "P1D"}

    division = divided(tmp_path, DAYS.encode(), split=split)

    outcome = division.outcome
    train, val, test = (part["d"].to_list() for part in division.parts.values())
    assert outcome.rows_left_out > 0
    assert sum(outcome.rows.values()) + outcome.rows_left_out == 100
    assert min(val) - max(train) > timedelta(days=1)
    assert min(test) - max(val) > timedelta(days=1)


def test_a_strategy_sees_only_rows_that_keep_the_contract(tmp_path: Path) -> None:
    lines = [f"{n},{'ab'[n % 2]}" for n in range(40)] + ["-1,c"]
    contract = TARGET | {
        "columns": {"x": {"min": 0}, "y": {"role": "target"}},
        "on_violation": "quarantine_rows",
    }

    division = divided(
        tmp_path,
        ("x,y\n" + "\n".join(lines)).encode(),
        contract=contract,
        split={"strategy": "stratified"},
    )

    outcome = division.outcome
    assert outcome.settled["classes"] == {"a": 20, "b": 20}
    assert (sum(outcome.rows.values()), outcome.rows_quarantined) == (40, 1)
    assert division.quarantined.to_dicts() == [{"row_number": 42, "x": "-1", "y": "c"}]


def test_a_type_that_turns_out_late_is_that_of_the_whole_column(tmp_path: Path) -> None:
    """The first block of some 16 MiB has whole numbers only."""
    rows = 2_000_000
    head = b"x,y\n" + b"".join(b"%d,%d\n" % (n, n % 7) for n in range(rows))

    division = divided(tmp_path, head + b"0.5,\n")

    assert division.table.schema == {"x": pl.Float64, "y": pl.Int64}
    assert sum(division.outcome.rows.values()) == rows + 1 == division.table.height
    assert division.profile["columns"][0]["type"] == "float"


def test_long_rows_are_drawn_from_in_smaller_windows(tmp_path: Path) -> None:
    """A row group of them, and no more, waits in memory until it is known where its rows go."""
    content = b"x,text\n" + b"".join(b"%d,%s\n" % (n, b"a" * 50_000) for n in range(2_000))

    division = divided(tmp_path, content)

    assert division.outcome.settled["window_rows"] == 256
    assert division.outcome.rows == {"train": 1_400, "val": 300, "test": 300}
    train = division.parts["train"]["x"]
    assert [int((train < n).sum()) for n in (1_024, 2_000)] == [717, 1_400]


def test_a_broken_contract_writes_no_part(tmp_path: Path) -> None:
    contract = {"columns": {"x": {"type": "integer"}}}

    division = divided(tmp_path, b"x\n" + b"a\n" * 20, contract=contract)

    assert division.outcome.refused
    assert not division.outcome.report.passed
    assert division.names == []


def test_a_contract_that_is_broken_late_leaves_no_part_either(tmp_path: Path) -> None:
    contract = {"columns": {"x": {"type": "integer"}}}

    division = divided(tmp_path, numbers(3_000_000) + b"a\n", contract=contract)

    [reason] = division.outcome.report.reasons
    assert [cell.row for cell in reason.cells] == [3_000_002]
    assert division.names == []


def test_what_the_contract_says_is_told_before_what_cannot_be_split(tmp_path: Path) -> None:
    contract = {"columns": {"y": {"role": "target"}, "z": {}}}

    division = divided(tmp_path, numbers(20), contract=contract, split={"strategy": "stratified"})

    assert {one.column for one in division.outcome.report.reasons} == {"y", "z"}


@pytest.mark.parametrize(
    ("content", "split", "said"),
    [
        (b"x\n", {}, "not one row"),
        (b"x\n1\n", {}, "too few"),
        (numbers(20), {"strategy": "hash", "key_columns": ["g"]}, "no column 'g'"),
        (b"g\n" + b"1\n" * 20, {"strategy": "group", "group_column": "g"}, "group"),
        (b"p\n" + b"1\n" * 20, {"strategy": "predefined", "split_column": "p"}, "row 2"),
        (b"fold\n" + b"1\n" * 20, {"strategy": "kfold"}, "rename it"),
    ],
)
def test_what_cannot_be_split_is_refused(
    tmp_path: Path, content: bytes, split: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        divided(tmp_path, content, split=split)


def test_bad_rows_alone_are_left_out_as_they_were_written(tmp_path: Path) -> None:
    contract = {
        "columns": {"x": {"type": "integer", "max": 50}, "y": {"nullable": False}},
        "on_violation": "quarantine_rows",
    }
    lines = [f"{n},{n}.50" for n in range(60)] + ["many,1", "007,1", "7,"]

    division = divided(tmp_path, ("x,y\n" + "\n".join(lines)).encode(), contract=contract)

    outcome = division.outcome
    bad = ["51", "52", "53", "54", "55", "56", "57", "58", "59", "many", "007", "7"]
    assert not outcome.refused
    assert division.quarantined["x"].to_list() == bad
    assert division.quarantined["y"].to_list()[:2] == ["51.50", "52.50"]
    assert division.quarantined["row_number"].to_list() == list(range(53, 65))
    assert (outcome.rows_quarantined, outcome.report.bad_rows) == (12, 12)
    assert sum(outcome.rows.values()) + outcome.rows_quarantined == 63
    assert sorted(division.table["x"]) == list(range(51))
    assert [(one.name, one.nullable) for one in outcome.columns] == [("x", False), ("y", False)]


def test_a_table_of_nothing_but_bad_rows_has_no_parts(tmp_path: Path) -> None:
    contract = {"columns": {"x": {"max": -1}}, "on_violation": "quarantine_rows"}

    with pytest.raises(InvalidInput, match=r"0 row.*20 of 20 row.*'x': want at most -1") as refusal:
        divided(tmp_path, numbers(20), contract=contract)

    assert [one.field for one in refusal.value.violations] == ["x"]


def test_a_warning_keeps_the_rows(tmp_path: Path) -> None:
    contract = {"columns": {"x": {"max": 10}, "z": {}}, "on_violation": "warn"}

    outcome = divided(tmp_path, numbers(20), contract=contract).outcome

    assert sum(outcome.rows.values()) == 20
    assert {one.rule for one in outcome.report.reasons} == {"range", "missing_column"}
    assert {one.message for one in outcome.report.reasons} <= set(outcome.report.warnings)


def test_a_rule_about_the_table_cannot_be_mended_by_leaving_rows_out(tmp_path: Path) -> None:
    contract = {"min_rows": 100, "on_violation": "quarantine_rows"}

    division = divided(tmp_path, numbers(20), contract=contract)

    assert division.outcome.refused
    assert division.names == []


@pytest.mark.parametrize("strict", [True, False])
def test_what_leaks_refuses_only_where_it_is_to_be_strict(tmp_path: Path, *, strict: bool) -> None:
    content = "x,y\n" + "".join(f"{n % 2},{'ab'[n % 2]}\n" for n in range(100))

    division = divided(tmp_path, content.encode(), contract=TARGET, split={"strict": strict})

    outcome = division.outcome
    assert outcome.refused is strict
    assert bool(division.names) is not strict
    assert "x" in next(one for one in outcome.report.leaks if "target" in one.kind).columns
    assert bool({one.kind for one in outcome.report.leaks} & {"predicts_target", "copy_of_target"})


def test_rows_that_differ_only_in_a_key_are_copies(tmp_path: Path) -> None:
    content = b"id,x,y\n" + b"".join(b"%d,1,2.5\n" % n for n in range(20))
    key = {"columns": {"id": {"role": "key"}}}

    def kinds(name: str, **dataset: Any) -> set[str]:
        (tmp_path / name).mkdir()
        return {
            one.kind for one in divided(tmp_path / name, content, **dataset).outcome.report.leaks
        }

    assert "duplicate_rows" not in kinds("without")
    assert "constant" in kinds("with", contract=key)


@pytest.mark.parametrize(("task", "warned"), [("classification", True), ("regression", False)])
def test_only_classes_can_be_absent_from_a_part(tmp_path: Path, task: str, *, warned: bool) -> None:
    content = b"x,y\n" + b"".join(b"%d,%d\n" % (n, n // 3) for n in range(21))
    contract = {"columns": {"y": {"role": "target"}}, "task_type": task}

    report = divided(tmp_path, content, contract=contract).outcome.report

    assert ("class_absent" in {one.kind for one in report.leaks}) is warned


def test_warnings_are_capped(tmp_path: Path) -> None:
    names = ",".join(f"c{n}" for n in range(150))
    rows = b"1" + b"," * 149 + b"\n"

    warnings = divided(tmp_path, names.encode() + b"\n" + rows * 10).outcome.report.warnings

    assert len(warnings) == 101
    assert warnings[-1].endswith(" more")
