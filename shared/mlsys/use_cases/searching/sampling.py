"""Optuna's samplers, as a request names them, and how many trials they are good for."""

import warnings
from collections.abc import Sequence
from importlib.util import find_spec

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler

from mlsys.domain.errors import InvalidInput
from mlsys.domain.messages import OptunaConfig
from mlsys.domain.spaces.points import grid_of, searched_numbers, sides_of
from mlsys.domain.spaces.search import Params, Spaces
from mlsys.use_cases.searching.planned import Numbered, planned, random, seed_of, sobol

BY_NUMBER = {"Random", "QMC", "Grid", "CmaEs"}
STARTUP_TRIALS = 10
LEAST_POPULATION, MOST_POPULATION = 10, 50
GENERATIONS = 5


def budget_of(config: OptunaConfig, spaces: Spaces, *, first: Sequence[Params]) -> int:
    """Return how many trials a study makes: a grid ends it once all its points were tried."""
    if config.sampler != "Grid":
        return config.n_trials
    points = grid_of(spaces, seed=config.seed, without=first)
    return min(config.n_trials, len(first) + len(points))


def sampler_of(
    config: OptunaConfig,
    *,
    spaces: Spaces,
    first: Sequence[Params] = (),
    task: int,
    parallel: bool,
    begun: int = 0,
    objectives: int = 1,
) -> BaseSampler:
    """Build the sampler of one task.

    Random, QMC, Grid and CmaEs draw by the study's seed and the trial's number. The others draw on
    from a state, so each task has a seed of its own, and a task that begins anew another one:
    else it would draw again what it has drawn already.

    Args:
        config: what is asked for.
        spaces: where the study searches; it fits the sampler, see domain/wishes.py.
        first: what is enqueued before the sampler is asked.
        task: which of the study's tasks this is.
        parallel: whether other trials run at the same time.
        begun: how many trials there are when the task begins.
        objectives: how many values a trial has.

    Raises:
        InvalidInput: the sampler needs a library that is not here.
    """
    if config.sampler in BY_NUMBER:
        return _by_number(config, spaces, first)
    seed = seed_of(config.seed, task, begun)
    if config.sampler == "NSGAII":
        population = min(max(config.n_trials // GENERATIONS, LEAST_POPULATION), MOST_POPULATION)
        return optuna.samplers.NSGAIISampler(population_size=population, seed=seed)
    if config.sampler == "GP":
        return _gaussian_process(seed)
    with warnings.catch_warnings(action="ignore", category=ExperimentalWarning):
        return optuna.samplers.TPESampler(
            seed=seed,
            n_startup_trials=STARTUP_TRIALS,
            # Of several objectives Optuna searches each parameter by itself, unless in groups.
            multivariate=objectives == 1 or len(spaces) > 1,
            group=len(spaces) > 1,
            constant_liar=parallel,
        )


def _by_number(config: OptunaConfig, spaces: Spaces, first: Sequence[Params]) -> BaseSampler:
    if config.sampler == "Random":
        return random(seed=config.seed)
    if config.sampler == "Grid":
        points = grid_of(spaces, seed=config.seed, without=first)
        return planned(points, first=len(first))
    sides = sides_of(spaces)
    if config.sampler == "QMC":
        points = sobol(sides, seed=config.seed, points=config.n_trials)
        return planned(points, first=len(first))
    from mlsys.use_cases.searching.evolution import Evolution  # noqa: PLC0415 - for this sampler alone

    evolution = Evolution(searched_numbers(sides), seed=config.seed, first=len(first))
    return Numbered(evolution.draw)


def _gaussian_process(seed: int) -> BaseSampler:
    if find_spec("torch") is None:
        raise InvalidInput(
            "sampler GP needs the package torch, which mlsys does not bring: install it beside "
            "mlsys in the study job, or ask for TPE"
        )
    return optuna.samplers.GPSampler(seed=seed, n_startup_trials=STARTUP_TRIALS)
