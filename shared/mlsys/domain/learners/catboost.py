"""CatBoost behind the protocol of base.py."""

from dataclasses import dataclass
from typing import Any

from mlsys.domain.errors import InvalidInput
from mlsys.domain.learners.base import Booster, Examples, Monitor, Params, Task
from mlsys.domain.learners.fitted import Fitted
from mlsys.domain.learners.watch import Watch, check_rows, checked_params
from mlsys.domain.learners.weighing import combined, counted
from mlsys.domain.scoring.catboost import feature_data, load
from mlsys.domain.scoring.catboost_package import CatBoost, CatBoostError, Pool

LOSSES = {"binary": "Logloss", "multiclass": "MultiClass", "regression": "RMSE"}
# CatBoost's names where it means the same; its PRAUC, MAPE and multiclass area do not.
METRICS = {
    "roc_auc": "AUC",
    "root_mean_squared_error": "RMSE",
    "mean_absolute_error": "MAE",
}
OF_VAL_ONLY = ":hints=skip_train~true"
BORDER_COUNT = 254


@dataclass(frozen=True)
class CatBoostData:
    """Train on its bins, and val, which CatBoost bins by them; `monotone` in CatBoost's order."""

    train: Pool
    val: Pool | None
    val_rows: Examples | None
    weighed: bool
    monotone: tuple[int, ...]


@dataclass(frozen=True)
class CatBoostLearner:
    """CatBoost; categories become target statistics, and an unknown one has the prior's."""

    # Of some thousand fits at once on one pool a few came out different, and one crashed.
    shares_bins: bool = False

    def bin(
        self, train: Examples, val: Examples | None, *, task: Task, threads: int
    ) -> CatBoostData:
        """See base.Learner."""
        del task
        check_rows(train, val)
        train = counted(combined(train))
        numbers = [place for place, codes in enumerate(train.categorical) if not codes]
        codes = [place for place, codes in enumerate(train.categorical) if codes]
        try:
            binned = Pool(
                feature_data(train.matrix, numbers, codes),
                label=train.target,
                weight=train.weights,
                thread_count=threads,
            )
            binned.quantize(border_count=BORDER_COUNT)
        except CatBoostError as error:
            raise InvalidInput(f"CatBoost cannot learn this: {error}") from error
        monotone = tuple(train.monotone[place] for place in (*numbers, *codes) if train.monotone)
        weighed = train.weights is not None
        if val is None:
            return CatBoostData(binned, None, None, weighed, monotone)
        val = combined(val)
        raw = Pool(
            feature_data(val.matrix, numbers, codes),
            label=val.target,
            weight=val.weights,
            thread_count=threads,
        )
        return CatBoostData(binned, raw, val, weighed, monotone)

    def fit(
        self,
        binned: CatBoostData,
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
        metric = watched or LOSSES[task.kind]
        if metric == "AUC" and binned.weighed:
            # All its other metrics heed the weights unasked; asked without weights, it refuses.
            metric = "AUC:use_weights=true"
        fixed = {
            "loss_function": LOSSES[task.kind],
            "eval_metric": metric + OF_VAL_ONLY if metric == LOSSES[task.kind] else metric,
            "iterations": rounds,
            "border_count": BORDER_COUNT,
            "use_best_model": False,
            "random_seed": seed,
            "thread_count": threads,
            "logging_level": "Silent",
            "allow_writing_files": False,
        }
        if binned.monotone:
            fixed["monotone_constraints"] = list(binned.monotone)
        if task.kind == "multiclass":
            fixed["classes_count"] = task.n_classes
        watch = Watch(monitor, task=task, val=binned.val_rows) if monitor else None
        callbacks = [_Rounds(watch, metric, is_metric=watched is not None)] if watch else None
        try:
            model = CatBoost(checked_params(params, fixed))
            model.fit(binned.train, eval_set=binned.val if watch else None, callbacks=callbacks)
        except CatBoostError as error:
            raise InvalidInput(f"CatBoost cannot learn this: {error}") from error

        def keep() -> Booster:
            if watch:
                model.shrink(watch.best_round)
            return load(_content(model), task=task, threads=threads)

        return Fitted(watch.best_round if watch else 0, keep)


class _Rounds:
    """CatBoost's callback; False ends the fit."""

    def __init__(self, watch: Watch, metric: str, *, is_metric: bool) -> None:
        self._watch = watch
        self._metric = metric
        self._is_metric = is_metric

    def after_iteration(self, info: Any) -> bool:
        value = info.metrics["validation"][self._metric][-1]
        return not self._watch.ends(info.iteration, value, is_metric=self._is_metric)


def _content(model: CatBoost) -> bytes:
    """Write the model without what differs between equal fits, or tells each round's losses."""
    metadata = model.get_metadata()
    for entry, empty in (("train_finish_time", ""), ("model_guid", ""), ("training", "{}")):
        metadata[entry] = empty
    return bytes(model._serialize_model())  # noqa: SLF001 - save_model writes only to a path
