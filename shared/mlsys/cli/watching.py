"""Follow one experiment, or one split, to its end."""

import sys

from typer import Exit

from mlsys.cli import shown
from mlsys.cli.command import FAILED, Format, Session, talk
from mlsys.cli.output import print_one
from mlsys.cli.progress import Progress
from mlsys.domain.records import ExperimentStatus, Split, SplitStatus


def watch_experiment(session: Session, experiment_id: str) -> None:
    """Show the trials as they end, then the experiment; exit with 1 if it did not succeed."""
    client = session.client
    asked = client.experiment(experiment_id)
    n_trials = int(asked.request.get("optuna_config", {}).get("n_trials", 0))
    terminal = sys.stderr.isatty()
    with Progress(n_trials, terminal=terminal, maximize=asked.maximize) as progress:
        experiment = client.wait_for_experiment(experiment_id, on_trial=progress.ended)
    print_one(experiment, shown.EXPERIMENT, format=session.format)
    if experiment.status is not ExperimentStatus.SUCCEEDED:
        shown.tell_failure(experiment.id, experiment.status, experiment.failure)
        raise Exit(FAILED)


def watch_split(session: Session, split_id: str) -> None:
    """Say how far it is, then show it; exit with 1 if it cannot be used."""
    told = ""

    def tell(split: Split) -> None:
        nonlocal told
        progress = shown.progress_text(split) or ""
        if progress != told:
            talk(f"  {progress}")
        told = progress

    print_split(session.client.watch_split(split_id, on_look=tell), format=session.format)


def print_split(split: Split, *, format: Format) -> None:
    """Show a split; exit with 1 if it ended and cannot be used."""
    print_one(split, shown.SPLIT, format=format)
    if split.status in {SplitStatus.FAILED, SplitStatus.QUARANTINED}:
        shown.tell_failure(split.id, split.status, split.failure)
        raise Exit(FAILED)
