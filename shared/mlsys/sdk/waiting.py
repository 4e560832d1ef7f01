"""What is waited for, among what was listed."""

from collections.abc import Iterable, Iterator

from mlsys.domain.answers import TrialRow
from mlsys.domain.records import Split, SplitStatus

RUNNING_TRIALS = {"RUNNING", "WAITING"}


def finished(splits: Iterable[Split], file: str, generation: str | None) -> Split | None:
    """Return the newest split of an uploaded file, unless it is still being made.

    Args:
        splits: newest first.
        file: as `{entity}/{name}` in the uploads bucket.
        generation: of the file; None is any.
    """
    for split in splits:
        if split.source_uri.endswith(f"/{file}") and generation in {None, split.source_generation}:
            return None if split.status is SplitStatus.RUNNING else split
    return None


def ended(trials: Iterable[TrialRow], told: set[int]) -> Iterator[TrialRow]:
    """Yield each trial that ended and is not in `told`, and put it there."""
    for trial in trials:
        if trial.state not in RUNNING_TRIALS and trial.number not in told:
            told.add(trial.number)
            yield trial
