"""The folds of a study, quantised for each library."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from mlsys.domain.choices import ModelType
from mlsys.domain.features import Plan
from mlsys.domain.folding import Fold
from mlsys.domain.learners.table import learner


class Binned:
    """The folds as each library wants them, built when first asked for and then reused."""

    def __init__(self, plan: Plan, folds: tuple[Fold, ...], *, threads: int) -> None:
        self.task, self.folds = plan.task, folds
        self._threads = threads
        self._built: dict[tuple[ModelType, int], list[Any]] = {}
        self._building = Lock()

    def build(self, model_type: ModelType, place: int) -> None:
        """Build one fold for one library, unless it was built."""
        with self.lent(model_type, place):
            pass

    @contextmanager
    def lent(self, model_type: ModelType, place: int) -> Iterator[Any]:
        """Lend one fold for one library: to all threads, or, if it may not be shared, a copy."""
        with self._building:
            idle = self._built.setdefault((model_type, place), [])
            library = learner(model_type)
            if not idle:
                fold = self.folds[place]
                idle.append(
                    library.bin(fold.train, fold.val, task=self.task, threads=self._threads)
                )
            binned = idle[0] if library.shares_bins else idle.pop()
        try:
            yield binned
        finally:
            if not library.shares_bins:
                idle.append(binned)
