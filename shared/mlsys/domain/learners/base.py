"""What mlsys asks of a boosting library. Everything above speaks this, and never a library."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from typing_extensions import TypeAliasType

# Followed by type checkers only: whoever scores a row alone imports no NumPy. See starting.py.
Floats = TypeAliasType("Floats", "np.typing.NDArray[np.float64]")
Params = Mapping[str, Any]
OnRound = Callable[[int, float], bool]
TaskKind = Literal["binary", "multiclass", "regression"]


@dataclass(frozen=True)
class Task:
    """What is predicted. `n_classes` is 2 for binary, at least 3 for multiclass, else 0."""

    kind: TaskKind
    n_classes: int = 0

    @property
    def n_scores(self) -> int:
        """How many numbers answer a row."""
        return self.n_classes if self.kind == "multiclass" else 1


@dataclass(frozen=True)
class Examples:
    """Rows ready for a library.

    Attributes:
        matrix: (n, k) float64; a category is its code 0, 1, …; missing is NaN. See features.py.
        target: (n,) float64; the class index in our order, or the value.
        categorical: (k,) whether a column holds codes.
        weights: (n,) how much each row counts in fits, early stopping and metrics.
        monotone: (k,) 1 where a prediction may only rise along a column, -1 fall; () if nowhere.
        class_weights: (n_classes,) what the rows of each class count besides, in fits and early
            stopping, not in metrics; () if all count the same.
    """

    matrix: Floats
    target: Floats
    categorical: tuple[bool, ...]
    weights: Floats | None = None
    monotone: tuple[int, ...] = ()
    class_weights: tuple[float, ...] = ()


class Patience(NamedTuple):
    """For how long a fit may stand still: so many rounds, and a share of those up to the best."""

    rounds: int
    share: float = 0.0

    def is_over(self, round: int, best_round: int) -> bool:
        """Whether a fit that was at its best then has come to its end.

        >>> [Patience(50, 0.2).is_over(round, 300) for round in (350, 409, 410)]
        [False, False, True]

        """
        return round - best_round >= self.rounds + self.share * best_round


@dataclass(frozen=True)
class Monitor:
    """What is watched on val while a fit goes on, in order to stop early and to prune.

    `metric` is one of metrics.py's names. Where a learner can watch it, that is watched; else the
    log loss or squared error, negated if the metric is to be maximised, so that better always
    points the same way.

    `on_round(round, value)` gets rounds 1, 2, …, and of late ones those that are due, see watch.py;
    True stops the fit.
    """

    metric: str
    maximize: bool
    patience: Patience | None = None
    on_round: OnRound | None = None


class Booster(Protocol):
    """A fitted model. Its best iteration is all it has: reloading changes no prediction."""

    @property
    def rounds(self) -> int:
        """How many boosting rounds it holds."""
        ...

    def predict(self, matrix: Floats) -> Floats:
        """Score rows of (n, k): (n,) values or P(class 1), or (n, n_classes) probabilities."""
        ...

    def predict_row(self, row: Sequence[float]) -> list[float]:
        """Score (k,) a row alone, to the same bits: [value or P(class 1)], or (n_classes,)."""
        ...

    def contributions(self, matrix: Floats) -> Floats:
        """Return exact TreeSHAP in raw-score space: (n, k + 1), or (n, n_classes, k + 1).

        The last column is the base value; a row sums to its raw score (log-odds, or the value).
        """
        ...

    def importance(self) -> Floats:
        """Return the library's own gain-like importance of each feature, (k,), not normalised."""
        ...

    def to_bytes(self) -> bytes:
        """Return the library's native file format."""
        ...


class Fit(Booster, Protocol):
    """What a fit returns: a booster that is written only when it is first asked for."""

    @property
    def val_prediction(self) -> Floats | None:
        """What it predicts for val, to the bit what `predict` says; None if only that knows."""
        ...


class Learner(Protocol):
    """One library.

    A binned data set is opaque, built once per process and reused by every trial of a study.
    """

    @property
    def shares_bins(self) -> bool:
        """Whether fits in several threads may use one binned data set."""
        ...

    def bin(self, train: Examples, val: Examples | None, *, task: Task, threads: int) -> Any:
        """Quantise `train`, and `val` with the same bins.

        Raises:
            InvalidInput: a part holds no rows, or nothing can be learnt from `train`.
        """
        ...

    def fit(
        self,
        binned: Any,
        *,
        task: Task,
        params: Params,
        rounds: int,
        threads: int,
        seed: int,
        monitor: Monitor | None = None,
    ) -> Fit:
        """Boost for `rounds` (>= 1) at most; with a monitor, stop early and keep the best one.

        Raises:
            InvalidInput: `params` names what is fixed (seed, bins, objective …), or the library
                refuses them; the monitor's metric is undefined on val, or there is no val.
        """
        ...
