"""CatBoost behind the protocol of base.py."""

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from mlsys.domain.errors import Corrupt, InvalidInput
from mlsys.domain.learners.base import Examples, Floats, Monitor, Params, Task
from mlsys.domain.learners.fitted import Fitted
from mlsys.domain.learners.matrices import as_float32, contributions_shape, predictions_shape
from mlsys.domain.learners.watch import Watch, check_rows, checked_params
from mlsys.domain.learners.weighing import combined, counted

# CatBoost's compiled half imports pandas whether or not it is there, only to tell its frames from
# other tables. We never pass frames and do not install pandas, so two empty classes stand in for
# it while CatBoost is imported.
_STAND_IN = find_spec("pandas") is None
if _STAND_IN:
    sys.modules["pandas"] = ModuleType("pandas")
    for _name in ("DataFrame", "Series"):
        setattr(sys.modules["pandas"], _name, type(_name, (), {}))
try:
    # It ships no types.
    from catboost import (  # type: ignore[import-untyped]
        CatBoost,
        CatBoostError,
        FeaturesData,
        Pool,
    )
finally:
    if _STAND_IN:
        del sys.modules["pandas"]

LOSSES = {"binary": "Logloss", "multiclass": "MultiClass", "regression": "RMSE"}
# CatBoost's names where it means the same; its PRAUC, MAPE and multiclass area do not.
METRICS = {
    "roc_auc": "AUC",
    "root_mean_squared_error": "RMSE",
    "mean_absolute_error": "MAE",
}
BORDER_COUNT = 254
MAGIC = b"CBM1"


@dataclass(frozen=True)
class CatBoostData:
    """Train on its bins, and val, which CatBoost bins by them; `monotone` in CatBoost's order."""

    train: Pool
    val: Pool | None
    val_target: Floats | None
    weighed: bool
    monotone: tuple[int, ...]


@dataclass(frozen=True)
class CatBoostBooster:
    """A CatBoost model as it was read from `content`.

    Its features stand in another order than ours, numbers first; each is named by our place.
    """

    content: bytes
    task: Task
    threads: int
    _model: CatBoost

    @property
    def rounds(self) -> int:
        """How many boosting rounds it holds."""
        return int(self._model.tree_count_)

    def predict(self, matrix: Floats) -> Floats:
        """See base.Booster."""
        if len(matrix) == 0:
            return np.empty(predictions_shape(self.task, matrix))
        kind = "RawFormulaVal" if self.task.kind == "regression" else "Probability"
        told: Floats = self._model.predict(
            self._pool(matrix), prediction_type=kind, thread_count=self.threads
        )
        if self.task.kind == "binary":
            return np.ascontiguousarray(told[:, 1])
        return told

    def contributions(self, matrix: Floats) -> Floats:
        """See base.Booster."""
        if len(matrix) == 0:
            return np.empty(contributions_shape(self.task, matrix))
        shares = self._model.get_feature_importance(
            self._pool(matrix), type="ShapValues", thread_count=self.threads
        )
        ours: Floats = np.empty_like(shares)
        ours[..., [*self._places(), -1]] = shares
        return ours

    def importance(self) -> Floats:
        """See base.Booster: how much the prediction changes with each feature, summing to 100."""
        theirs = self._model.get_feature_importance(type="PredictionValuesChange")
        ours = np.empty(len(theirs))
        ours[self._places()] = theirs
        return ours

    def to_bytes(self) -> bytes:
        """See base.Booster: CatBoost's binary format."""
        return self.content

    def _places(self) -> list[int]:
        return [int(name) for name in self._model.feature_names_]

    def _pool(self, matrix: Floats) -> Pool:
        places, codes = self._places(), len(self._model.get_cat_feature_indices())
        split = len(places) - codes
        return Pool(_features(matrix, places[:split], places[split:]))


@dataclass(frozen=True)
class CatBoostLearner:
    """CatBoost; categories become target statistics, and an unknown one has the prior's."""

    file_name: str = "model.cbm"
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
                _features(train.matrix, numbers, codes),
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
            _features(val.matrix, numbers, codes),
            label=val.target,
            weight=val.weights,
            thread_count=threads,
        )
        return CatBoostData(binned, raw, counted(val).target, weighed, monotone)

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
            "eval_metric": metric,
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
        watch = Watch(monitor, task=task, val_target=binned.val_target) if monitor else None
        callbacks = [_Rounds(watch, metric, is_metric=watched is not None)] if watch else None
        try:
            model = CatBoost(checked_params(params, fixed))
            model.fit(binned.train, eval_set=binned.val if watch else None, callbacks=callbacks)
        except CatBoostError as error:
            raise InvalidInput(f"CatBoost cannot learn this: {error}") from error

        def keep() -> CatBoostBooster:
            if watch:
                model.shrink(watch.best_round)
            return self.load(_content(model), task=task, threads=threads)

        return Fitted(watch.best_round if watch else 0, keep)

    def load(self, content: bytes, *, task: Task, threads: int = 1) -> CatBoostBooster:
        """See base.Learner."""
        if not content.startswith(MAGIC):
            raise Corrupt("this is no model file of CatBoost")
        model = CatBoost()
        try:
            model.load_model(blob=content)
        except CatBoostError as error:
            raise Corrupt(f"CatBoost cannot read the model: {error}") from error
        return CatBoostBooster(content, task, threads, model)


class _Rounds:
    """CatBoost's callback; False ends the fit."""

    def __init__(self, watch: Watch, metric: str, *, is_metric: bool) -> None:
        self._watch = watch
        self._metric = metric
        self._is_metric = is_metric

    def after_iteration(self, info: Any) -> bool:
        value = info.metrics["validation"][self._metric][-1]
        return not self._watch.ends(info.iteration, value, is_metric=self._is_metric)


def _features(matrix: Floats, numbers: list[int], codes: list[int]) -> FeaturesData:
    return FeaturesData(
        num_feature_data=as_float32(matrix[:, numbers]) if numbers else None,
        cat_feature_data=_words(matrix[:, codes]) if codes else None,
        num_feature_names=[str(place) for place in numbers] or None,
        cat_feature_names=[str(place) for place in codes] or None,
    )


def _words(codes: Floats) -> npt.NDArray[np.object_]:
    """Spell codes as CatBoost's categories; missing is a category of its own."""
    missing = np.isnan(codes)
    places = np.where(missing, -1, codes).astype(np.intp)
    spelt = [str(code).encode() for code in range(places.max(initial=0) + 1)]
    return np.array([*spelt, b"missing"], dtype=object)[places]


def _content(model: CatBoost) -> bytes:
    """Write the model without what differs between equal fits, or tells each round's losses."""
    metadata = model.get_metadata()
    for entry, empty in (("train_finish_time", ""), ("model_guid", ""), ("training", "{}")):
        metadata[entry] = empty
    return bytes(model._serialize_model())  # noqa: SLF001 - save_model writes only to a path
