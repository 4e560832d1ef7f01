"""Fits in several threads: each is what it would have been alone.

They share one binned data set, but for CatBoost: see `shares_bins`.
"""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any, NamedTuple

import lightgbm
import pytest

from mlsys.domain.choices import ModelType
from mlsys.domain.learners.base import Examples, Learner, Monitor, Task
from mlsys.domain.learners.lightgbm import BINS
from mlsys.domain.learners.table import learner
from mlsys.domain.spaces.search import SPACES, Params
from tests.domain.learning import BINARY, examples, loss_of
from tests.waiting import wait_for

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


def test_lightgbm_may_bin_on_more_threads_meanwhile_which_its_own_metric_would_show() -> None:
    """It knows one number of threads for the whole process."""
    library = learner(ModelType.LIGHTGBM)
    train, val = parts(BINARY)
    binned = library.bin(train, val, task=BINARY, threads=1)
    done = Event()

    def bin_on_more_threads() -> None:
        while not done.is_set():
            library.bin(train, val, task=BINARY, threads=4)

    def fits() -> list[Fitted]:
        return [
            fit(ModelType.LIGHTGBM, BINARY, binned, val, place=place, threads=1)
            for place in range(FITS)
        ]

    def tells_another() -> bool:
        told_disturbed[:] = told_by_lightgbm(binned)
        return told_disturbed != told_alone

    alone, told_alone = fits(), told_by_lightgbm(binned)
    told_disturbed: list[float] = []
    with ThreadPoolExecutor(1) as pool:
        binning = pool.submit(bin_on_more_threads)
        try:
            disturbed = fits()
            wait_for(tells_another)
        finally:
            done.set()
        binning.result()

    assert disturbed == alone
    assert told_disturbed == pytest.approx(told_alone, abs=1e-12)


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


def told_by_lightgbm(binned: Any) -> list[float]:
    """Return its own log loss after each of some rounds, on one thread."""
    booster = lightgbm.Booster(
        {"objective": "binary", "metric": "binary_logloss", "num_threads": 1, **BINS}, binned.train
    )
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
