"""`mlsys up` in a process of its own: it serves, ends without a trace, and goes on."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlsys import Client
from mlsys.domain.experiment_records import ExperimentStatus
from mlsys.domain.split_records import SplitStatus
from tests.processes import killed_on_failure

MLSYS = [sys.executable, "-m", "mlsys.cli"]
START_SECONDS = 60


@contextmanager
def up(home: Path, *, port: int = 0, code: int = 0) -> Iterator[str]:
    """Serve until the end of the block, then press Ctrl-C; yields the URL."""
    command = [*MLSYS, "up", "--home", str(home), "--port", str(port)]
    log = home.with_suffix(".log")
    with (
        log.open("a") as said,
        killed_on_failure(subprocess.Popen(command, stderr=said, stdout=said)) as process,
    ):
        yield url_in(log, process)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == code, log.read_text()


def url_in(log: Path, process: "subprocess.Popen[bytes]") -> str:
    served = log.read_text().count("mlsys serves")
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        urls = re.findall(r"mlsys serves (http://127\.0\.0\.1:\d+),", log.read_text())
        if len(urls) > served or (urls and served == 0):
            return str(urls[-1])
        time.sleep(0.05)
    raise AssertionError(f"it did not start: {log.read_text()}")


def running(*marks: object) -> list[str]:
    """Name the processes whose command line has one of these marks in it."""
    listed = subprocess.run(
        ["ps", "-eo", "pid,args", "-ww"],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    lines = listed.stdout.splitlines()
    return [line for line in lines if any(str(mark) in line for mark in marks)]


def post(url: str, body: Any) -> Any:
    """Call as curl does."""
    request = urllib.request.Request(  # noqa: S310 - of this machine
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.loads(answer.read())


def request_for(split_id: str, n_trials: int) -> dict[str, Any]:
    return {
        "split_id": split_id,
        "name": "churn",
        "target_column": "churned",
        "task_type": "classification",
        "model_type": "catboost",
        "optuna_config": {"n_trials": n_trials},
    }


def test_a_dropped_file_becomes_a_served_model(tmp_path: Path, table: Path) -> None:
    home = tmp_path / "home"
    folder = home / "uploads" / "churn"

    with up(home) as url, Client(url) as client:
        folder.mkdir(parents=True)
        shutil.copy(table.with_name("dataset.json"), folder)
        shutil.copy(table, folder)
        split = client.wait_for_split("churn", "table.csv", timeout_seconds=120)
        asked = post(f"{url}/v1/experiments", request_for(split.id, 2))
        experiment = client.wait_for_experiment(asked["id"], timeout_seconds=240)
        post(f"{url}/v1/models/churn-v1/promote", {"stage": "production"})
        rows = {"model": "churn", "instances": [{"age": 20, "plan": "001"}]}
        predicted = post(f"{url}/v1/predict", rows)
        ranked = post(f"{url}/v1/importance", {"model": "churn"})

    assert split.status is SplitStatus.READY
    assert experiment.status is ExperimentStatus.SUCCEEDED
    assert predicted["predictions"][0]["prediction"] == "yes"
    assert ranked["importances"][0]["feature"] == "age"
    assert running(home, experiment.id) == []


def test_a_second_start_goes_on_with_what_was_left(tmp_path: Path, table: Path) -> None:
    home = tmp_path / "home"
    with Client.local(home) as client:
        client.upload(table.with_name("dataset.json"), entity="churn")
        client.upload(table, entity="churn")

    with up(home) as url, Client(url) as client:
        split = client.wait_for_split("churn", "table.csv", timeout_seconds=120)
    with Client.local(home) as client:
        undelivered = client.create_experiment(**request_for(split.id, 40))
    with up(home) as url, Client(url) as client:
        while not list(client.trials(undelivered.id)):
            time.sleep(0.1)
        left_behind = client.experiment(undelivered.id)
        working = running(home, undelivered.id)
    after = running(home, undelivered.id)
    with up(home) as url, Client(url) as client:
        experiment = client.wait_for_experiment(undelivered.id, timeout_seconds=240)
        trials = list(client.trials(undelivered.id))

    assert split.status is SplitStatus.READY
    assert not left_behind.status.final
    assert len(working) >= 3
    assert after == []
    assert experiment.status is ExperimentStatus.SUCCEEDED, experiment.failure
    assert [one.number for one in trials] == list(range(40))[::-1]


def test_a_second_platform_on_the_same_home_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"

    with up(home) as url:
        second = subprocess.run(
            [*MLSYS, "up", "--home", str(home), "--port", "0"],
            capture_output=True,
            text=True,
            check=False,
        )

    assert second.returncode == 1
    assert url in second.stderr
    assert "Traceback" not in second.stderr


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = subprocess.run(
            [*MLSYS, "up", "--home", str(tmp_path / "home"), "--port", port],
            capture_output=True,
            text=True,
            check=False,
        )

    assert refused.returncode == 1
    assert f"port {port} is taken" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_sigterm_ends_it_too(tmp_path: Path) -> None:
    command = [*MLSYS, "up", "--home", str(tmp_path / "home"), "--port", "0"]
    log = tmp_path / "log"
    with (
        log.open("w") as said,
        killed_on_failure(subprocess.Popen(command, stderr=said)) as process,
    ):
        url_in(log, process)
        process.terminate()
        code = process.wait(30)

    assert code == 0
    assert log.read_text().splitlines()[-1] == "stopped"


def test_what_happens_is_logged_as_json_where_nobody_looks(tmp_path: Path) -> None:
    home = tmp_path / "home"

    with up(home):
        pass

    logged = [
        json.loads(text)
        for text in home.with_suffix(".log").read_text().splitlines()
        if text.startswith("{")
    ]
    assert "platform.started" in {one["message"] for one in logged}
