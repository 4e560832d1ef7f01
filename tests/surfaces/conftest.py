"""A home in which the main job was done once, and a clean log for each test."""

import csv
import json
import random
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from mlsys import Client
from mlsys.domain.experiment_records import Experiment
from mlsys.domain.split_records import Split

COLUMNS = ["age", "plan", "churned"]


@dataclass(frozen=True)
class Done:
    """A home, and what was done in it: `churn-v1` is in production."""

    home: Path
    split: Split
    experiment: Experiment


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """Forget what a command or a client made of the log: its stream ends with the test."""
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture(autouse=True, scope="session")
def heard_ctrl_c() -> Iterator[None]:
    """Let processes hear Ctrl-C, which those of a script in the background, and theirs, do not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A dataset to drop: `table.csv`, and beside it `dataset.json`."""
    return write_table(tmp_path)


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The main job, through the client, on a small table."""
    folder = tmp_path_factory.mktemp("done")
    rows = write_table(folder)
    with Client.local(folder / "home") as client:
        client.upload(rows.with_name("dataset.json"), entity="churn")
        split = client.upload(rows, entity="churn", wait=True, timeout_seconds=120)
        asked = client.create_experiment(
            split_id=split.id,
            name="churn",
            target_column="churned",
            task_type="classification",
            model_type="catboost",
            optuna_config={"n_trials": 3},
        )
        experiment = client.wait_for_experiment(asked.id, timeout_seconds=240)
        client.promote("churn-v1", "production", reason="the first")
    return Done(folder / "home", split, experiment)


def write_table(folder: Path, *, rows: int = 200) -> Path:
    """Write people of whom the young ones leave; `plan` looks like a number, and is none."""
    chance = random.Random(7)  # noqa: S311 - nothing secret
    file = folder / "table.csv"
    with file.open("w", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(COLUMNS)
        for _ in range(rows):
            age = chance.randint(18, 90)
            leaves = age + chance.gauss(0, 12) < 50
            writer.writerow([age, f"00{chance.randint(1, 3)}", "yes" if leaves else "no"])
    contract = {"columns": {"plan": {"type": "text"}, "churned": {"role": "target"}}}
    split = {"strategy": "stratified", "seed": 3}
    settings = json.dumps({"contract": contract, "split": split})
    (folder / "dataset.json").write_text(settings)
    return file
