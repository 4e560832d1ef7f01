"""XGBoost's models, scored through its C API."""

from collections.abc import Sequence
from ctypes import (
    POINTER,
    Array,
    PyDLL,
    addressof,
    byref,
    c_char_p,
    c_float,
    c_int,
    c_uint64,
    c_void_p,
    string_at,
)
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any
from weakref import finalize

import numpy as np

from mlsys.domain.errors import Corrupt, InvalidInput
from mlsys.domain.learners.base import Floats, Task
from mlsys.domain.learners.matrices import (
    LARGEST,
    Narrow,
    as_float32,
    check_length,
    check_width,
    contributions_shape,
    predictions_shape,
)
from mlsys.domain.scoring.library import address, open_library, threads_here

MAGIC = b"{"
TABLE = b'{"data":[%d,true],"shape":[%d,%d],"typestr":"<f4","version":3}'
ASKED = (
    b'{"type":%d,"training":false,"iteration_begin":0,"iteration_end":0,"missing":NaN,'
    b'"strict_shape":true,"cache_id":0}'
)
SCORES, RAW_SCORES, SHARES = ASKED % 0, ASKED % 1, ASKED % 2
GAINS = b'{"importance_type":"total_gain","feature_map":""}'
TYPES = b"feature_type"
FUNCTIONS = {
    "XGBoosterCreate": (c_void_p, c_uint64, c_void_p),
    "XGBoosterSetParam": (c_void_p, c_char_p, c_char_p),
    "XGBoosterLoadModelFromBuffer": (c_void_p, c_char_p, c_uint64),
    "XGBoosterFree": (c_void_p,),
    "XGBoosterBoostedRounds": (c_void_p, c_void_p),
    "XGBoosterGetStrFeatureInfo": (c_void_p, c_char_p, c_void_p, c_void_p),
    "XGBoosterFeatureScore": (c_void_p, c_char_p, *[c_void_p] * 5),
    "XGBoosterPredictFromDMatrix": (c_void_p, c_void_p, c_char_p, *[c_void_p] * 3),
    "XGDMatrixCreateFromDense": (c_char_p, c_char_p, c_void_p),
    "XGDMatrixSetStrFeatureInfo": (c_void_p, c_char_p, c_void_p, c_uint64),
    "XGDMatrixFree": (c_void_p,),
    "XGProxyDMatrixCreate": (c_void_p,),
}
ROWS = {"XGBoosterPredictFromDense": (c_void_p, c_char_p, c_char_p, *[c_void_p] * 4)}
OPEN = partial(open_library, "xgboost", "libxgboost", last_error="XGBGetLastError")
LIBRARY, HOLDING = OPEN(FUNCTIONS | ROWS), OPEN(ROWS, kind=PyDLL)
"""Calls of the second keep the interpreter."""
COUNT, COUNTS, FLOATS, WORDS = c_uint64, POINTER(c_uint64), POINTER(c_float), POINTER(c_char_p)


