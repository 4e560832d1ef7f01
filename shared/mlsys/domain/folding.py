"""What a trial learns from and is judged on: train and val, or the folds of train in turn."""

from collections.abc import Mapping
from dataclasses import dataclass

from mlsys.domain.learners.base import Examples
from mlsys.domain.records import Part


@dataclass(frozen=True)
class Fold:
    """Rows to learn from, and others to stop early, prune and judge by."""

    train: Examples
    val: Examples


def folds_of(parts: Mapping[Part, Examples]) -> tuple[Fold, ...]:
    """Return the one fold of train and val."""
    return (Fold(parts["train"], parts["val"]),)
