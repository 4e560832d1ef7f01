"""The main job, end to end, over the platform's own HTTP; each step is checked."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Protocol

from mlsys.dev import demo_checks as check
from mlsys.dev.datasets import Name, Table, load
from mlsys.dev.platform import Platform
from mlsys.domain.answers import Importances, Predictions, TrialRow
from mlsys.domain.choices import Library
from mlsys.domain.experiment_records import Experiment
from mlsys.domain.model_records import ModelVersion
from mlsys.domain.split_records import Split
from mlsys.sdk.client import Client

SPLIT_SECONDS = 120.0
STUDY_SECONDS = 1800.0
FILE = "rows.csv"


@dataclass(frozen=True)
class Plan:
    """What to demonstrate, and where."""

    home: Path
    dataset: Name = "breast-cancer"
    model_type: Library = "lightgbm"
    n_trials: int = 25


class Story(Protocol):
    """Who tells the user what happens; cli/story.py does."""

    def step(self, title: str) -> None:
        """Begin a step."""
        ...

    def said(self, text: str) -> None:
        """Tell one thing that happened."""
        ...

    def trials(
        self, n_trials: int, *, maximize: bool
    ) -> AbstractContextManager[Callable[[TrialRow], None]]:
        """Show trials as they end."""
        ...

    def split(self, split: Split) -> None:
        """Show the split."""
        ...

    def experiment(self, experiment: Experiment) -> None:
        """Show what the study found."""
        ...

    def version(self, version: ModelVersion) -> None:
        """Show the registered winner."""
        ...

    def predictions(self, answer: Predictions, truth: list[object]) -> None:
        """Show predictions beside the truth."""
        ...

    def importances(self, answer: Importances) -> None:
        """Show the ranking."""
        ...

    def end(self, plan: Plan, seconds: dict[str, float]) -> None:
        """Say where everything lies, and how long it took."""
        ...


def run_demo(plan: Plan, story: Story) -> None:
    """Drop a table, wait for its split, run a study, promote the winner, call it.

    Raises:
        DemoFailed: a step did not do what it should have done.
        MlsysError: the platform refused, or did not answer in time.
    """
    table = load(plan.dataset)
    seconds: dict[str, float] = {}

    @contextmanager
    def timed(name: str, title: str) -> Iterator[None]:
        story.step(title)
        started = monotonic()
        yield
        seconds[name] = monotonic() - started

    with Platform(plan.home) as platform, Client(platform.url) as client:
        with timed("drop", f"Drop a table into the uploads folder of {platform.url}"):
            folder = platform.uploads / table.name
            _drop(table, folder)
            story.said(f"{len(table.rows)} rows to {folder / FILE}")
            story.said(f"{len(table.held_out)} rows are held out, to be predicted at the end")

        with timed("split", "The event makes the split"):
            split = client.wait_for_split(table.name, FILE, timeout_seconds=SPLIT_SECONDS)
            check.split(split, table, plan.home)
            story.split(split)

        with timed("study", "The experiment request starts the study"):
            experiment = _study(client, table, split, plan, story)
            story.experiment(experiment)

        with timed("register", "The winner is in the registry"):
            version = client.model(str(experiment.model_id))
            check.version(version, experiment, plan.home)
            story.version(version)

        with timed("promote", "Promote it"):
            promotion = client.promote(version.id, "production", reason="the demo's winner")
            check.production(client.models(name=version.name, stage="production"), version)
            before = promotion.previous_model_id or "nothing"
            story.said(f"production of {version.name} was {before}, is {version.id}")

        with timed("predict", "Predict the rows that were held out"):
            instances = [table.instance(row) for row in table.held_out]
            answer = client.predict(version.name, instances=instances, explain=True)
            check.predictions(answer, table, version)
            story.predictions(answer, [row[table.target] for row in table.held_out])

        with timed("importance", "What the model goes by"):
            ranking = client.importance(version.name)
            check.importances(ranking, table, version)
            story.importances(ranking)

    story.end(plan, seconds)


def _drop(table: Table, folder: Path) -> None:
    """Write two files into the folder, as anybody would: the settings, then the table."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.json").write_text(json.dumps(table.dataset, indent=2))
    (folder / FILE).write_bytes(table.csv)


def _study(client: Client, table: Table, split: Split, plan: Plan, story: Story) -> Experiment:
    experiment = client.create_experiment(
        split_id=split.id,
        name=table.name,
        target_column=table.target,
        task_type=table.task.value,
        model_type=plan.model_type,
        optuna_config={"n_trials": plan.n_trials, "seed": 7},
    )
    maximize = table.task.value == "classification"
    with story.trials(plan.n_trials, maximize=maximize) as ended:
        experiment = client.wait_for_experiment(
            experiment.id, on_trial=ended, timeout_seconds=STUDY_SECONDS
        )
    check.experiment(experiment, list(client.trials(experiment.id)), plan.n_trials)
    return experiment
