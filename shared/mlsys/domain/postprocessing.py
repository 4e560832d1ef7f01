"""What is made of a prediction besides: bands of a probability, and bounds of a value.

Asked for with an experiment, stored as a part of `postprocess.json`. Needs no NumPy.
"""

from bisect import bisect_right

from mlsys.domain.records import Record


class Bands(Record):
    """Bands of a calibrated probability, as stored; `labels` has one more than `cut_points`."""

    cut_points: tuple[float, ...]
    labels: tuple[str, ...]

    def of(self, probability: float) -> str:
        """Name the band of a probability.

        >>> risk = Bands(cut_points=(0.2, 0.6), labels=("low", "medium", "high"))
        >>> risk.of(0.19), risk.of(0.2), risk.of(1.0)
        ('low', 'medium', 'high')

        """
        return self.labels[bisect_right(self.cut_points, probability)]


class Clip(Record):
    """Bounds of a value, as stored; None is no bound."""

    lower: float | None = None
    upper: float | None = None
