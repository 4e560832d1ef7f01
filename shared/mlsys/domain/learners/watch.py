"""What surrounds a fit in every library: when it ends, and which parameters are not free."""

from math import isfinite

import numpy as np

from mlsys.domain.errors import InvalidInput
from mlsys.domain.learners.base import Examples, Monitor, Params, Task

# What cannot be told where val lacks a class.
OF_ALL_CLASSES = {"roc_auc", "roc_auc_ovr", "roc_auc_ovr_weighted", "average_precision"}
EACH_ROUND_UNTIL, THEN_EVERY = 100, 5


def is_due(round: int, *, last: int) -> bool:
    """Whether val is to be scored after a round, where that takes time. Late ones change little.

    >>> [round for round in range(98, 113) if is_due(round, last=112)]
    [98, 99, 100, 105, 110, 112]

    """
    return round <= EACH_ROUND_UNTIL or round % THEN_EVERY == 0 or round == last


class Watch:
    """Follows what a monitor watches, and knows the best round so far (0: none yet)."""

    def __init__(self, monitor: Monitor, *, task: Task, val: Examples | None) -> None:
        if val is None:
            raise InvalidInput("early stopping needs val rows, and there are none")
        counts = slice(None) if val.weights is None else val.weights > 0
        classes = len(np.unique(val.target[counts]))
        if monitor.metric in OF_ALL_CLASSES and classes < task.n_classes:
            raise InvalidInput(
                f"{monitor.metric} is undefined on val: it holds {classes} of the "
                f"{task.n_classes} classes; choose log_loss, or split with more rows"
            )
        self._monitor = monitor
        self._best_value = 0.0
        self.best_round = 0

    def ends(self, round: int, loss_or_metric: float, *, is_metric: bool) -> bool:
        """Note the value after a round, 1, 2, …; answer whether the fit is over.

        Args:
            round: how many rounds were boosted.
            loss_or_metric: what the library computed on val.
            is_metric: whether that is the monitor's metric, else a loss in its place.

        """
        monitor = self._monitor
        value = float(-loss_or_metric if monitor.maximize and not is_metric else loss_or_metric)
        if not isfinite(value):
            raise InvalidInput(f"after round {round} the model's {monitor.metric} is not finite")
        gain = value - self._best_value if monitor.maximize else self._best_value - value
        if self.best_round == 0 or gain > 0:
            self.best_round, self._best_value = round, value
        if monitor.on_round is not None and monitor.on_round(round, value):
            return True
        patience = monitor.patience
        return patience is not None and patience.is_over(round, self.best_round)


def check_rows(train: Examples, val: Examples | None) -> None:
    """Refuse what the libraries stumble over in ways of their own. Raises InvalidInput."""
    for part, examples in (("train", train), ("val", val)):
        if examples is None:
            continue
        if len(examples.matrix) == 0:
            raise InvalidInput(f"{part} holds no rows")
        if examples.weights is not None and not examples.weights.any():
            raise InvalidInput(
                f"all {len(examples.weights)} rows of {part} have weight 0; split with more rows, "
                "or weigh some of them"
            )


def checked_params(params: Params, fixed: Params) -> dict[str, object]:
    """Join a trial's parameters with those that are not its to choose.

    Raises:
        InvalidInput: it tries to; `fixed` are what the library would silently prefer or ignore.

    """
    taken = sorted(params.keys() & fixed.keys())
    if taken:
        raise InvalidInput(f"parameters that mlsys sets itself: {', '.join(taken)}")
    return {**params, **fixed}
