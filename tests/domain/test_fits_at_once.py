"""Fits in several threads: each is what it would have been alone.

They share one binned data set, but for CatBoost: see `shares_bins`.
"""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, NamedTuple

import lightgbm
import pytest

from mlsys.domain.choices import ModelType
from mlsys.domain.learners.base import Examples, Learner, Monitor, Task
from mlsys.domain.learners.lightgbm import BINS
from mlsys.domain.learners.table import learner
from mlsys.domain.spaces.search import SPACES, Params
from tests.domain.learning import BINARY, examples, loss_of

SLOTS = 3
FITS = 9
ROUNDS = 15


class Fitted(NamedTuple):
    """What a fit comes to."""

    model: bytes
    losses: list[float]
    predicted: bytes


@pytest.mark.parametrize("threads", [1, 2])
def test_models_fitted_at_once_are_to_the_bit_what_they_are_alone(
    model_type: ModelType, task: Task, threads: int
) -> None:
    train, val = parts(task)
    library = learner(model_type)
    copies = 1 if library.shares_bins else SLOTS
    idle = [library.bin(train, val, task=task, threads=2) for _ in range(copies)]
    together = Barrier(SLOTS)

    def fitted(place: int) -> Fitted:
        binned = idle[0] if library.shares_bins else idle.pop()
        outcome = fit(model_type, task, binned, val, place=place, threads=threads)
        idle.append(binned)
        return outcome

    def fitted_with_others(place: int) -> Fitted:
        together.wait()
        return fitted(place)

    alone = [fitted(place) for place in range(FITS)]
    with ThreadPoolExecutor(SLOTS) as pool:
        at_once = list(pool.map(fitted_with_others, range(FITS)))

    assert at_once == alone


def test_lightgbms_own_metric_shows_on_how_many_threads_it_fits_and_ours_does_not() -> None:
    """It knows one number of threads for the whole process: whoever works beside may change it."""
    train, val = parts(BINARY)
    binned = learner(ModelType.LIGHTGBM).bin(train, val, task=BINARY, threads=1)

    def ours(threads: int) -> list[tuple[list[float], bytes]]:
        fits = [
            fit(ModelType.LIGHTGBM, BINARY, binned, val, place=place, threads=threads)
            for place in range(FITS)
        ]
        return [(one.losses, one.predicted) for one in fits]

    told_on_one, told_on_four = (told_by_lightgbm(binned, threads=threads) for threads in (1, 4))

    assert ours(1) == ours(4)
    assert told_on_one != told_on_four
    assert told_on_one == pytest.approx(told_on_four, abs=1e-12)


def parts(task: Task) -> tuple[Examples, Examples]:
    """Make train and val."""
    return examples(task, rows=1200), examples(task, rows=1200, seed=1)


def fit(
    model_type: ModelType, task: Task, binned: Any, val: Examples, *, place: int, threads: int
) -> Fitted:
    """Return its file, its loss after each round, what it predicts for val."""
    losses: list[float] = []

    def on_round(_: int, loss: float) -> bool:
        losses.append(loss)
        return False

    library: Learner = learner(model_type)
    metric = loss_of(task)
    fitted = library.fit(
        binned,
        task=task,
        params=params_of(model_type, place),
        rounds=ROUNDS,
        threads=threads,
        seed=place,
        monitor=Monitor(metric.name, metric.maximize, on_round=on_round),
    )
    return Fitted(fitted.to_bytes(), losses, fitted.predict(val.matrix).tobytes())


def told_by_lightgbm(binned: Any, *, threads: int) -> list[float]:
    """Return its own log loss after each of some rounds."""
    told = {"objective": "binary", "metric": "binary_logloss", "num_threads": threads}
    booster = lightgbm.Booster(told | BINS, binned.train)
    booster.add_valid(binned.val, "val")
    losses = []
    for _ in range(FITS * ROUNDS):
        booster.update()
        [evaluated] = booster.eval_valid()
        losses.append(evaluated[2])
    return losses


def params_of(model_type: ModelType, place: int) -> Params:
    """Go through each range in steps of its own, so that hardly two fits take the same time."""
    return {
        name: side.at((place * step * 0.37) % 1)
        for step, (name, side) in enumerate(SPACES[model_type].items(), start=1)
    }
