"""LightGBM behind the protocol of base.py."""

from dataclasses import dataclass

import lightgbm
import numpy as np
from lightgbm.basic import LightGBMError

from mlsys.domain.errors import InvalidInput
from mlsys.domain.evaluation.metrics import resolve_metric
from mlsys.domain.learners.base import Booster, Examples, Floats, Monitor, Params, Task
from mlsys.domain.learners.fitted import Fitted
from mlsys.domain.learners.watch import Watch, check_rows, checked_params, is_due
from mlsys.domain.learners.weighing import combined, counted
from mlsys.domain.scoring.lightgbm import load

OBJECTIVES = {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}
LOSSES = {
    "binary": "log_loss",
    "multiclass": "log_loss",
    "regression": "root_mean_squared_error",
}
WATCHED = {
    "log_loss",
    "roc_auc",
    "average_precision",
    "root_mean_squared_error",
    "mean_squared_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
}
# Bins are built once for all trials, so nothing that shapes them may vary. `feature_pre_filter`
# would drop features by the first trial's min_data_in_leaf.
BINS = {"max_bin": 255, "min_data_in_bin": 3, "feature_pre_filter": False, "verbosity": -1}


@dataclass(frozen=True)
class LightGBMData:
    """Both parts on one set of bins."""

    train: lightgbm.Dataset
    val: lightgbm.Dataset | None
    val_rows: Examples | None
    monotone: tuple[int, ...]


@dataclass(frozen=True)
class LightGBMLearner:
    """LightGBM; categories are split natively, and an unknown one goes the way of the rest."""

    shares_bins: bool = True

    def bin(
        self, train: Examples, val: Examples | None, *, task: Task, threads: int
    ) -> LightGBMData:
        """See base.Learner."""
        del task
        check_rows(train, val)
        train = counted(combined(train))
        categorical = [place for place, codes in enumerate(train.categorical) if codes]
        settings = BINS | {"num_threads": threads}
        binned = lightgbm.Dataset(
            np.ascontiguousarray(train.matrix),
            label=train.target,
            weight=train.weights,
            categorical_feature=categorical,
            params=settings,
        ).construct()
        if val is None:
            return LightGBMData(binned, None, None, train.monotone)
        val = combined(val)
        aligned = binned.create_valid(
            np.ascontiguousarray(val.matrix),
            label=val.target,
            weight=val.weights,
            params=settings,
        ).construct()
        return LightGBMData(binned, aligned, val, train.monotone)

    def fit(
        self,
        binned: LightGBMData,
        *,
        task: Task,
        params: Params,
        rounds: int,
        threads: int,
        seed: int,
        monitor: Monitor | None = None,
    ) -> Fitted:
        """See base.Learner."""
        fixed = {
            **BINS,
            "objective": OBJECTIVES[task.kind],
            "num_class": task.n_classes if task.kind == "multiclass" else 1,
            "metric": "None",
            "num_threads": threads,
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
            "monotone_constraints": list(binned.monotone),
        }
        watch = Watch(monitor, task=task, val=binned.val_rows) if monitor else None
        score = (
            _Score(monitor.metric, task, binned.val_rows) if monitor and binned.val_rows else None
        )
        val_prediction: Floats | None = None
        try:
            booster = lightgbm.Booster(checked_params(params, fixed), binned.train)
            if binned.val is not None and watch is not None:
                booster.add_valid(binned.val, "val")
            for round in range(1, rounds + 1):
                # Where nothing can be split, round 1 still holds a constant, a later one nothing.
                if booster.update() and round > 1:
                    break
                if watch is None or score is None or not is_due(round, last=rounds):
                    continue
                [scored] = booster.eval_valid(score)
                over = watch.ends(round, scored[2], is_metric=score.is_metric)
                if watch.best_round == round:
                    val_prediction = score.prediction.copy()
                if over:
                    break
        except LightGBMError as error:
            raise InvalidInput(f"LightGBM cannot learn this: {error}") from error
        best = watch.best_round if watch else 0

        def keep() -> Booster:
            content = booster.model_to_string(num_iteration=best or None)
            return load(content.encode(), task=task, threads=threads)

        return Fitted(best, keep, lambda: val_prediction)


class _Score:
    """Scores val, and keeps what LightGBM predicted for it, which its own metrics tell nobody."""

    def __init__(self, asked: str, task: Task, val: Examples) -> None:
        self.is_metric = asked in WATCHED
        metric = resolve_metric(asked if self.is_metric else LOSSES[task.kind], task)
        self._value = metric.on(val.target, weights=val.weights)

    def __call__(self, prediction: Floats, _: lightgbm.Dataset) -> tuple[str, float, bool]:
        self.prediction = prediction
        return "score", self._value(prediction), False
