"""The demo as a person reads it: on standard output, with a bar for the trials on a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from typer import Exit, style

from mlsys import logs
from mlsys.cli.command import FAILED, talk
from mlsys.cli.output import cell, print_table, write
from mlsys.cli.predicting import strongest
from mlsys.cli.progress import Progress
from mlsys.cli.shown import measure_text
from mlsys.dev.datasets import Name
from mlsys.dev.demo import Plan, run_demo
from mlsys.dev.demo_checks import DemoFailed
from mlsys.domain.answers import Importances, Prediction, Predictions, TrialRow
from mlsys.domain.choices import Library
from mlsys.domain.errors import MlsysError
from mlsys.domain.experiment_records import Experiment
from mlsys.domain.model_records import ModelVersion
from mlsys.domain.split_records import Split
from mlsys.settings import settings_from

LOG = "platform.log"
SHOWN_ROWS = 8
SHOWN_FEATURES = 5
BAR_WIDTH = 30


def tell_demo(
    home: Path | None,
    *,
    dataset: Name,
    model_type: Library,
    n_trials: int,
) -> None:
    """Run the demo and tell it; exit with 1 if a step did not really happen."""
    if home is None:
        home = settings_from().home / f"demo-{datetime.now().astimezone():%Y%m%d-%H%M%S-%f}"
    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    plan = Plan(home=home, dataset=dataset, model_type=model_type, n_trials=n_trials)
    with (home / LOG).open("a", encoding="utf-8") as log:
        logs.configure("info", to=log)
        try:
            run_demo(plan, Teller())
        except (MlsysError, DemoFailed) as error:
            talk(style("\nThe demo failed: ", fg="red", bold=True) + str(error))
            talk(f"logs: {home / LOG}\n      {home / 'jobs'}")
            raise Exit(FAILED) from error
        finally:
            logs.configure("error")


class Teller:
    """Tells each step of the demo."""

    def __init__(self) -> None:
        self._steps = 0

    def step(self, title: str) -> None:
        """Begin a step."""
        self._steps += 1
        write("")
        write(style(f"{self._steps} {title}", fg="cyan", bold=True))

    def said(self, text: str) -> None:
        """Tell one thing that happened."""
        write(f"  {text}")

    @contextmanager
    def trials(self, n_trials: int, *, maximize: bool) -> Iterator[Callable[[TrialRow], None]]:
        """Show trials as they end."""
        terminal = sys.stderr.isatty()
        with Progress(n_trials, terminal=terminal, maximize=maximize) as progress:
            yield progress.ended

    def split(self, split: Split) -> None:
        """Show the split."""
        self.said(f"{split.id} is {split.status}: {cell(split.rows)}")
        self.said(f"{split.strategy}, seed {split.seed}; {len(split.columns)} columns checked")

    def experiment(self, experiment: Experiment) -> None:
        """Show what the study found."""
        best = experiment.best_trial
        self.said(f"{experiment.id} {experiment.status}; trials: {cell(experiment.trials)}")
        if best is not None:
            measured = f"{experiment.metric_name} {cell(best.value)}"
            self.said(f"the best on val is trial {best.number}: {measured}")
        self.said(f"on test, looked at once: {measure_text(experiment.test)}")
        self.said(f"baselines: {cell(experiment.baselines)}")
        for warning in experiment.warnings:
            self.said(f"warning: {warning}")

    def version(self, version: ModelVersion) -> None:
        """Show the registered winner."""
        self.said(
            f"{version.id}, {version.model_type}; sha256 of {len(version.files)} files is right"
        )

    def predictions(self, answer: Predictions, truth: list[object]) -> None:
        """Show predictions beside the truth."""
        rows = [
            [
                cell(actual),
                cell(one.prediction) + _mark(one, actual),
                *([] if one.probability is None else [f"{one.probability:.3f}"]),
                "" if one.explanation is None else strongest(one.explanation.contributions),
            ]
            for one, actual in zip(answer.predictions, truth, strict=True)
        ]
        several = answer.predictions[0].probability is not None
        headers = ["truth", "prediction", *(["probability"] if several else []), "because of"]
        print_table(headers, rows[:SHOWN_ROWS], indent=2)
        self.said(f"{self._summed_up(answer, truth)}; {min(SHOWN_ROWS, len(rows))} are shown")

    def importances(self, answer: Importances) -> None:
        """Show the ranking."""
        shown = answer.importances[:SHOWN_FEATURES]
        width = max(len(one.feature) for one in shown)
        for one in shown:
            bar = "█" * max(1, round(BAR_WIDTH * one.share / shown[0].share))
            self.said(f"{one.feature:<{width}}  {one.share:>6.1%}  {bar}")
        self.said(
            f"{answer.method}, {answer.samples} rows of {answer.split}; "
            f"the shares of all {len(answer.importances)} sum to 1"
        )

    def end(self, plan: Plan, seconds: dict[str, float]) -> None:
        """Say where everything lies, and how long it took."""
        took = ", ".join(f"{name} {one:.1f} s" for name, one in seconds.items())
        write("")
        write(style("All of it happened.", fg="green", bold=True) + f" {took}")
        self.said(f"uploads, splits, models, records: {plan.home}")
        self.said(f"logs: {plan.home / LOG}, {plan.home / 'jobs'}")
        self.said(f"go on with it: mlsys up --home {plan.home}")

    @staticmethod
    def _summed_up(answer: Predictions, truth: list[object]) -> str:
        pairs = list(zip((one.prediction for one in answer.predictions), truth, strict=True))
        if answer.predictions[0].probability is not None:
            right = sum(said == actual for said, actual in pairs)
            return f"{right} of {len(pairs)} are right"
        errors = [abs(float(said) - float(str(actual))) for said, actual in pairs]
        return f"mean absolute error of {len(pairs)} rows: {sum(errors) / len(errors):.4g}"


def _mark(one: Prediction, actual: object) -> str:
    """Point at a wrong class."""
    return "" if one.probability is None or one.prediction == actual else " ✗"
