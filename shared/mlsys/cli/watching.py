"""Follow one experiment, or one split, to its end."""

import sys

from typer import Exit

from mlsys import Client
from mlsys.cli import shown
from mlsys.cli.command import FAILED, Format, Session, talk
from mlsys.cli.output import print_one
from mlsys.cli.progress import Progress
from mlsys.domain.experiment_records import Experiment, ExperimentStatus
from mlsys.domain.split_records import Split, SplitStatus
from mlsys.sdk.studies import StudyLook


def watch_experiment(session: Session, experiment_id: str) -> None:
    """Show the study as it goes, then the experiment; exit with 1 if it did not succeed."""
    experiment = _followed(session.client, experiment_id)
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


def _followed(client: Client, experiment_id: str) -> Experiment:
    """Wait for the end: a table on a terminal, a line for each trial anywhere else."""
    if sys.stderr.isatty():
        # Only here: what is piped or logged does without rich.
        from mlsys.cli.live import live_study

        with live_study() as draw:
            return client.wait_for_experiment(experiment_id, on_look=draw)
    told = ""
    with Progress(0, terminal=False) as progress:

        def tell(look: StudyLook) -> None:
            nonlocal told
            if look.experiment.status != told:
                talk(f"  {look.experiment.name} is {look.experiment.status}")
            told = look.experiment.status
            progress.maximize = look.experiment.maximize
            for trial in look.ended:
                progress.ended(trial)

        return client.wait_for_experiment(experiment_id, on_look=tell)
