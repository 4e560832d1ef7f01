"""The work of the child process: one file in, three files and an outcome out."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlsys.domain.contract import Dataset
from mlsys.domain.errors import InvalidInput
from mlsys.domain.formats import Limits
from mlsys.domain.records import PARTS
from mlsys.use_cases.divide import divide
from mlsys.use_cases.division import SOURCE, Outcome, Work, part_path


def outcome_of(folder: Path, content: bytes, **dataset: Any) -> Outcome:
    (folder / SOURCE).write_bytes(content)
    wanted = Dataset.model_validate(dataset)
    return divide(folder, Work(file="rows.csv", dataset=wanted, limits=Limits()))


def test_the_parts_are_the_table(tmp_path: Path) -> None:
    outcome = outcome_of(tmp_path, b"x\n" + b"".join(b"%d\n" % n for n in range(20)))

    parts = [pl.read_parquet(part_path(tmp_path, part)) for part in PARTS]
    assert [part.height for part in parts] == [14, 3, 3] == list(outcome.rows.values())
    assert sorted(pl.concat(parts)["x"]) == list(range(20))
    assert outcome.drafted_contract is not None


def test_a_broken_contract_writes_no_part(tmp_path: Path) -> None:
    contract = {"columns": {"x": {"type": "integer"}}}

    outcome = outcome_of(tmp_path, b"x\n" + b"a\n" * 20, contract=contract)

    assert not outcome.report.passed
    assert not any(part_path(tmp_path, part).exists() for part in PARTS)


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="not one row"):
        outcome_of(tmp_path, b"x\n")


def test_rows_that_differ_only_in_a_key_are_copies(tmp_path: Path) -> None:
    content = b"id,x,y\n" + b"".join(b"%d,1,2.5\n" % n for n in range(20))
    key = {"columns": {"id": {"role": "key"}}}

    assert outcome_of(tmp_path, content).report.warnings == []
    [warning] = outcome_of(tmp_path, content, contract=key).report.warnings
    assert warning.startswith("20 row(s) have an exact copy in another part")


@pytest.mark.parametrize(("task", "warned"), [("classification", True), ("regression", False)])
def test_only_classes_can_be_absent_from_a_part(tmp_path: Path, task: str, *, warned: bool) -> None:
    content = b"x,y\n" + b"".join(b"%d,%d\n" % (n, n // 3) for n in range(21))
    contract = {"columns": {"y": {"role": "target"}}, "task_type": task}

    outcome = outcome_of(tmp_path, content, contract=contract)

    assert any("has no row of class" in one for one in outcome.report.warnings) is warned


def test_a_class_in_every_part_is_no_warning(tmp_path: Path) -> None:
    content = b"x,y\n" + b"".join(b"%d,%d\n" % (n, n % 2) for n in range(60))
    contract = {"columns": {"y": {"role": "target"}}, "task_type": "classification"}
    split = {"strategy": "stratified"}

    assert outcome_of(tmp_path, content, contract=contract, split=split).report.warnings == []


def test_warnings_are_capped(tmp_path: Path) -> None:
    names = ",".join(f"c{n}" for n in range(150))
    rows = b"1" + b"," * 149 + b"\n"

    warnings = outcome_of(tmp_path, names.encode() + b"\n" + rows * 10).report.warnings

    assert len(warnings) == 101
    assert warnings[-1] == "and 50 more"
