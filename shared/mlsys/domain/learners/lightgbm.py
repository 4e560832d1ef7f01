"""LightGBM behind the protocol of base.py."""

from dataclasses import dataclass

import lightgbm
import numpy as np
from lightgbm.basic import LightGBMError

from mlsys.domain.errors import InvalidInput
from mlsys.domain.learners.base import Booster, Examples, Floats, Monitor, Params, Task
from mlsys.domain.learners.fitted import Fitted
from mlsys.domain.learners.watch import Watch, check_rows, checked_params
from mlsys.domain.learners.weighing import combined, counted
from mlsys.domain.scoring.lightgbm import load

OBJECTIVES = {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}
LOSSES = {"binary": "binary_logloss", "multiclass": "multi_logloss", "regression": "rmse"}
# LightGBM's names where it means the same; its mape and multiclass areas do not.
METRICS = {
    "roc_auc": "auc",
    "average_precision": "average_precision",
    "root_mean_squared_error": "rmse",
    "mean_squared_error": "l2",
    "mean_absolute_error": "l1",
}
# Bins are built once for all trials, so nothing that shapes them may vary. `feature_pre_filter`
# would drop features by the first trial's min_data_in_leaf.
BINS = {"max_bin": 255, "min_data_in_bin": 3, "feature_pre_filter": False, "verbosity": -1}


@dataclass(frozen=True)
class LightGBMData:
    """Both parts on one set of bins."""

    train: lightgbm.Dataset
    val: lightgbm.Dataset | None
    val_target: Floats | None
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
        return LightGBMData(binned, aligned, counted(val).target, train.monotone)

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
        watched = METRICS.get(monitor.metric) if monitor and task.kind != "multiclass" else None
        fixed = {
            **BINS,
            "objective": OBJECTIVES[task.kind],
            "num_class": task.n_classes if task.kind == "multiclass" else 1,
            "metric": watched or LOSSES[task.kind],
            "num_threads": threads,
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
            "monotone_constraints": list(binned.monotone),
        }
        watch = Watch(monitor, task=task, val_target=binned.val_target) if monitor else None
        val_prediction: Floats | None = None
        try:
            booster = lightgbm.Booster(checked_params(params, fixed), binned.train)
            if binned.val is not None and watch is not None:
                booster.add_valid(binned.val, "val")
            for round in range(1, rounds + 1):
                # Where nothing can be split, round 1 still holds a constant, a later one nothing.
                if booster.update() and round > 1:
                    break
                if watch is None:
                    continue
                after_round = _Look()
                [evaluated, _] = booster.eval_valid(after_round)
                over = watch.ends(round, evaluated[2], is_metric=watched is not None)
                if watch.best_round == round:
                    val_prediction = np.array(after_round.prediction)
                if over:
                    break
        except LightGBMError as error:
            raise InvalidInput(f"LightGBM cannot learn this: {error}") from error
        best = watch.best_round if watch else 0

        def keep() -> Booster:
            content = booster.model_to_string(num_iteration=best or None)
            return load(content.encode(), task=task, threads=threads)

        return Fitted(best, keep, lambda: val_prediction)


class _Look:
    """A metric that only looks: predicting val anew after the fit costs a tenth of it."""

    def __call__(self, prediction: Floats, _: lightgbm.Dataset) -> tuple[str, float, bool]:
        self.prediction = prediction
        return "look", 0.0, False
