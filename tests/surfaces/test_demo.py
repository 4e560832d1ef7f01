"""`mlsys demo`: each library and each kind of table; and what did not happen is noticed."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mlsys.dev import demo_checks as check
from mlsys.dev.datasets import Table, load
from mlsys.dev.demo import Plan, run_demo
from mlsys.dev.demo_checks import DemoFailed
from mlsys.domain.answers import Importances, Predictions, TrialRow
from mlsys.domain.experiment_records import Experiment
from mlsys.domain.model_records import Measure, ModelVersion
from mlsys.domain.split_records import Split

MLSYS = [sys.executable, "-m", "mlsys.cli"]
SPOILT = """
from dataclasses import replace
from mlsys.cli.__main__ import main
from mlsys.dev import demo
load = demo.load
def spoilt(name):
    table = load(name)
    return replace(table, rows=[{**table.rows[0], table.target: ""}, *table.rows[1:]])
demo.load = spoilt
main()
"""


@pytest.mark.parametrize(
    ("model_type", "dataset", "said"),
    [
        ("lightgbm", "breast-cancer", "of 28 are right"),
        ("xgboost", "wine", "of 9 are right"),
        ("catboost", "diabetes", "mean absolute error of 22 rows"),
    ],
)
def test_the_demo_happens(tmp_path: Path, model_type: str, dataset: str, said: str) -> None:
    home = tmp_path / "home"
    arguments = ["--n-trials", "3", "--model-type", model_type, "--dataset", dataset]

    run = subprocess.run(
        [*MLSYS, "demo", *arguments, "--home", str(home)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert said in run.stdout
    assert f"{dataset}-v1" in run.stdout
    assert "All of it happened." in run.stdout
    assert run.stderr.count("trial ") == 3
    assert (home / "artifacts" / "models" / dataset / "v1").is_dir()


def test_a_table_that_breaks_its_contract_fails_the_demo(tmp_path: Path) -> None:
    home = tmp_path / "home"
    options = ["demo", "--n-trials", "1", "--dataset", "wine", "--home", str(home)]

    run = subprocess.run(
        [sys.executable, "-c", SPOILT, *options], capture_output=True, text=True, check=False
    )

    assert run.returncode == 1
    assert "All of it happened." not in run.stdout
    assert "The demo failed: split" in run.stderr
    assert str(home / "platform.log") in run.stderr


@dataclass
class Record:
    """A story that only keeps what it is told."""

    plan: Plan
    seen: dict[str, Any] = field(default_factory=dict)

    def step(self, title: str) -> None:
        self.seen[title] = True

    def said(self, text: str) -> None:
        self.seen[text] = True

    @contextmanager
    def trials(self, n_trials: int, *, maximize: bool) -> Iterator[Callable[[TrialRow], None]]:
        assert maximize
        ended: list[TrialRow] = []
        yield ended.append
        assert len(ended) == n_trials
        self.seen["trials"] = ended

    def split(self, split: Split) -> None:
        self.seen["split"] = split

    def experiment(self, experiment: Experiment) -> None:
        self.seen["experiment"] = experiment

    def version(self, version: ModelVersion) -> None:
        self.seen["version"] = version

    def predictions(self, answer: Predictions, truth: list[object]) -> None:
        self.seen["predictions"] = answer
        assert len(answer.predictions) == len(truth)

    def importances(self, answer: Importances) -> None:
        self.seen["importances"] = answer

    def end(self, plan: Plan, seconds: dict[str, float]) -> None:
        assert plan == self.plan
        self.seen["seconds"] = seconds


class Vandal(Record):
    """Spoils a file of the model between its registration and the check."""

    def experiment(self, experiment: Experiment) -> None:
        super().experiment(experiment)
        folder = self.plan.home / "artifacts" / "models" / "wine" / "v1"
        (folder / "preprocess.json").write_text("{}")


@pytest.fixture(scope="module")
def wine() -> Table:
    return load("wine")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """What a demo that happened told."""
    plan = Plan(tmp_path_factory.mktemp("demo"), "wine", "lightgbm", 2)
    story = Record(plan)
    run_demo(plan, story)
    return story


def test_a_spoilt_model_is_noticed(tmp_path: Path) -> None:
    plan = Plan(tmp_path / "home", "wine", "lightgbm", 1)

    with pytest.raises(DemoFailed, match=r"preprocess\.json has sha256"):
        run_demo(plan, Vandal(plan))


def test_every_step_is_timed(told: Record) -> None:
    steps = ["drop", "split", "study", "register", "promote", "predict", "importance"]

    assert list(told.seen["seconds"]) == steps


@pytest.mark.parametrize(
    "change",
    [
        {"status": "FAILED"},
        {"rows": {"train": 1, "val": 1, "test": 1}},
        {"rows": {"train": 169, "val": 0, "test": 0}},
        {"files": {}},
    ],
    ids=str,
)
def test_a_split_that_is_none_is_noticed(told: Record, wine: Table, change: dict[str, Any]) -> None:
    doctored = told.seen["split"].model_copy(update=change)

    with pytest.raises(DemoFailed):
        check.split(doctored, wine, told.plan.home)


@pytest.mark.parametrize(
    "change",
    [
        {"status": "FAILED"},
        {"model_id": None},
        {"baselines": {}},
        {"test": None},
        {"test": Measure(name="accuracy", value=0.5)},
        {"test": Measure(name="accuracy", value=0.5, low=0.6, high=0.7)},
    ],
    ids=str,
)
def test_a_study_that_failed_is_noticed(told: Record, change: dict[str, Any]) -> None:
    doctored = told.seen["experiment"].model_copy(update=change)

    with pytest.raises(DemoFailed):
        check.experiment(doctored, told.seen["trials"], 2)


@pytest.mark.parametrize(
    "doctor",
    [
        lambda trials: trials[:1],
        lambda trials: [*trials, trials[0]],
        lambda trials: [trials[0], trials[1].model_copy(update={"state": "RUNNING"})],
        lambda trials: [one.model_copy(update={"state": "FAIL"}) for one in trials],
    ],
    ids=["one", "three", "unfinished", "failed"],
)
def test_a_trial_too_few_or_too_many_is_noticed(
    told: Record, doctor: Callable[[list[TrialRow]], list[TrialRow]]
) -> None:
    with pytest.raises(DemoFailed):
        check.experiment(told.seen["experiment"], doctor(told.seen["trials"]), 2)


def test_a_pointer_elsewhere_is_noticed(told: Record) -> None:
    with pytest.raises(DemoFailed, match="production is"):
        check.production([], told.seen["version"])


@pytest.mark.parametrize(
    "change",
    [
        {"prediction": "class_9"},
        {"probabilities": {"class_0": 0.5, "class_1": 0.5, "class_2": 0.5}},
        {"probabilities": {"class_0": 1.5, "class_1": -0.5, "class_2": 0.0}},
        {"explanation": None},
    ],
    ids=str,
)
def test_predictions_that_make_no_sense_are_noticed(
    told: Record, wine: Table, change: dict[str, Any]
) -> None:
    answer, version = told.seen["predictions"], told.seen["version"]
    first, *others = answer.predictions
    doctored = [first.model_copy(update=change), *others]

    check.predictions(answer, wine, version)
    with pytest.raises(DemoFailed):
        check.predictions(answer.model_copy(update={"predictions": doctored}), wine, version)
    with pytest.raises(DemoFailed):
        check.predictions(answer.model_copy(update={"predictions": others}), wine, version)


def test_saying_the_same_each_time_is_noticed(told: Record, wine: Table) -> None:
    answer = told.seen["predictions"]
    stubborn = [one.model_copy(update={"prediction": "class_0"}) for one in answer.predictions]
    doctored = answer.model_copy(update={"predictions": stubborn})

    with pytest.raises(DemoFailed, match="are right; saying one class"):
        check.predictions(doctored, wine, told.seen["version"])


def test_shares_that_do_not_sum_to_1_are_noticed(told: Record, wine: Table) -> None:
    answer = told.seen["importances"]
    doctored = answer.model_copy(update={"importances": answer.importances[:-1]})

    with pytest.raises(DemoFailed, match="shares sum to"):
        check.importances(doctored, wine, told.seen["version"])
