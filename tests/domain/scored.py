"""Targets with predictions and weights, as Hypothesis draws them for the metrics."""

from typing import NamedTuple

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlsys.domain.learners.base import Floats

TIED = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5 + 1e-12, 0.9, 1.0])
WEIGHTS = st.sampled_from([0.1, 1 / 3, 0.5, 1.0, 2.0, 2.7, 3.25])
EXACT = st.sampled_from([0.5, 1.0, 3.25])
"""Weights whose sums are exact, in whichever order they are added."""
SIZES = st.integers(2, 25)


class Scored(NamedTuple):
    """Rows of (n,) targets, (n,) or (n, 3) predictions and (n,) weights."""

    target: Floats
    prediction: Floats
    weights: Floats


@st.composite
def binary_rows(draw: st.DrawFn, weights: st.SearchStrategy[float] = WEIGHTS) -> Scored:
    size = draw(SIZES)
    target = draw(arrays(float, size, elements=st.sampled_from([0.0, 1.0])))
    assume(0 < target.sum() < size)
    score = draw(arrays(float, size, elements=TIED))
    return Scored(target, score, draw(arrays(float, size, elements=weights)))


@st.composite
def multiclass_rows(draw: st.DrawFn) -> Scored:
    size = draw(SIZES) + 1
    target = draw(arrays(float, size, elements=st.sampled_from([0.0, 1.0, 2.0])))
    assume(len(np.unique(target)) == 3)
    raw = draw(arrays(float, (size, 3), elements=st.sampled_from([0.5, 1.0, 2.0])))
    return Scored(target, raw / raw.sum(axis=1, keepdims=True), _weights(draw, size))


@st.composite
def regression_rows(draw: st.DrawFn) -> Scored:
    size = draw(SIZES)
    low = draw(st.sampled_from([-100, 0, 1]))
    values = st.floats(low, 100).map(lambda value: round(value, 3))
    target = draw(arrays(float, size, elements=values))
    assume(np.ptp(target) > 0)
    return Scored(target, draw(arrays(float, size, elements=values)), _weights(draw, size))


def _weights(draw: st.DrawFn, size: int) -> Floats:
    return draw(arrays(float, size, elements=WEIGHTS))
