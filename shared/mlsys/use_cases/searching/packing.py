"""How a task's threads are given out: how many trials run at once, each with how many threads.

One fit on many threads waits for itself at the end of each small step; several fits of one thread
each do not. Which is faster depends on table, library, machine and its other load, so it is
measured: a few rounds of the defaults each way, for at most 2 % of what the study is likely to
take.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from math import ceil, inf
from statistics import mean
from threading import Barrier, Lock
from time import monotonic

import structlog
from optuna import Study
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial

from mlsys.domain.errors import InvalidInput
from mlsys.domain.spaces.search import Suggested, first_trials, suggested
from mlsys.use_cases.training.material import Training
from mlsys.use_cases.training.objective import tried_fold

MAX_SECONDS = 1.0
SHARE_OF_STUDY = 0.02
TYPICAL_ROUNDS = 100
MIN_ROUNDS = 3
LAPS = 2
WORTHWHILE = 0.9
"""More at once tells samplers and pruners less, so it must take less than this of the time."""


@dataclass(frozen=True)
class Packing:
    """How many trials one task runs at once, the threads of each, and how long finding out took."""

    trials_at_once: int
    threads: int
    calibration_seconds: float = 0.0


def packing_of(training: Training, *, tasks: int) -> Packing:
    """Give out the threads of one of so many tasks: as asked for, else as a calibration says."""
    config = training.request.optuna_config
    share = ceil(config.n_trials / tasks)
    if config.trials_at_once is not None:
        packing = _shared_out(training.threads, min(config.trials_at_once, share))
    else:
        packing = _calibrated(training, share)
    if packing.trials_at_once > 1:
        _bin_all(training)
    structlog.get_logger().info(
        "study.packed",
        trials_at_once=packing.trials_at_once,
        threads=packing.threads,
        calibration_seconds=round(packing.calibration_seconds, 3),
    )
    return packing


def quickest(paces: Sequence[Mapping[int, float]], share: int) -> int:
    """Choose among the numbers of trials at once what brings `share` trials to their end first.

    Args:
        paces: by library, how many rounds a second so many at once make together; from 1 upwards.
        share: how many trials there are.
    """
    chosen = 1
    for number in paces[0]:
        if _relative(paces, number, share) < WORTHWHILE * _relative(paces, chosen, share):
            chosen = number
    return chosen


def prune_one_at_a_time(pruner: BasePruner) -> BasePruner:
    """Let threads share a pruner; Hyperband makes its brackets when it is first asked."""
    prune, asking = pruner.prune, Lock()

    def one_at_a_time(study: Study, trial: FrozenTrial) -> bool:
        with asking:
            return prune(study, trial)

    # Not a pruner around it: samplers look for Hyperband by its class.
    pruner.prune = one_at_a_time  # type: ignore[method-assign]
    return pruner


def _shared_out(threads: int, trials_at_once: int) -> Packing:
    return Packing(trials_at_once, max(1, threads // trials_at_once))


def _bin_all(training: Training) -> None:
    """Bin before trials run at once, on all threads.

    OpenMP keeps the threads that somebody worked with until that thread ends, so here one ends:
    where OpenMP has more threads than there are cores, none waits for the next small step any
    more, all sleep, and a LightGBM fit on several threads takes four times as long.
    """
    with ThreadPoolExecutor(1) as pool:
        for model_type in training.spaces:
            for place in range(len(training.folds)):
                pool.submit(training.binned.build, model_type, place).result()


def _calibrated(training: Training, share: int) -> Packing:
    threads = training.threads
    powers = takewhile(lambda number: number < threads, (2**power for power in range(threads)))
    choices = [number for number in [*powers, threads] if number <= share]
    if choices == [1]:
        return _shared_out(threads, 1)
    _bin_all(training)
    began = monotonic()
    try:
        fastest = _fastest(training, choices, share)
    except InvalidInput:
        # Trial 0 is going to fail of it, and to say why.
        fastest = 1
    return replace(_shared_out(threads, fastest), calibration_seconds=monotonic() - began)


def _fastest(training: Training, choices: Sequence[int], share: int) -> int:
    """Return how many trials at once bring the share of this task to its end first."""
    defaults = first_trials(training.spaces).params
    starts = [suggested(params, training.spaces) for params in defaults]
    paces = [
        dict(_paces(training, drawn, choices, share=share, libraries=len(starts)))
        for drawn in starts
    ]
    return quickest(paces, share)


def _relative(paces: Sequence[Mapping[int, float]], number: int, share: int) -> float:
    """Say how long the trials of a task take, so many at once, in times of one by one."""
    turns = ceil(share / number) * number / share
    return mean(turns * pace[1] / pace[number] if pace[number] else inf for pace in paces)


def _paces(
    training: Training, drawn: Suggested, choices: Sequence[int], *, share: int, libraries: int
) -> Iterator[tuple[int, float]]:
    """Yield how many rounds a second so many trials at once make together, mean of two laps."""
    alone = _pace(training, drawn, trials_at_once=1, seconds=0)
    likely_seconds = share * TYPICAL_ROUNDS / alone if alone else 0.0
    timeout_seconds = training.request.optuna_config.timeout_seconds or inf
    seconds = min(MAX_SECONDS, SHARE_OF_STUDY * min(likely_seconds, timeout_seconds))
    lap_seconds = seconds / (LAPS * len(choices) * libraries)
    laps = [
        [_pace(training, drawn, trials_at_once=number, seconds=lap_seconds) for number in choices]
        for _ in range(LAPS)
    ]
    for place, number in enumerate(choices):
        yield number, mean(lap[place] for lap in laps)


def _pace(training: Training, drawn: Suggested, *, trials_at_once: int, seconds: float) -> float:
    """Return how many rounds a second so many fits make together, if each has its threads."""
    packing = _shared_out(training.threads, trials_at_once)
    ready = Barrier(trials_at_once)
    fit = partial(_pace_of_one, replace(training, threads=packing.threads), drawn, ready, seconds)
    with ThreadPoolExecutor(trials_at_once) as pool:
        return sum(one.result() for one in [pool.submit(fit) for _ in range(trials_at_once)])


def _pace_of_one(training: Training, drawn: Suggested, ready: Barrier, seconds: float) -> float:
    """Return how many rounds a second one fit makes from its first round on."""
    moments: list[float] = []

    def on_round(_: int, __: float) -> bool:
        moments.append(monotonic())
        return len(moments) >= MIN_ROUNDS and moments[-1] - moments[0] >= seconds

    ready.wait()
    tried_fold(training, drawn, 0, on_round=on_round)
    took = moments[-1] - moments[0]
    return (len(moments) - 1) / took if took else 0.0
