"""`mlsys contract`: from a table to a contract, and from a contract to what breaks it."""

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from mlsys.cli.app import app
from mlsys.domain.dataset import read_dataset
from mlsys.domain.dataset_schema import dataset_schema
from mlsys.domain.report import Report

ROWS = 300


def contract(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["contract", *map(str, arguments)])


def people(folder: Path, *, suffix: str = ".csv") -> Path:
    frame = pl.DataFrame(
        {
            "customer_id": [f"c{at}" for at in range(ROWS)],
            "age": [18 + at % 60 for at in range(ROWS)],
            "plan": ["basic", "plus", "plus"] * (ROWS // 3),
            "zip": ["01234", "98765"] * (ROWS // 2),
        }
    )
    file = folder / f"people{suffix}"
    if suffix == ".csv":
        frame.write_csv(file)
    elif suffix == ".jsonl":
        frame.write_ndjson(file)
    else:
        frame.write_parquet(file)
    return file


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_table_keeps_the_contract_that_is_inferred_from_it(tmp_path: Path, suffix: str) -> None:
    file = people(tmp_path, suffix=suffix)

    inferred = contract("infer", file)
    (tmp_path / "dataset.json").write_text(inferred.stdout)
    checked = contract("check", file)

    assert inferred.exit_code == 0, inferred.output
    assert "role target" in inferred.stderr
    drafted = read_dataset(inferred.stdout.encode()).contract
    assert drafted is not None
    assert drafted.model_dump(mode="json", exclude_defaults=True)["columns"] == {
        "customer_id": {"type": "text", "nullable": False, "role": "key", "unique": True},
        "age": {"type": "integer", "nullable": False, "min": 0},
        "plan": {"type": "text", "nullable": False, "allowed_values": ["basic", "plus"]},
        "zip": {"type": "text", "nullable": False, "allowed_values": ["01234", "98765"]},
    }
    assert (checked.exit_code, checked.stdout) == (0, ""), checked.output
    assert checked.stderr == f"mlsys: all {ROWS} rows keep the contract\n"


def test_what_breaks_a_contract_is_told(tmp_path: Path) -> None:
    file = people(tmp_path)
    promised = tmp_path / "promised.json"
    columns = {"age": {"type": "integer", "max": 76}, "plan": {"type": "integer"}}
    promised.write_text(json.dumps({"contract": {"columns": columns, "on_violation": "warn"}}))
    page = tmp_path / "reasons.html"

    told = contract("check", file, "--dataset", promised, "--page", page)
    as_json = contract("check", file, "--dataset", promised, "--format", "json")

    assert (told.exit_code, as_json.exit_code) == (1, 1), told.output
    assert [line.split()[:5] for line in told.stdout.splitlines()[1:]] == [
        ["range", "age", "5", "61", "77"],
        ["type", "plan", "300", "2", "basic"],
    ]
    assert told.stderr == f"mlsys: {ROWS} of {ROWS} rows break a rule about rows\n"
    report = Report.model_validate_json(as_json.stdout)
    assert {one.rule: one.count for one in report.reasons} == {"type": ROWS, "range": 5}
    assert "at most 76" in page.read_text()


def test_what_may_be_a_mistake_is_told_and_breaks_nothing(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("a,b\n1,\n2,\n")
    (tmp_path / "dataset.json").write_text("{}")

    checked = contract("check", file)

    assert checked.exit_code == 0
    assert "mlsys: column 'b' is missing in every row\n" in checked.stderr


def test_a_time_column_is_held_to_this_moment(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("at,x\n2020-01-01T00:00:00Z,1\n2020-01-02T00:00:00Z,2\n")
    promised = {"columns": {"at": {"role": "time"}}, "max_age": "P7D"}
    (tmp_path / "dataset.json").write_text(json.dumps({"contract": promised}))

    told = contract("check", file)

    assert told.exit_code == 1
    assert "max_age" in told.stdout


def test_a_type_that_becomes_wider_late_begins_the_pass_anew(tmp_path: Path) -> None:
    rows = 600_000
    file = tmp_path / "late.csv"
    numbers = pl.DataFrame({"n": pl.int_range(rows, eager=True), "pad": ["x" * 60] * rows})
    late = numbers.with_columns(
        pl.when(pl.col("n") == rows - 1).then(pl.lit("n/k")).otherwise(pl.col("n")).alias("n")
    )
    late.write_csv(file)
    promised = {"columns": {"n": {"unique": True}, "pad": {}}}
    (tmp_path / "dataset.json").write_text(json.dumps({"contract": promised}))

    checked = contract("check", file)

    assert checked.exit_code == 0, checked.output
    assert checked.stderr == f"mlsys: all {rows} rows keep the contract\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("x\n1\n", "dataset.json"),
        ("x,x\n1,2\n", "'x'"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_line(tmp_path: Path, content: str, told: str) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(content)
    if told != "dataset.json":
        (tmp_path / "dataset.json").write_text("{}")

    failed = contract("check", file)

    assert (failed.exit_code, failed.stdout) == (1, "")
    assert told in failed.stderr


def test_the_schema_is_printed() -> None:
    printed = contract("schema")

    assert json.loads(printed.stdout) == dataset_schema()
