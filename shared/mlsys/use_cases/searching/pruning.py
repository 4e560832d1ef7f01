"""Optuna's pruners, as a request names them, counting boosting rounds or folds."""

import warnings
from collections.abc import Callable, Container
from threading import Lock
from typing import TypeVar

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial, TrialState
from typing_extensions import override

from mlsys.domain.choices import Pruner
from mlsys.domain.messages import OptunaConfig, PrunerOptions
from mlsys.domain.spaces.rules import P_THRESHOLD
from mlsys.domain.spaces.search import MODEL_TYPE, ROUNDS
from mlsys.use_cases.searching.progress_pruning import ProgressPruner

STARTUP_TRIALS = 5
LEAST_ROUNDS = 10
PATIENCE = 3

N = TypeVar("N", int, float)


COMPARING = {"MedianPruner", "PercentilePruner", "PatientPruner", "SuccessiveHalvingPruner"}
"""They hold a trial against what others had come to."""


def pruner_of(
    config: OptunaConfig, *, folds: int = 1, objectives: int = 1, libraries: int = 1
) -> BasePruner:
    """Build the pruner.

    Args:
        config: what is asked for; it fits, see domain/wishes.py.
        folds: how many a trial is judged by. With one it reports every few rounds, else once per
            fold, from 0.
        objectives: how many values a trial has; only one can be pruned by.
        libraries: how many the study tunes. One may come in 30 rounds where another, which ends up
            better, takes 300: so rounds are compared only within a library.
    """
    if objectives > 1:
        return optuna.pruners.NopPruner()
    with warnings.catch_warnings(action="ignore", category=ExperimentalWarning):
        pruner = _PRUNERS[config.pruner](config.pruner_options, folds)
    if libraries > 1 and folds == 1 and config.pruner in COMPARING:
        return _WithinLibrary(pruner)
    return pruner


class _WithinLibrary(BasePruner):
    """Shows a pruner only the trials of the same library."""

    def __init__(self, pruner: BasePruner) -> None:
        self._pruner = pruner
        self._studies: dict[str, _OfLibrary] = {}
        self._opening = Lock()

    @override
    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        library = trial.params[MODEL_TYPE]
        with self._opening:
            if library not in self._studies:
                self._studies[library] = _OfLibrary(study, library)
        return self._pruner.prune(self._studies[library], trial)


class _OfLibrary(optuna.Study):
    """The trials of a study that tried one library."""

    def __init__(self, study: optuna.Study, library: str) -> None:
        super().__init__(study.study_name, study._storage, study.sampler)  # noqa: SLF001 - as Hyperband does
        self._library = library

    @override
    def get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        trials = super().get_trials(deepcopy, states)
        return [one for one in trials if one.params.get(MODEL_TYPE) == self._library]


def _median(options: PrunerOptions, folds: int) -> BasePruner:
    return _best_percent(50.0, options, folds)


def _percentile(options: PrunerOptions, folds: int) -> BasePruner:
    return _best_percent(_or(options.percentile, 25.0), options, folds)


def _best_percent(percentile: float, options: PrunerOptions, folds: int) -> BasePruner:
    startup_trials = _or(options.n_startup_trials, STARTUP_TRIALS)
    if folds == 1:
        return ProgressPruner(
            percentile, startup_trials=startup_trials, warmup_rounds=options.n_warmup_steps
        )
    return optuna.pruners.PercentilePruner(
        percentile,
        n_startup_trials=startup_trials,
        n_warmup_steps=_or(options.n_warmup_steps, 0),
    )


def _patient(options: PrunerOptions, folds: int) -> BasePruner:
    return optuna.pruners.PatientPruner(
        _median(options, folds),
        patience=_or(options.patience, PATIENCE),
        min_delta=_or(options.min_delta, 0.0),
    )


def _threshold(options: PrunerOptions, _: int) -> BasePruner:
    return optuna.pruners.ThresholdPruner(
        lower=options.lower, upper=options.upper, n_warmup_steps=_or(options.n_warmup_steps, 0)
    )


def _wilcoxon(options: PrunerOptions, _: int) -> BasePruner:
    return optuna.pruners.WilcoxonPruner(
        p_threshold=_or(options.p_threshold, P_THRESHOLD),
        n_startup_steps=_or(options.n_startup_steps, 2),
    )


def _hyperband(options: PrunerOptions, folds: int) -> BasePruner:
    least = _least(options, folds)
    return optuna.pruners.HyperbandPruner(
        min_resource=least,
        max_resource=max(least, ROUNDS if folds == 1 else folds),
        reduction_factor=_or(options.reduction_factor, 3),
    )


def _successive_halving(options: PrunerOptions, folds: int) -> BasePruner:
    return optuna.pruners.SuccessiveHalvingPruner(
        min_resource=_least(options, folds), reduction_factor=_or(options.reduction_factor, 4)
    )


_PRUNERS: dict[Pruner, Callable[[PrunerOptions, int], BasePruner]] = {
    "MedianPruner": _median,
    "PercentilePruner": _percentile,
    "HyperbandPruner": _hyperband,
    "SuccessiveHalvingPruner": _successive_halving,
    "ThresholdPruner": _threshold,
    "PatientPruner": _patient,
    "WilcoxonPruner": _wilcoxon,
    "NopPruner": lambda _, __: optuna.pruners.NopPruner(),
}


def _or(said: N | None, default: N) -> N:
    return default if said is None else said


def _least(options: PrunerOptions, folds: int) -> int:
    return _or(options.min_resource, LEAST_ROUNDS if folds == 1 else 1)
