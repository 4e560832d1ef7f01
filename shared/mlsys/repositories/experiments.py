"""The records of experiments and their trials."""

from mlsys.domain.experiment_records import Experiment, Trial
from mlsys.repositories.collection import Collection

EXPERIMENTS = Collection("experiments", Experiment)


def trials_of(experiment_id: str) -> Collection[Trial]:
    """The trials of one experiment; `trial_document_id` says how an id is made of a number."""
    return Collection(f"experiments/{experiment_id}/trials", Trial)


def trial_document_id(number: int) -> str:
    """Write a trial's number so that the order of the texts is the order of the numbers."""
    return f"{number:07d}"
