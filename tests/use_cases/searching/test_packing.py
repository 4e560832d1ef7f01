"""How many trials run at once: as asked, else as measured, never more than there are."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

import optuna
import pytest
from optuna.trial import FrozenTrial, create_trial

from mlsys.domain.choices import ModelType
from mlsys.domain.errors import InvalidInput
from mlsys.domain.learners.table import learner
from mlsys.domain.messages import ExperimentRequest
from mlsys.domain.split_records import Split
from mlsys.runtime import Runtime
from mlsys.use_cases.searching import packing
from mlsys.use_cases.searching.packing import Packing, packing_of, prune_one_at_a_time, quickest
from mlsys.use_cases.training.material import Training, prepare
from tests.use_cases.conftest import asked_for
from tests.waiting import wait_for

T = TypeVar("T")
TASKS = Path("/proc/self/task")


def training_of(
    split: Split, runtime: Runtime, *, threads: int = 4, model_type: str = "lightgbm", **config: int
) -> Training:
    experiment = asked_for(split, runtime, model_type=model_type, optuna_config=config)
    request = ExperimentRequest.model_validate(experiment.request)
    return prepare(request, split, objects=runtime.objects, threads=threads)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ((1, 30, 1), Packing(1, 4)),
        ((3, 30, 1), Packing(3, 1)),
        ((4, 30, 1), Packing(4, 1)),
        ((8, 30, 1), Packing(8, 1)),
        ((4, 2, 1), Packing(2, 2)),
        ((4, 7, 3), Packing(3, 1)),
    ],
)
def test_what_is_asked_for_is_not_measured(
    ready_split: Split, runtime: Runtime, *, asked: tuple[int, int, int], found: Packing
) -> None:
    trials_at_once, n_trials, tasks = asked
    training = training_of(ready_split, runtime, n_trials=n_trials, trials_at_once=trials_at_once)

    assert packing_of(training, tasks=tasks) == found


@pytest.mark.parametrize(("threads", "n_trials", "tasks"), [(1, 30, 1), (4, 1, 1), (4, 3, 3)])
def test_where_there_is_nothing_to_choose_nothing_is_measured(
    ready_split: Split, runtime: Runtime, threads: int, n_trials: int, tasks: int
) -> None:
    training = training_of(ready_split, runtime, threads=threads, n_trials=n_trials)

    assert packing_of(training, tasks=tasks) == Packing(1, threads)


@pytest.mark.parametrize("model_type", ["lightgbm", "xgboost", "catboost"])
def test_a_calibration_is_short_and_gives_out_no_more_threads_than_there_are(
    ready_split: Split, runtime: Runtime, model_type: str
) -> None:
    training = training_of(ready_split, runtime, threads=2, model_type=model_type, n_trials=30)
    began = monotonic()

    found = packing_of(training, tasks=1)

    assert found.trials_at_once * found.threads == 2
    assert 0 < found.calibration_seconds <= monotonic() - began
    assert found.calibration_seconds < 10


@pytest.mark.skipif(not TASKS.exists(), reason="only Linux tells the threads of OpenMP")
@pytest.mark.parametrize("model_type", ["lightgbm", "xgboost"])
@pytest.mark.parametrize("at_once", [{}, {"trials_at_once": 2}])
def test_no_threads_of_openmp_stay_behind_beside_the_fits(
    ready_split: Split, runtime: Runtime, model_type: str, at_once: dict[str, int]
) -> None:
    training = training_of(ready_split, runtime, model_type=model_type, n_trials=30, **at_once)
    learner(ModelType(model_type))  # libraries start threads of their own when they are imported

    def pack() -> None:
        before = threads()
        packing_of(training, tasks=1)
        wait_for(lambda: threads() <= before)

    in_a_thread(pack)


@pytest.mark.skipif(not TASKS.exists(), reason="only Linux tells the threads of OpenMP")
def test_threads_of_openmp_that_stay_behind_would_be_noticed(
    ready_split: Split, runtime: Runtime
) -> None:
    training = training_of(ready_split, runtime, n_trials=30)
    learner(ModelType.LIGHTGBM)

    def bin_here() -> int:
        before = threads()
        training.binned.build(ModelType.LIGHTGBM, 0)
        return len(threads() - before)

    assert in_a_thread(bin_here) == training.threads - 1


def in_a_thread(work: Callable[[], T]) -> T:
    """Do it in a thread that has not worked with OpenMP before."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def threads() -> set[str]:
    """Return this process's threads, those of libraries too."""
    return {task.name for task in TASKS.iterdir()}


def test_a_calibration_that_cannot_learn_leaves_the_reason_to_the_first_trial(
    ready_split: Split, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise InvalidInput("LightGBM cannot learn this")

    monkeypatch.setattr(packing, "tried_fold", refuse)

    found = packing_of(training_of(ready_split, runtime, threads=2, n_trials=30), tasks=1)

    assert (found.trials_at_once, found.threads) == (1, 2)


@pytest.mark.parametrize(
    ("paces", "share", "chosen"),
    [
        ([{1: 100, 2: 300}], 30, 2),
        ([{1: 100, 2: 105}], 30, 1),
        ([{1: 100, 2: 90, 4: 200}], 30, 4),
        ([{1: 100, 2: 120}], 1, 1),
        ([{1: 100, 2: 190, 4: 200}], 2, 2),
        ([{1: 100, 2: 190, 4: 200}], 6, 2),
        ([{1: 100, 2: 300}, {1: 10, 2: 9}], 30, 2),
        ([{1: 100, 2: 110}, {1: 10, 2: 5}], 30, 1),
        ([{1: 0.0, 2: 0.0}], 30, 1),
    ],
)
def test_what_ends_first_is_chosen_unless_it_gains_little(
    paces: list[dict[int, float]], share: int, chosen: int
) -> None:
    assert quickest(paces, share) == chosen


def test_a_pruner_is_asked_by_one_thread_at_a_time() -> None:
    inside, most = [], []

    class Slow(optuna.pruners.HyperbandPruner):
        def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
            del study, trial
            inside.append(1)
            most.append(len(inside))
            sleep(0.01)
            inside.pop()
            return True

    pruner = prune_one_at_a_time(Slow())
    study, trial = optuna.create_study(), create_trial(value=1.0)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: pruner.prune(study, trial), range(8)))

    assert (answers, set(most)) == ([True] * 8, {1})
    assert isinstance(pruner, optuna.pruners.HyperbandPruner)
