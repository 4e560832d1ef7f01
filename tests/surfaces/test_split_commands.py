"""Splits from the command line: the same calls, exit codes, and no row changed on the way."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mlsys import Client
from mlsys.cli.app import app
from mlsys.domain.split_records import SplitStatus
from mlsys.ports import Json
from mlsys.runtime import Runtime
from mlsys.settings import Settings
from tests.homes import copy_home
from tests.surfaces.begun_splits import ROWS, begun
from tests.surfaces.conftest import Done

CSV = "code,price,on,at\n" + "".join(
    f"{n:03},{n}.50,{'true' if n % 2 else 'false'},2026-01-{1 + n % 28:02}\n" for n in range(40)
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    file = tmp_path / "rows.json"
    file.write_text(json.dumps(ROWS))
    return file


def mlsys(home: Path, *arguments: str, input: str | None = None) -> Result:
    return CliRunner().invoke(app, ["splits", *arguments, "--home", str(home)], input=input)


def told(home: Path, *arguments: str, input: str | None = None) -> Any:
    said = mlsys(home, *arguments, "--format", "json", input=input)
    assert said.exit_code == 0, said.output
    return json.loads(said.stdout)


def made(home: Path, rows: Path, *arguments: str) -> Json:
    found: Json = told(home, "create", str(rows), "--entity", "churn", *arguments)
    return found


def test_a_split_that_is_made_says_how_far_it_is(home: Path) -> None:
    claimed = begun(home)

    said = mlsys(home, "show", "split-1")
    claimed.note(status=SplitStatus.FAILED)
    watched = mlsys(home, "watch", "split-1")

    assert "25% of 200 bytes" in said.stdout
    assert watched.exit_code == 1
    assert "split-1 is FAILED" in watched.stderr


def test_commands_do_the_same(home: Path, rows: Path) -> None:
    params = ["--strategy", "stratified", "--param", "target_column=kind", "--param", "seed=7"]
    split = made(home, rows, *params, "--label", "team=growth", "--description", "first")
    id = split["id"]

    updated = told(home, "update", id, "--label", "owner=anna", "--unlabel", "team")
    gone = told(home, "delete", id, "--yes")
    listed = [told(home, "list", "--entity", "churn", *all) for all in ([], ["--all"])]
    back = told(home, "undelete", id)
    latest = told(home, "latest", "--entity", "churn")
    emptied = told(home, "delete", id, "--artifacts", "--yes")

    assert (split["status"], split["seed"]) == ("READY", 7)
    assert split["labels"] == {"team": "growth"}
    assert updated["labels"] == {"owner": "anna"}
    assert listed == [[], [gone]]
    assert latest == back
    assert emptied["artifacts_deleted"]
    assert mlsys(home, "undelete", id).exit_code == 3


def test_deleted_splits_are_marked_in_a_table(home: Path, rows: Path) -> None:
    split = made(home, rows)
    told(home, "delete", split["id"], "--yes")

    assert "READY, deleted" in mlsys(home, "list", "--all").stdout
    assert split["id"] not in mlsys(home, "list").stdout


def test_a_delete_asks_first(home: Path, rows: Path) -> None:
    split = made(home, rows)

    refused = mlsys(home, "delete", split["id"], input="n\n")
    nobody = mlsys(home, "delete", split["id"], input="")
    meant = mlsys(home, "delete", split["id"], "--artifacts", input="y\n")

    assert (refused.exit_code, nobody.exit_code, meant.exit_code) == (1, 1, 0)
    assert "until it is undeleted?" in refused.stderr
    assert "for ever?" in meant.stderr
    assert told(home, "show", split["id"])["artifacts_deleted"]


def test_a_csv_of_rows_is_told_apart_without_loss(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(CSV)

    split = made(home, file)

    stored = Runtime(Settings(home=home)).objects.read(split["source_uri"]).splitlines()
    assert stored[1] == b'{"code":"001","price":1.50,"on":true,"at":"2026-01-02"}'
    types = {column["name"]: column["type"] for column in split["columns"]}
    assert (types["code"], types["on"]) == ("text", "boolean")


def test_json_lines_from_standard_input_keep_their_digits(home: Path) -> None:
    lines = "".join(f'{{"price": {n}.50}}\n' for n in range(30))

    split = told(home, "create", "-", "--entity", "churn", input=lines)

    stored = Runtime(Settings(home=home)).objects.read(split["source_uri"])
    assert stored.splitlines()[1] == b'{"price":1.50}'


def test_objects_in_a_bucket_are_split(home: Path, tmp_path: Path) -> None:
    Runtime(Settings(home=home)).objects.put("gs://uploads/churn/rows.csv", CSV.encode())
    contract = tmp_path / "contract.json"
    contract.write_text('{"columns": {"code": {"role": "key"}}}')
    uri = ["--uri", "gs://uploads/churn/rows.csv", "--contract", str(contract), "--wait"]

    split = told(home, "create", "--entity", "churn", *uri, "--request-id", "r-1")

    assert split["columns"][0]["role"] == "key"
    assert split["source_uri"] == "gs://uploads/churn/rows.csv"


def test_what_cannot_be_split_is_exit_code_1(home: Path) -> None:
    said = mlsys(home, "create", "-", "--entity", "churn", input='[{"a": 1}]')

    assert said.exit_code == 1
    assert "FAILED" in said.stdout
    assert "is FAILED" in said.stderr


@pytest.mark.parametrize(
    ("input", "reason"),
    [
        ("", "has no rows"),
        ("a,b\n", "has no rows"),
        ("a,b\n1\n", "line 2: want 2 cells, got 1"),
        ("a,a\n1,2\n", "stands twice"),
        ("[1]", "row 1 is no JSON object"),
        ('{"a": 1}\n{"a":\n', "line 2"),
        ('[{"a": [1]}]', "cannot be sent as JSON"),
        ("a\n" + "1\n" * 10_001, "use mlsys upload"),
    ],
)
def test_rows_that_cannot_be_sent_are_refused(home: Path, input: str, reason: str) -> None:
    said = mlsys(home, "create", "-", "--entity", "churn", input=input)

    assert said.exit_code == 1
    assert said.stdout == ""
    assert reason in said.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["create", "--entity", "churn"],
        ["create", "-", "--uri", "gs://uploads/a.csv", "--entity", "churn"],
        ["create", "-"],
        ["create", "-", "--entity", "churn", "--param", "seed"],
        ["create", "-", "--entity", "churn", "--param", "seed=1", "--param", "seed=2"],
        ["create", "-", "--entity", "churn", "--param", "a=1", "--param", "a.b=2"],
        ["create", "-", "--entity", "churn", "--param", "a.b=1", "--param", "a=2"],
        ["create", "-", "--entity", "churn", "--label", "=a"],
        ["update", "split-1"],
        ["latest"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2(home: Path, arguments: list[str]) -> None:
    said = mlsys(home, *arguments, input='[{"a": 1}]')

    assert said.exit_code == 2
    assert said.stdout == ""
    assert not (home / "records.db").exists()


@pytest.mark.parametrize("command", ["show", "watch", "undelete"])
def test_what_is_not_there_is_exit_code_4(home: Path, command: str) -> None:
    assert mlsys(home, command, "split-0").exit_code == 4


def test_an_unfinished_experiment_keeps_its_split(done: Done, tmp_path: Path) -> None:
    home = tmp_path / "copy"
    copy_home(done.home, home)
    with Client.local(home) as client:
        asked = client.create_experiment(**{**done.experiment.request, "request_id": "again"})

    said = mlsys(home, "delete", done.split.id, "--yes")

    assert said.exit_code == 3
    assert f"experiment {asked.id} is REQUESTED" in said.stderr
    assert not told(home, "show", done.split.id)["deleted"]