@dataclass(frozen=True)
class XGBoostBooster:
    """An XGBoost model as it was read from `content`; safe for many threads.

    XGBoost keeps what it answered per thread, until that thread asks again. Without a matrix to
    hang the rows on, it makes one for each call, and with it reads how many cores there are from
    five files. The one for single rows is shared, which is safe while the interpreter is held.
    """

    content: bytes
    task: Task
    threads: int
    _types: Array[c_char_p]
    _booster: c_void_p
    _one_row: c_void_p

    @property
    def rounds(self) -> int:
        """How many boosting rounds it holds."""
        rounds = c_int()
        LIBRARY.XGBoosterBoostedRounds(self._booster, byref(rounds))
        return rounds.value

    def predict(self, matrix: Floats) -> Floats:
        """See base.Booster."""
        check_width(matrix, len(self._types))
        shape = predictions_shape(self.task, matrix)
        if len(matrix) == 0:
            return np.empty(shape)
        if len(matrix) == 1:
            return np.array(self.predict_row(matrix[0].tolist())).reshape(shape)
        rows = as_float32(matrix)
        sizes, depth, scores = COUNTS(), COUNT(), FLOATS()
        LIBRARY.XGBoosterPredictFromDense(
            *(self._booster, _table(rows), SCORES, None),
            *(byref(sizes), byref(depth), byref(scores)),
        )
        return _copied(scores, shape)

    def predict_row(self, row: Sequence[float]) -> list[float]:
        """See base.Booster."""
        check_length(row, len(self._types))
        cells = (c_float * len(row))(*(max(min(cell, LARGEST), -LARGEST) for cell in row))
        sizes, depth, scores = COUNTS(), COUNT(), FLOATS()
        HOLDING.XGBoosterPredictFromDense(
            *(self._booster, TABLE % (addressof(cells), 1, len(row)), SCORES, self._one_row),
            *(byref(sizes), byref(depth), byref(scores)),
        )
        return scores[: self.task.n_scores]

    def contributions(self, matrix: Floats) -> Floats:
        """See base.Booster.

        XGBoost adds up in 32 bits, here in another order than there, so that they miss its score
        by about a millionth of it; what is missed is shared out by their size.
        """
        check_width(matrix, len(self._types))
        shape = contributions_shape(self.task, matrix)
        if len(matrix) == 0:
            return np.empty(shape)
        rows = as_float32(matrix)
        data, sizes, depth, shares = c_void_p(), COUNTS(), COUNT(), FLOATS()
        how = b'{"missing":NaN,"nthread":%d}' % self.threads
        LIBRARY.XGDMatrixCreateFromDense(_table(rows), how, byref(data))
        try:
            LIBRARY.XGDMatrixSetStrFeatureInfo(data, TYPES, self._types, len(self._types))
            LIBRARY.XGBoosterPredictFromDMatrix(
                *(self._booster, data, SHARES, byref(sizes), byref(depth), byref(shares))
            )
            told = _copied(shares, shape)
            LIBRARY.XGBoosterPredictFromDMatrix(
                *(self._booster, data, RAW_SCORES, byref(sizes), byref(depth), byref(shares))
            )
            return _adding_up(told, _copied(shares, shape[:-1]))
        finally:
            LIBRARY.XGDMatrixFree(data)

    def importance(self) -> Floats:
        """See base.Booster: the total gain of each feature's splits."""
        count, depth, names, sizes, gains = COUNT(), COUNT(), WORDS(), COUNTS(), FLOATS()
        LIBRARY.XGBoosterFeatureScore(
            *(self._booster, GAINS, byref(count), byref(names)),
            *(byref(depth), byref(sizes), byref(gains)),
        )
        known = dict(zip(names[: count.value], gains[: count.value], strict=True))
        return np.array([known.get(b"f%d" % place, 0.0) for place in range(len(self._types))])

    def to_bytes(self) -> bytes:
        """See base.Booster: universal binary JSON."""
        return self.content


def load(content: bytes, *, task: Task, threads: int) -> XGBoostBooster:
    """See table.load_booster."""
    if not content.startswith(MAGIC):
        raise Corrupt("this is no model file of XGBoost")
    booster, one_row = c_void_p(), c_void_p()
    with threads_here(LIBRARY, threads):
        LIBRARY.XGBoosterCreate(None, 0, byref(booster))
        for name, value in ((b"nthread", b"%d" % threads), (b"verbosity", b"0")):
            LIBRARY.XGBoosterSetParam(booster, name, value)
        try:
            LIBRARY.XGBoosterLoadModelFromBuffer(booster, content, len(content))
        except InvalidInput as error:
            LIBRARY.XGBoosterFree(booster)
            raise Corrupt(f"XGBoost cannot read the model: {error}") from error
        LIBRARY.XGProxyDMatrixCreate(byref(one_row))
    loaded = XGBoostBooster(content, task, threads, _types(booster), booster, one_row)
    # At the end of the process there is nothing to give back.
    finalize(loaded, _free, booster, one_row).atexit = False
    return loaded


def _types(booster: c_void_p) -> Array[c_char_p]:
    """Copy whether each feature is a number, `q`, or a category, `c`."""
    count, types = COUNT(), WORDS()
    LIBRARY.XGBoosterGetStrFeatureInfo(booster, TYPES, byref(count), byref(types))
    return (c_char_p * count.value)(*types[: count.value])


def _table(rows: Narrow) -> bytes:
    return TABLE % (address(rows), *rows.shape)


def _copied(numbers: Any, shape: tuple[int, ...]) -> Floats:
    narrow = np.frombuffer(string_at(numbers, 4 * prod(shape)), dtype=np.float32)
    return narrow.reshape(shape).astype(np.float64)


def _adding_up(shares: Floats, scores: Floats) -> Floats:
    """Share out what rows miss among the features; the base value stays that of all rows."""
    sizes = np.abs(shares[..., :-1])
    whole = sizes.sum(axis=-1, keepdims=True)
    missed = (scores - shares.sum(axis=-1))[..., None]
    shares[..., :-1] += missed * np.divide(sizes, whole, where=whole > 0, out=sizes)
    return shares


def _free(booster: c_void_p, one_row: c_void_p) -> None:
    LIBRARY.XGDMatrixFree(one_row)
    LIBRARY.XGBoosterFree(booster)
