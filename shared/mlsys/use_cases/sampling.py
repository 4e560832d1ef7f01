"""Optuna's samplers and pruners, as a request names them."""

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler

from mlsys.domain.messages import OptunaConfig

STARTUP_TRIALS = 10
SEEDS_PER_STUDY = 2**31


def sampler_of(config: OptunaConfig, *, task: int, parallel: bool) -> BaseSampler:
    """Build the sampler of one task; tasks of one study draw from seeds of their own."""
    seed = (config.seed + 1_000_003 * task) % SEEDS_PER_STUDY
    if config.sampler == "Random":
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(
        seed=seed,
        n_startup_trials=STARTUP_TRIALS,
        multivariate=True,
        constant_liar=parallel,
    )


def pruner_of(config: OptunaConfig) -> BasePruner:
    """Build the pruner."""
    if config.pruner == "MedianPruner":
        return optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=20)
    if config.pruner == "HyperbandPruner":
        return optuna.pruners.HyperbandPruner(min_resource=10)
    if config.pruner == "SuccessiveHalvingPruner":
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=10)
    return optuna.pruners.NopPruner()
