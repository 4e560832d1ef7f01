"""What a distant database costs a study of many workers: part of `make bench-study`.

Each call to Firestore takes 20 ms longer, a trial sleeps 0.3 s. Workers are threads with a storage
each, as the tasks of a job have. Beside it stands the ideal: nothing but the sleep.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from threading import Event
from uuid import uuid4

import optuna

from mlsys.ports import Records
from mlsys.use_cases.trials.storage import TrialStorage
from mlsys.use_cases.trials.work import work
from tests.benchmarks.backends import far

CALL_SECONDS = 0.02
TRIAL_SECONDS = 0.3
WORKERS = (4, 8)


def print_latency(records: Records, *, name: str, trials: int, at_once: int = 1) -> None:
    """Time studies of so many trials by several numbers of workers."""
    print(
        f"\n{name} with {CALL_SECONDS * 1000:.0f} ms added to each call: "
        f"{trials} trials of {TRIAL_SECONDS} s, {at_once} at once in each worker"
    )
    for workers in WORKERS:
        number = workers // at_once
        seconds = _seconds(far(records, CALL_SECONDS), number, trials=trials, at_once=at_once)
        ideal = ceil(trials / workers) * TRIAL_SECONDS
        print(
            f"  {workers} trials at a time: {seconds:.1f} s, ideal {ideal:.1f} s, "
            f"ratio {seconds / ideal:.2f}",
            flush=True,
        )


def _seconds(records: Records, workers: int, *, trials: int, at_once: int) -> float:
    name = f"far-{uuid4().hex[:12]}"
    optuna.create_study(study_name=name, storage=TrialStorage(records))

    def one_worker(seed: int) -> int:
        storage = TrialStorage(records, max_trials=trials)
        study = optuna.load_study(
            study_name=name, storage=storage, sampler=optuna.samplers.RandomSampler(seed=seed)
        )
        return work(
            study, _sleep, storage=storage, stop=Event(), trials_at_once=at_once, poll_seconds=0.1
        ).trials

    began = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        finished = sum(pool.map(one_worker, range(workers)))
    if finished != trials:
        raise AssertionError(f"wanted {trials} finished trials, got {finished}")
    return time.perf_counter() - began


def _sleep(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", 0, 1)
    for step in range(3):
        time.sleep(TRIAL_SECONDS / 3)
        trial.report(x, step)
    return x
