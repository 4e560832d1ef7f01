"""Follow one experiment to its end."""

import sys

from typer import Exit

from mlsys.cli import shown
from mlsys.cli.command import FAILED, Session
from mlsys.cli.output import print_one
from mlsys.cli.progress import Progress
from mlsys.domain.records import ExperimentStatus


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
