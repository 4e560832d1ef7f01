"""What a fit returns. Most fits are trials, of which nobody keeps the model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from mlsys.domain.learners.base import Booster, Floats


@dataclass(frozen=True)
class Fitted:
    """A booster that is written, and read back, only when it is first asked for.

    Attributes:
        best_round: how many rounds it holds; 0 if that was not watched.
        keep: writes and reads it.
        told_val: returns `val_prediction`, where that takes less than to write and read the model.
    """

    best_round: int
    keep: Callable[[], Booster]
    told_val: Callable[[], Floats | None] = lambda: None

    @property
    def rounds(self) -> int:
        """See base.Booster."""
        return self.best_round or self._kept.rounds

    @property
    def val_prediction(self) -> Floats | None:
        """See base.Fit."""
        return self.told_val()

    def predict(self, matrix: Floats) -> Floats:
        """See base.Booster."""
        return self._kept.predict(matrix)

    def predict_row(self, row: Sequence[float]) -> list[float]:
        """See base.Booster."""
        return self._kept.predict_row(row)

    def contributions(self, matrix: Floats) -> Floats:
        """See base.Booster."""
        return self._kept.contributions(matrix)

    def importance(self) -> Floats:
        """See base.Booster."""
        return self._kept.importance()

    def to_bytes(self) -> bytes:
        """See base.Booster."""
        return self._kept.to_bytes()

    @cached_property
    def _kept(self) -> Booster:
        return self.keep()
