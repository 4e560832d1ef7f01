"""The same study as a person would write it at their best: a plain loop for each library.

The data set is binned once, val is scored, and trials are pruned and stopped early, when ours are,
as many run at once on as many threads, the value is what the library computed on val anyway, no
model is kept, and Optuna keeps its trials in memory.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import count
from math import inf
from threading import Lock
from typing import Any

import lightgbm
import optuna
import xgboost
from optuna.trial import FrozenTrial

from mlsys.domain.choices import ModelType
from mlsys.domain.learners.watch import is_due
from mlsys.domain.spaces.search import PATIENCE, ROUNDS, defaults_of, suggest
from mlsys.use_cases.searching.packing import packing_of
from mlsys.use_cases.searching.pruning import pruner_of
from mlsys.use_cases.searching.sampling import sampler_of
from mlsys.use_cases.training.material import Training
from mlsys.use_cases.training.objective import REPORT_EVERY_ROUNDS

Prune = Callable[[int, float], bool]


def study_by_hand(training: Training) -> list[FrozenTrial]:
    """Run all trials of a binary study whose metric is the log loss."""
    config = training.request.optuna_config
    [(model_type, space)] = training.spaces.items()
    packing = packing_of(training, tasks=1)
    given = replace(training, threads=packing.threads)
    asking, left = Lock(), count(config.n_trials, -1)

    def slot(_: int) -> None:
        while True:
            with asking:
                if next(left) <= 0:
                    return
                trial = study.ask()
                params = suggest(trial, training.spaces).params
            try:
                with training.binned.lent(model_type, 0) as binned:
                    value = FITS[model_type](given, params, binned, partial(_prune, trial))
            except optuna.TrialPruned:
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            else:
                study.tell(trial, value)

    study = optuna.create_study(
        direction="minimize",
        sampler=sampler_of(config, spaces=training.spaces, task=0, parallel=False),
        pruner=pruner_of(config),
    )
    study.enqueue_trial(dict(defaults_of(model_type, space)))
    if packing.trials_at_once == 1:
        slot(0)  # as OpenMP keeps this thread's helpers, and is slow with another's beside them
    else:
        with ThreadPoolExecutor(packing.trials_at_once) as pool:
            list(pool.map(slot, range(packing.trials_at_once)))
    return study.get_trials(deepcopy=False)


def _prune(trial: optuna.Trial, number: int, value: float) -> bool:
    if number % REPORT_EVERY_ROUNDS:
        return False
    trial.report(value, number)
    return trial.should_prune()


class _Best:
    """The least loss so far, and whether a fit has stood still since for too long."""

    def __init__(self, model_type: ModelType) -> None:
        self._patience = PATIENCE[model_type]
        self._round = 0
        self.loss = inf

    def ends(self, number: int, loss: float) -> bool:
        if loss < self.loss:
            self._round, self.loss = number, loss
        return self._patience.is_over(number, self._round)


def _lightgbm(training: Training, params: Mapping[str, Any], binned: Any, prune: Prune) -> float:
    fixed = {
        "objective": "binary",
        "metric": "binary_logloss",
        "max_bin": 255,
        "min_data_in_bin": 3,
        "feature_pre_filter": False,
        "verbosity": -1,
        "num_threads": training.threads,
        "seed": training.request.optuna_config.seed,
        "deterministic": True,
        "force_row_wise": True,
    }
    booster = lightgbm.Booster({**params, **fixed}, binned.train)
    booster.add_valid(binned.val, "val")
    best = _Best(ModelType.LIGHTGBM)
    for number in range(1, ROUNDS + 1):
        if booster.update():
            break
        if not is_due(number, last=ROUNDS):
            continue
        [evaluated] = booster.eval_valid()
        value = evaluated[2]
        over = best.ends(number, value)
        if prune(number, value):
            raise optuna.TrialPruned
        if over:
            break
    return best.loss


def _xgboost(training: Training, params: Mapping[str, Any], binned: Any, prune: Prune) -> float:
    fixed = {
        "objective": "binary:logistic",
        "eval_metric": "logloss",
        "tree_method": "hist",
        "max_bin": 256,
        "nthread": training.threads,
        "seed": training.request.optuna_config.seed,
        "verbosity": 0,
    }
    booster = xgboost.Booster({**params, **fixed}, [binned.train, binned.val])
    best = _Best(ModelType.XGBOOST)
    for number in range(1, ROUNDS + 1):
        booster.update(binned.train, iteration=number - 1)
        if not is_due(number, last=ROUNDS):
            continue
        _, _, value = booster.eval_set([(binned.val, "val")]).rpartition(":")
        over = best.ends(number, float(value))
        if prune(number, float(value)):
            raise optuna.TrialPruned
        if over:
            break
    return best.loss


def _catboost(training: Training, params: Mapping[str, Any], binned: Any, prune: Prune) -> float:
    # It can be imported only after our learner has been, see there; it ships no types.
    import catboost  # type: ignore[import-untyped]

    best, pruned = _Best(ModelType.CATBOOST), False

    class Callback:
        def after_iteration(self, info: Any) -> bool:
            nonlocal pruned
            value = info.metrics["validation"]["Logloss"][-1]
            pruned = prune(info.iteration, value)
            return not pruned and not best.ends(info.iteration, value)

    fixed = {
        "loss_function": "Logloss",
        "eval_metric": "Logloss:hints=skip_train~true",
        "iterations": ROUNDS,
        "border_count": 254,
        "use_best_model": False,
        "random_seed": training.request.optuna_config.seed,
        "thread_count": training.threads,
        "logging_level": "Silent",
        "allow_writing_files": False,
    }
    model = catboost.CatBoost({**params, **fixed})
    model.fit(binned.train, eval_set=binned.val, callbacks=[Callback()])
    if pruned:
        raise optuna.TrialPruned
    return best.loss


FITS: Mapping[ModelType, Callable[[Training, Mapping[str, Any], Any, Prune], float]] = {
    ModelType.LIGHTGBM: _lightgbm,
    ModelType.XGBOOST: _xgboost,
    ModelType.CATBOOST: _catboost,
}
