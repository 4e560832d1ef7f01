"""XGBoost behind the protocol of base.py."""

from dataclasses import dataclass

import numpy as np
import xgboost
from xgboost.core import XGBoostError

from mlsys.domain.errors import InvalidInput
from mlsys.domain.learners.base import Booster, Examples, Floats, Monitor, Params, Task
from mlsys.domain.learners.fitted import Fitted
from mlsys.domain.learners.matrices import as_float32
from mlsys.domain.learners.watch import Watch, check_rows, checked_params, is_due
from mlsys.domain.learners.weighing import combined, counted
from mlsys.domain.scoring.xgboost import load

OBJECTIVES = {
    "binary": "binary:logistic",
    "multiclass": "multi:softprob",
    "regression": "reg:squarederror",
}
LOSSES = {"binary": "logloss", "multiclass": "mlogloss", "regression": "rmse"}
# XGBoost's names where it means the same; its aucpr interpolates, its multiclass area weighs.
METRICS = {
    "roc_auc": "auc",
    "root_mean_squared_error": "rmse",
    "mean_absolute_error": "mae",
    "mean_absolute_percentage_error": "mape",
}
MAX_BIN = 256


@dataclass(frozen=True)
class XGBoostData:
    """Train on its bins, and val."""

    train: xgboost.QuantileDMatrix
    val: xgboost.DMatrix | None
    val_rows: Examples | None
    monotone: tuple[int, ...]


@dataclass(frozen=True)
class XGBoostLearner:
    """XGBoost; categories are split natively, and an unknown one goes the way of the rest."""

    shares_bins: bool = True

    def bin(
        self, train: Examples, val: Examples | None, *, task: Task, threads: int
    ) -> XGBoostData:
        """See base.Learner."""
        del task
        check_rows(train, val)
        train = counted(combined(train))
        types = ["c" if codes else "q" for codes in train.categorical]
        binned = xgboost.QuantileDMatrix(
            as_float32(train.matrix),
            label=train.target,
            weight=train.weights,
            feature_types=types,
            enable_categorical=True,
            max_bin=MAX_BIN,
            nthread=threads,
        )
        if val is None:
            return XGBoostData(binned, None, None, train.monotone)
        # Not on bins: they would take an unknown category for the last known one.
        val = combined(val)
        raw = _matrix(val.matrix, types, threads=threads)
        raw.set_info(label=val.target, weight=val.weights)
        return XGBoostData(binned, raw, val, train.monotone)

    def fit(
        self,
        binned: XGBoostData,
        *,
        task: Task,
        params: Params,
        rounds: int,
        threads: int,
        seed: int,
        monitor: Monitor | None = None,
    ) -> Fitted:
        """See base.Learner."""
        watched = METRICS.get(monitor.metric) if monitor else None
        fixed = {
            "objective": OBJECTIVES[task.kind],
            "eval_metric": watched or LOSSES[task.kind],
            "tree_method": "hist",
            "max_bin": MAX_BIN,
            "nthread": threads,
            "seed": seed,
            "verbosity": 0,
            "monotone_constraints": binned.monotone,
        }
        if task.kind == "multiclass":
            fixed["num_class"] = task.n_classes
        watch = Watch(monitor, task=task, val=binned.val_rows) if monitor else None
        try:
            cache = [binned.train] if binned.val is None else [binned.train, binned.val]
            booster = xgboost.Booster(checked_params(params, fixed), cache)
            for round in range(1, rounds + 1):
                booster.update(binned.train, iteration=round - 1)
                if binned.val is None or watch is None or not is_due(round, last=rounds):
                    continue
                _, _, value = booster.eval_set([(binned.val, "val")]).rpartition(":")
                if watch.ends(round, float(value), is_metric=watched is not None):
                    break
        except (XGBoostError, ValueError) as error:
            raise InvalidInput(f"XGBoost cannot learn this: {error}") from error
        best_round = watch.best_round if watch else 0

        def keep() -> Booster:
            best = booster[:best_round] if watch else booster
            return load(bytes(best.save_raw("ubj")), task=task, threads=threads)

        def told_val() -> Floats | None:
            if binned.val is None:
                return None
            told: Floats = booster.predict(binned.val, iteration_range=(0, best_round))
            return told.astype(np.float64)

        return Fitted(best_round, keep, told_val)


def _matrix(matrix: Floats, types: list[str], *, threads: int) -> xgboost.DMatrix:
    return xgboost.DMatrix(
        as_float32(matrix), feature_types=types, enable_categorical=True, nthread=threads
    )
