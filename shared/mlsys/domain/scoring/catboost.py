"""CatBoost's models, scored through the smallest part of its package."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlsys.domain.errors import Corrupt
from mlsys.domain.learners.base import Floats, Task
from mlsys.domain.learners.matrices import (
    as_float32,
    check_length,
    check_width,
    contributions_shape,
    predictions_shape,
)
from mlsys.domain.scoring.catboost_package import CatBoost, CatBoostError, FeaturesData, Pool

MAGIC = b"CBM1"
TREES_AT = 8
"""Where they begin: after the magic, and their length in 4 bytes."""


@dataclass(frozen=True)
class CatBoostBooster:
    """A CatBoost model as it was read from `content`; safe for many threads.

    Its features stand in another order than ours, numbers first; each is named by our place.
    """

    content: bytes
    task: Task
    threads: int
    _numbers: list[int]
    _codes: list[int]
    _model: CatBoost

    @property
    def rounds(self) -> int:
        """How many boosting rounds it holds."""
        return int(self._model.tree_count_)

    def predict(self, matrix: Floats) -> Floats:
        """See base.Booster."""
        check_width(matrix, len(self._numbers) + len(self._codes))
        if len(matrix) == 0:
            return np.empty(predictions_shape(self.task, matrix))
        kind = "RawFormulaVal" if self.task.kind == "regression" else "Probability"
        told: Floats = self._model.predict(
            self._pool(matrix), prediction_type=kind, thread_count=self.threads
        )
        if self.task.kind == "binary":
            return np.ascontiguousarray(told[:, 1])
        return told

    def predict_row(self, row: Sequence[float]) -> list[float]:
        """See base.Booster."""
        check_length(row, len(self._numbers) + len(self._codes))
        scores: list[float] = self.predict(np.array([row])).ravel().tolist()
        return scores

    def contributions(self, matrix: Floats) -> Floats:
        """See base.Booster."""
        check_width(matrix, len(self._numbers) + len(self._codes))
        if len(matrix) == 0:
            return np.empty(contributions_shape(self.task, matrix))
        shares = self._model.get_feature_importance(
            self._pool(matrix), type="ShapValues", thread_count=self.threads
        )
        ours: Floats = np.empty_like(shares)
        ours[..., [*self._numbers, *self._codes, -1]] = shares
        return ours

    def importance(self) -> Floats:
        """See base.Booster: how much the prediction changes with each feature, summing to 100."""
        theirs = self._model.get_feature_importance(type="PredictionValuesChange")
        ours = np.empty(len(theirs))
        ours[[*self._numbers, *self._codes]] = theirs
        return ours

    def to_bytes(self) -> bytes:
        """See base.Booster: CatBoost's binary format."""
        return self.content

    def _pool(self, matrix: Floats) -> Pool:
        data = feature_data(matrix, self._numbers, self._codes)
        return Pool(data, thread_count=self.threads)


def load(content: bytes, *, task: Task, threads: int) -> CatBoostBooster:
    """See table.load_booster."""
    if not content.startswith(MAGIC):
        raise Corrupt("this is no model file of CatBoost")
    least = TREES_AT + int.from_bytes(content[len(MAGIC) : TREES_AT], "little")
    if len(content) < least:  # CatBoost would read on behind the end
        told = f"it has {len(content)} bytes of at least {least}"
        raise Corrupt(f"CatBoost cannot read the model: {told}")
    model = CatBoost()
    try:
        model.load_model(blob=content)
    except CatBoostError as error:
        raise Corrupt(f"CatBoost cannot read the model: {error}") from error
    places = [int(name) for name in model.feature_names_]
    split = len(places) - len(model.get_cat_feature_indices())
    return CatBoostBooster(content, task, threads, places[:split], places[split:], model)


def feature_data(matrix: Floats, numbers: list[int], codes: list[int]) -> FeaturesData:
    """Lay out rows as CatBoost takes them: 32 bits, and words, each named by its place."""
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
