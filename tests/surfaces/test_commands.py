"""The command line: data and talk on their own streams, exit codes, no traceback."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mlsys.cli.app import app
from tests.homes import copy_home
from tests.surfaces.conftest import Done


def mlsys(*arguments: str, input: str | None = None, **environment: str) -> Result:
    return CliRunner().invoke(app, list(arguments), input=input, env=environment)


def at(done: Done, *arguments: str, input: str | None = None) -> Result:
    return mlsys(*arguments, "--home", str(done.home), input=input)


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["splits", "list"], "READY"),
        (["splits", "show", "SPLIT"], "stratified, seed 3"),
        (["experiments", "list"], "SUCCEEDED"),
        (["experiments", "show", "EXPERIMENT"], "roc_auc"),
        (["experiments", "trials", "EXPERIMENT"], "COMPLETE"),
        (["experiments", "watch", "EXPERIMENT"], "SUCCEEDED"),
        (["experiments", "cancel", "EXPERIMENT"], "SUCCEEDED"),
        (["models", "list"], "production"),
        (["models", "show", "churn-v1"], "model.cbm"),
        (["models", "promote", "churn-v1", "--dry-run"], "nothing was changed"),
        (["importance", "--model", "churn"], "age"),
        (["importance", "--model", "churn", "--method", "permutation"], "age"),
        (["doctor"], "records"),
    ],
    ids=" ".join,
)
def test_a_table_and_json_tell_the_same(done: Done, arguments: list[str], shown: str) -> None:
    known = {"SPLIT": done.split.id, "EXPERIMENT": done.experiment.id}
    arguments = [known.get(one, one) for one in arguments]

    table = at(done, *arguments)
    as_json = at(done, *arguments, "--format", "json")

    assert (table.exit_code, as_json.exit_code) == (0, 0), table.output + as_json.output
    assert shown in table.stdout
    assert json.loads(as_json.stdout)


def test_a_home_is_named_by_the_environment_too(done: Done) -> None:
    listed = mlsys("splits", "list", MLSYS_HOME=str(done.home))

    assert done.split.id in listed.stdout


def test_a_csv_is_predicted_with_the_types_of_its_split(done: Done, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("plan,who,age\n001,anna,20\n002,bert,85\n")

    said = at(done, "predict", str(rows), "--model", "churn", "--passthrough", "who")

    assert said.exit_code == 0, said.output
    assert [line.split()[:2] for line in said.stdout.splitlines()] == [
        ["who", "prediction"],
        ["anna", "yes"],
        ["bert", "no"],
    ]


@pytest.mark.parametrize(
    "rows",
    [
        '[{"age": 20, "plan": "001"}, {"age": 85, "plan": "002"}]',
        '{"age": 20, "plan": "001"}\n\n{"age": 85, "plan": "002"}\n',
        '{"instances": [{"age": 20, "plan": "001"}, {"age": 85, "plan": "002"}]}',
    ],
    ids=["array", "lines", "request"],
)
def test_json_from_standard_input_is_answered_with_json_lines(done: Done, rows: str) -> None:
    arguments = ["predict", "-", "--model", "churn", "--version", "1", "--explain"]

    said = at(done, *arguments, "--format", "json", input=rows)

    answers = [json.loads(line) for line in said.stdout.splitlines()]
    assert [one["prediction"] for one in answers] == ["yes", "no"]
    assert set(answers[0]["explanation"]["contributions"]) == {"age", "plan"}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("", "has no rows"),
        ("age,plan\n", "has no rows"),
        ("age,plan\n20\n", "line 2: want 2 cells, got 1"),
        ("age,age\n20,30\n", "stands twice"),
        ('{"age": 20}\n{"age": \n', "line 2"),
        ('{"age": NaN}', "NaN"),
        ("[1]", "row 1 is no JSON object"),
        ("[", "not JSON"),
        ("age,plan\nabc,001\n", "instances[0].age"),
    ],
)
def test_rows_that_cannot_be_used_are_refused(done: Done, rows: str, reason: str) -> None:
    said = at(done, "predict", "-", "--model", "churn", input=rows)

    assert said.exit_code == 1
    assert said.stdout == ""
    assert reason in said.stderr


def test_every_problem_has_a_line(done: Done) -> None:
    rows = '[{"age": "abc", "plan": "001"}, {"plan": "001"}]'

    said = at(done, "predict", "-", "--model", "churn", input=rows)

    assert said.exit_code == 1
    assert [line.split(":")[0].strip() for line in said.stderr.splitlines()[1:]] == [
        "instances[0].age",
        "instances[1].age",
    ]


def test_a_gate_that_refuses_is_exit_code_3(done: Done) -> None:
    said = at(done, "models", "promote", "churn-v1", "--stage", "staging", "--min-value", "2")

    assert said.exit_code == 3
    assert "under the minimum 2" in said.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["splits", "show", "split-0"],
        ["experiments", "show", "exp-0"],
        ["experiments", "trials", "exp-0"],
        ["experiments", "cancel", "exp-0"],
        ["models", "show", "churn-v9"],
        ["models", "promote", "churn-v9"],
        ["importance", "--model", "nobody"],
    ],
    ids=" ".join,
)
def test_what_is_not_there_is_exit_code_4(done: Done, arguments: list[str]) -> None:
    said = at(done, *arguments)

    assert said.exit_code == 4
    assert said.stdout == ""
    assert len(said.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["splits", "list", "--format", "xml"],
        ["splits", "list", "--limit", "0"],
        ["splits", "list", "--url", "http://127.0.0.1:1", "--home", "here"],
        ["models", "promote", "churn-v1", "--stage", "nowhere"],
        ["importance", "--model", "churn", "--plot", "out.svg"],
        ["importance", "--model", "churn", "--method", "lime"],
        ["upload", "no-such-file.csv", "--entity", "churn"],
        ["upload", "tests", "--entity", "churn"],
        ["upload", "README.md", "LICENSE", "--entity", "churn"],
        ["experiments", "create"],
        ["experiments", "create", "--request", "no-such-file.json"],
        ["experiments", "create", "--n-trials", "0"],
        ["experiments", "create", "--sampler", "Guess"],
        ["demo", "--dataset", "titanic"],
        ["up", "--port", "70000"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    said = mlsys(*arguments)

    assert said.exit_code == 2
    assert said.stdout == ""
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "reason"),
    [
        (["splits", "list", "--url", "http://127.0.0.1:1"], {}, "does not answer"),
        (["splits", "list"], {"MLSYS_URL": "http://127.0.0.1:1"}, "does not answer"),
        (["splits", "list"], {"MLSYS_HOEM": "x"}, "MLSYS_HOEM"),
        (["splits", "list", "--home", "/dev/null/x"], {}, "/dev/null"),
        (["splits", "show", "a b", "--url", "http://127.0.0.1:1"], {}, "does not answer"),
    ],
)
def test_what_fails_is_exit_code_1(
    arguments: list[str], environment: dict[str, str], reason: str
) -> None:
    said = mlsys(*arguments, **environment)

    assert said.exit_code == 1
    assert reason in said.stderr
    assert "Traceback" not in said.stderr


def test_an_upload_waits_for_its_split(tmp_path: Path, table: Path) -> None:
    home = ["--home", str(tmp_path / "home")]
    settings = table.with_name("dataset.json")

    dropped = mlsys("upload", str(settings), "--entity", "churn", *home)
    split = mlsys("upload", str(table), "--entity", "churn", "--wait", *home, "--format", "json")

    assert dropped.stdout == "gs://uploads/churn/dataset.json\n"
    assert split.exit_code == 0, split.output
    assert json.loads(split.stdout)["status"] == "READY"


def test_an_upload_that_cannot_be_split_says_why(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    home = ["--home", str(tmp_path / "home")]

    said = mlsys("upload", str(tmp_path / "empty.csv"), "--entity", "churn", "--wait", *home)

    assert said.exit_code == 1
    assert "FAILED" in said.stdout
    assert "is FAILED" in said.stderr


def test_a_study_is_asked_for_and_watched(done: Done) -> None:
    asked = ["--split", done.split.id, "--name", "churn-again", "--task", "classification"]
    how = ["--model-type", "catboost", "--n-trials", "2", "--auto-promote", "staging", "--watch"]

    said = at(done, "experiments", "create", *asked, *how, "--format", "json")

    experiment = json.loads(said.stdout)
    assert said.exit_code == 0, said.output
    assert experiment["status"] == "SUCCEEDED"
    assert experiment["promotion"]["promoted"]
    assert said.stderr.count("trial ") == 2


def test_a_study_of_nothing_is_refused_with_its_reason(done: Done) -> None:
    asked = ["--split", done.split.id, "--name", "churn", "--target", "nothing"]

    said = at(done, "experiments", "create", *asked, "--task", "classification")

    assert said.exit_code == 1
    assert "no column 'nothing'" in said.stderr


def test_what_a_file_says_is_asked_for_unless_an_option_says_otherwise(
    done: Done, tmp_path: Path
) -> None:
    own = replace(done, home=copy_home(done.home, tmp_path / "home"))
    config = tmp_path / "config.json"
    search = {"n_trials": 9, "sampler": "Grid", "seed": 3}
    config.write_text(
        json.dumps(
            {
                "model_type": "catboost",
                "task_type": "classification",
                "search_space": {"lightgbm": {"num_leaves": [7, 15]}},
                "optuna_config": search,
            }
        )
    )
    asked = ["--split", done.split.id, "--name", "config", "--config", str(config)]
    how = ["--model-type", "auto", "--n-trials", "2", "--pruner", "NopPruner"]

    said = at(own, "experiments", "create", *asked, *how, "--format", "json")

    assert said.exit_code == 0, said.output
    request = json.loads(said.stdout)["request"]
    assert request["model_type"] == "auto"
    assert request["search_space"] == {"lightgbm": {"num_leaves": [7, 15]}}
    wanted = {**search, "n_trials": 2, "pruner": "NopPruner"}
    assert request["optuna_config"].items() >= wanted.items()


def test_a_request_in_a_file_is_asked_for(done: Done, tmp_path: Path) -> None:
    request = tmp_path / "request.json"
    request.write_text(json.dumps(done.experiment.request))

    said = at(done, "experiments", "create", "--request", str(request), "--format", "json")

    assert said.exit_code == 0, said.output
    assert json.loads(said.stdout)["id"] == done.experiment.id


def test_a_doctor_names_what_is_amiss() -> None:
    said = mlsys("doctor", "--url", "http://127.0.0.1:1")

    assert said.exit_code == 1
    assert "does not answer" in said.stdout


def test_a_doctor_makes_no_home(tmp_path: Path) -> None:
    said = mlsys("doctor", "--home", str(tmp_path / "new"))

    assert said.exit_code == 0
    assert not (tmp_path / "new").exists()
