"""LightGBM's models, scored through its C API."""

from array import array
from collections.abc import Sequence
from ctypes import PyDLL, byref, c_char_p, c_double, c_int, c_int32, c_int64, c_void_p
from dataclasses import dataclass
from functools import partial
from weakref import finalize

import numpy as np

from mlsys.domain.errors import Corrupt, InvalidInput
from mlsys.domain.learners.base import Floats, Task
from mlsys.domain.learners.matrices import (
    check_length,
    check_width,
    contributions_shape,
    predictions_shape,
)
from mlsys.domain.scoring.library import address, open_library, threads_here

MAGIC = b"tree\n"
SCORE, SHARES = 0, 3  # C_API_PREDICT_NORMAL and _CONTRIB
FLOAT64, ROW_MAJOR, GAIN = 1, 1, 1
FIRST, ALL = 0, -1
FUNCTIONS = {
    "LGBM_BoosterLoadModelFromString": (c_char_p, c_void_p, c_void_p),
    "LGBM_BoosterGetNumFeature": (c_void_p, c_void_p),
    "LGBM_BoosterFeatureImportance": (c_void_p, c_int, c_int, c_void_p),
    "LGBM_BoosterFree": (c_void_p,),
    "LGBM_BoosterPredictForMat": (
        *(c_void_p, c_void_p, c_int, c_int32, c_int32, c_int, c_int, c_int, c_int),
        *(c_char_p, c_void_p, c_void_p),
    ),
    "LGBM_BoosterPredictForMatSingleRowFastInit": (
        *(c_void_p, c_int, c_int, c_int, c_int, c_int32, c_char_p, c_void_p),
    ),
    "LGBM_FastConfigFree": (c_void_p,),
}
ONE_ROW = "LGBM_BoosterPredictForMatSingleRowFast"
ONE_ROW_TYPES = {ONE_ROW: (c_void_p, c_void_p, c_void_p, c_void_p)}
OPEN = partial(open_library, "lightgbm", "lib_lightgbm", last_error="LGBM_GetLastError")
LIBRARY, HOLDING = OPEN(FUNCTIONS | ONE_ROW_TYPES), OPEN(ONE_ROW_TYPES, kind=PyDLL)
"""Calls of the second keep the interpreter."""


@dataclass(frozen=True)
class LightGBMBooster:
    """A LightGBM model as it was read from `content`; safe for many threads.

    The handles for one row each hold a lock of LightGBM's. Scoring one keeps the interpreter, so
    nobody waits for that lock; handing the interpreter over costs more than the score.
    Contributions let others run, and are computed one row at a time: over many, LightGBM works
    out the depth of each tree anew, in place, which two threads must not do at once.
    """

    content: bytes
    task: Task
    threads: int
    rounds: int
    _features: int
    _booster: c_void_p
    _one_score: c_void_p
    _one_shares: c_void_p

    def predict(self, matrix: Floats) -> Floats:
        """See base.Booster."""
        check_width(matrix, self._features)
        shape = predictions_shape(self.task, matrix)
        if len(matrix) == 1:
            return np.array(self.predict_row(matrix[0].tolist())).reshape(shape)
        rows = np.ascontiguousarray(matrix, dtype=np.float64)
        scores = np.empty(shape)
        if len(rows) > 1:
            LIBRARY.LGBM_BoosterPredictForMat(
                *(self._booster, address(rows), FLOAT64, *rows.shape, ROW_MAJOR),
                *(SCORE, FIRST, ALL, _settings(self.threads), byref(c_int64()), address(scores)),
            )
        return scores

    def predict_row(self, row: Sequence[float]) -> list[float]:
        """See base.Booster."""
        check_length(row, self._features)
        scores = (c_double * self.task.n_scores)()
        HOLDING.LGBM_BoosterPredictForMatSingleRowFast(
            self._one_score, array("d", row).tobytes(), byref(c_int64()), scores
        )
        return scores[:]

    def contributions(self, matrix: Floats) -> Floats:
        """See base.Booster; one thread, however many there are."""
        check_width(matrix, self._features)
        rows = np.ascontiguousarray(matrix, dtype=np.float64)
        shares = np.empty(contributions_shape(self.task, rows))
        for place in range(len(rows)):
            LIBRARY.LGBM_BoosterPredictForMatSingleRowFast(
                *(self._one_shares, address(rows) + place * rows.strides[0]),
                *(byref(c_int64()), address(shares) + place * shares.strides[0]),
            )
        return shares

    def importance(self) -> Floats:
        """See base.Booster: the total gain of each feature's splits."""
        gains = np.empty(self._features)
        LIBRARY.LGBM_BoosterFeatureImportance(self._booster, ALL, GAIN, address(gains))
        return np.nan_to_num(gains)

    def to_bytes(self) -> bytes:
        """See base.Booster: LightGBM's text format."""
        return self.content


def load(content: bytes, *, task: Task, threads: int) -> LightGBMBooster:
    """See table.load_booster."""
    if not content.startswith(MAGIC):
        raise Corrupt("this is no model file of LightGBM")
    booster, rounds, features = c_void_p(), c_int(), c_int()
    with threads_here(LIBRARY, threads):
        try:
            LIBRARY.LGBM_BoosterLoadModelFromString(content, byref(rounds), byref(booster))
        except InvalidInput as error:
            raise Corrupt(f"LightGBM cannot read the model: {error}") from error
        LIBRARY.LGBM_BoosterGetNumFeature(booster, byref(features))
        one_score = _one_row(booster, SCORE, features.value)
        one_shares = _one_row(booster, SHARES, features.value)
    loaded = LightGBMBooster(
        *(content, task, threads, rounds.value, features.value, booster, one_score, one_shares)
    )
    # At the end of the process there is nothing to give back.
    finalize(loaded, _free, booster, one_score, one_shares).atexit = False
    return loaded


def _one_row(booster: c_void_p, kind: int, features: int) -> c_void_p:
    prepared = c_void_p()
    LIBRARY.LGBM_BoosterPredictForMatSingleRowFastInit(
        *(booster, kind, FIRST, ALL, FLOAT64, features, _settings(1), byref(prepared))
    )
    return prepared


def _settings(threads: int) -> bytes:
    return b"num_threads=%d verbosity=-1" % threads


def _free(booster: c_void_p, *prepared: c_void_p) -> None:
    for one in prepared:
        LIBRARY.LGBM_FastConfigFree(one)
    LIBRARY.LGBM_BoosterFree(booster)
