"""Optuna's stock dashboard on our storage: what its pages ask for, answered with our trials."""

import json
import subprocess
import sys
from typing import Any
from urllib.request import urlopen
from wsgiref.util import setup_testing_defaults

import pytest
from typer.testing import CliRunner

from mlsys.cli.app import app
from mlsys.dev.dashboard import dashboard
from mlsys.runtime import Runtime
from mlsys.sdk.local import local_settings
from mlsys.use_cases.trials.documents import MAX_STUDY_ID, MAX_TRIALS_PER_STUDY, trial_id_of
from tests.processes import killed_on_failure
from tests.surfaces.conftest import Done

LARGEST_IN_JAVASCRIPT = 2**53 - 1


def asked(done: Done, path: str, method: str = "GET") -> tuple[str, Any]:
    """Ask the application itself; return status and JSON, or the text that is none."""
    environ: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": path}
    setup_testing_defaults(environ)
    statuses: list[str] = []

    def start(status: str, headers: object, _: object = None) -> Any:
        assert headers
        statuses.append(status)

    application = dashboard(Runtime(local_settings(done.home)).records)
    answered = application(environ, start)
    content = b"".join(answered)
    if hasattr(answered, "close"):
        answered.close()
    try:
        return statuses[0], json.loads(content)
    except ValueError:
        return statuses[0], content.decode()


def study_id(done: Done) -> int:
    _, found = asked(done, "/api/studies")
    ids = {one["study_name"]: one["study_id"] for one in found["study_summaries"]}
    return int(ids[done.experiment.id])


def test_every_experiment_is_a_study_there(done: Done) -> None:
    status, found = asked(done, "/api/studies")

    assert status == "200 OK"
    summary = {one["study_name"]: one for one in found["study_summaries"]}[done.experiment.id]
    assert summary["directions"] == ["maximize"]


def test_a_study_shows_its_trials(done: Done) -> None:
    status, found = asked(done, f"/api/studies/{study_id(done)}")

    assert status == "200 OK"
    assert [one["number"] for one in found["trials"]] == [0, 1, 2]
    best = done.experiment.best_trial
    assert best is not None
    shown = found["trials"][best.number]
    assert shown["values"] == [best.value]
    params = {one["name"]: one["param_internal_value"] for one in shown["params"]}
    assert params == pytest.approx(best.params)
    assert [one["trial_id"] for one in found["best_trials"]] == [shown["trial_id"]]


def test_its_importances_are_told(done: Done) -> None:
    status, found = asked(done, f"/api/studies/{study_id(done)}/param_importances")

    assert status == "200 OK"
    assert "learning_rate" in {one["name"] for one in found["param_importances"][0]}


def test_its_page_is_served(done: Done) -> None:
    status, page = asked(done, "/dashboard/")

    assert status == "200 OK"
    assert "<html" in page


def test_a_browser_can_tell_trials_apart() -> None:
    largest = trial_id_of(MAX_STUDY_ID - 1, MAX_TRIALS_PER_STUDY - 1, 10)

    assert largest <= LARGEST_IN_JAVASCRIPT


@pytest.mark.parametrize("method", ["DELETE", "POST", "PUT"])
def test_its_buttons_change_nothing(done: Done, method: str) -> None:
    path = f"/api/studies/{study_id(done)}"

    status, told = asked(done, path, method)

    assert status == "405 Method Not Allowed"
    assert "only looks" in told["reason"]
    assert len(asked(done, path)[1]["trials"]) == 3


def test_the_command_serves_it_until_it_is_told_to_stop(done: Done) -> None:
    command = [sys.executable, "-m", "mlsys.cli", "experiments", "dashboard", "--port", "0"]
    with killed_on_failure(
        subprocess.Popen([*command, "--home", str(done.home)], stderr=subprocess.PIPE, text=True)
    ) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        url = said.split(" at ")[1].split("/dashboard")[0]

        with urlopen(f"{url}/api/studies", timeout=30) as answered:  # noqa: S310 - our own
            names = [one["study_name"] for one in json.load(answered)["study_summaries"]]
        process.terminate()

    assert done.experiment.id in names


def test_a_url_has_no_records_to_show() -> None:
    command = ["experiments", "dashboard", "--url", "http://127.0.0.1:1"]

    result = CliRunner().invoke(app, command)

    assert result.exit_code == 2
    assert "MLSYS_BACKEND=gcp" in result.output
