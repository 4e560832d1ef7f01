"""Each sampler, over our storage: inside the space, the same again, and none of it twice."""

from collections.abc import Callable
from itertools import combinations
from math import dist
from pathlib import Path
from statistics import fmean
from threading import Event
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from mlsys.adapters.local.records import SqliteRecords
from mlsys.domain.choices import ModelType
from mlsys.domain.errors import InvalidInput
from mlsys.domain.messages import OptunaConfig
from mlsys.domain.spaces.dimensions import Choice, Float, Int
from mlsys.domain.spaces.points import sides_of
from mlsys.domain.spaces.search import SPACES, Params, Spaces, Suggested, first_trials, suggest
from mlsys.use_cases.searching.sampling import STARTUP_TRIALS, budget_of, sampler_of
from mlsys.use_cases.trials.storage import TrialStorage
from mlsys.use_cases.trials.work import work

ONE: Spaces = {ModelType.XGBOOST: SPACES[ModelType.XGBOOST]}
GRID: Spaces = {
    ModelType.LIGHTGBM: {"num_leaves": Int(10, 30, step=10), "extra_trees": Choice((False, True))}
}
GRIDS: Spaces = {**GRID, ModelType.CATBOOST: {"depth": Int(3, 6)}}
EVERYWHERE = ["TPE", "Random", "QMC"]
Objective = Callable[[optuna.Trial], float]


def configured(sampler: str, **fields: Any) -> OptunaConfig:
    return OptunaConfig.model_validate({"sampler": sampler, "n_trials": 30, **fields})


def bowl(spaces: Spaces) -> Objective:
    """What is best in the middle of each side."""

    def run(trial: optuna.Trial) -> float:
        suggest(trial, spaces)
        sides = sides_of(spaces)
        numbers = {name: side for name, side in sides.items() if not isinstance(side, Choice)}
        shares = [
            numbers[name].share(trial.params[name]) for name in numbers if name in trial.params
        ]
        return sum((share - 0.4) ** 2 for share in shares)

    return run


def searched(
    config: OptunaConfig,
    spaces: Spaces,
    home: Path,
    *,
    killed_after: int | None = None,
    task: int = 0,
    tried: Objective | None = None,
) -> list[FrozenTrial]:
    """Run a study as the job does, or until it has finished so many trials."""
    first = first_trials(spaces).params
    storage = TrialStorage(
        SqliteRecords(home / "records.db"), max_trials=budget_of(config, spaces, first=first)
    )
    study = optuna.create_study(study_name="exp-1", storage=storage, load_if_exists=True)
    study.sampler = sampler_of(
        config,
        spaces=spaces,
        first=first,
        task=task,
        parallel=False,
        begun=len(study.get_trials(deepcopy=False)),
    )
    storage.enqueue_first(study._study_id, first)  # noqa: SLF001
    stop = Event()

    def count(trial: FrozenTrial) -> None:
        if trial.number + 1 == killed_after:
            stop.set()

    work(study, tried or bowl(spaces), storage=storage, stop=stop, on_finished=count, catch=())
    return study.get_trials(deepcopy=False)


def params_of(trials: list[FrozenTrial]) -> list[Params]:
    return [trial.params for trial in trials]


@pytest.mark.parametrize(
    ("sampler", "spaces"),
    [
        *[(sampler, ONE) for sampler in [*EVERYWHERE, "CmaEs", "NSGAII"]],
        *[(sampler, SPACES) for sampler in EVERYWHERE],
        ("Grid", GRID),
        ("Grid", GRIDS),
    ],
    ids=lambda one: one if isinstance(one, str) else f"{len(one)}-{sum(map(len, one.values()))}",
)
def test_one_seed_draws_the_same_again_and_another_one_does_not(
    sampler: str, spaces: Spaces, tmp_path: Path
) -> None:
    homes = [tmp_path / name for name in ("a", "b", "c")]
    for home in homes:
        home.mkdir()

    first, again, other = (
        params_of(searched(configured(sampler, seed=seed), spaces, home))
        for seed, home in zip((7, 7, 8), homes, strict=True)
    )

    assert first == again
    assert first != other
    assert first[: len(spaces)] == first_trials(spaces).params


@pytest.mark.parametrize("sampler", ["Random", "QMC", "CmaEs"])
def test_a_study_that_was_killed_goes_on_as_if_it_had_not_been(
    sampler: str, tmp_path: Path
) -> None:
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    whole = searched(configured(sampler), ONE, tmp_path / "whole")

    searched(configured(sampler), ONE, tmp_path / "killed", killed_after=17)
    ended = searched(configured(sampler), ONE, tmp_path / "killed", task=3)

    assert params_of(ended) == params_of(whole)


def test_a_study_that_was_killed_does_not_draw_again_what_it_drew(tmp_path: Path) -> None:
    searched(configured("TPE"), ONE, tmp_path, killed_after=4)

    rates = [one["learning_rate"] for one in params_of(searched(configured("TPE"), ONE, tmp_path))]

    assert len(set(rates)) == len(rates) == 30


@pytest.mark.parametrize(("spaces", "points"), [(GRID, 6), (GRIDS, 10)], ids=["one", "two"])
def test_a_grid_is_tried_whole_and_once_and_ends_the_study(
    spaces: Spaces, points: int, tmp_path: Path
) -> None:
    searched(configured("Grid", n_trials=100), spaces, tmp_path, killed_after=5)

    tried = params_of(searched(configured("Grid", n_trials=100), spaces, tmp_path))

    assert len(tried) == points
    assert len({str(sorted(one.items())) for one in tried}) == points


def test_a_grid_larger_than_the_study_is_tried_in_part(tmp_path: Path) -> None:
    tried = params_of(searched(configured("Grid", n_trials=4), GRIDS, tmp_path))

    assert len({str(sorted(one.items())) for one in tried}) == len(tried) == 4


def test_sobol_points_fill_the_space_more_evenly_than_random_ones(tmp_path: Path) -> None:
    spaces: Spaces = {ModelType.XGBOOST: {"subsample": Float(0.4, 0.9), "gamma": Float(0.0, 1.0)}}
    empty: dict[str, int] = {}
    for sampler in ("QMC", "Random"):
        (tmp_path / sampler).mkdir()
        trials = searched(configured(sampler, n_trials=65), spaces, tmp_path / sampler)
        cells = {
            (int((float(one["subsample"]) - 0.4) / 0.5 * 8), int(float(one["gamma"]) * 8))
            for one in params_of(trials[1:])
        }
        empty[sampler] = 64 - len(cells)

    assert empty["QMC"] < empty["Random"] / 2


def test_the_evolution_comes_closer_than_random_points(tmp_path: Path) -> None:
    best = {}
    for sampler in ("CmaEs", "Random"):
        (tmp_path / sampler).mkdir()
        trials = searched(configured(sampler, n_trials=150), ONE, tmp_path / sampler)
        best[sampler] = min(one.values[0] for one in trials)

    assert best["CmaEs"] < best["Random"] / 4


def test_the_evolution_learns_from_trials_that_were_pruned_or_failed(tmp_path: Path) -> None:
    def partly(trial: optuna.Trial) -> float:
        value = bowl(ONE)(trial)
        if trial.number % 5 == 1:
            raise optuna.TrialPruned
        return float("nan") if trial.number % 5 == 2 else value

    trials = searched(configured("CmaEs", n_trials=60), ONE, tmp_path, tried=partly)

    states = [one.state for one in trials]
    assert {states.count(state) for state in (TrialState.PRUNED, TrialState.FAIL)} == {12}
    assert len({one["gamma"] for one in params_of(trials)}) == 60


def test_the_evolution_waits_for_no_trial_that_still_runs() -> None:
    sampler = sampler_of(configured("CmaEs"), spaces=ONE, task=0, parallel=True)
    study = optuna.create_study(sampler=sampler, direction="maximize")
    running = [study.ask() for _ in range(12)]
    for trial in running:
        suggest(trial, ONE)

    for trial in running[1:]:
        study.tell(trial, 0.5)
    drawn = suggest(study.ask(), ONE)

    assert isinstance(drawn, Suggested)


def test_three_libraries_are_tuned_and_the_best_one_is_preferred(tmp_path: Path) -> None:
    def prefers(trial: optuna.Trial) -> float:
        return {"catboost": 0.0, "xgboost": 1.0}.get(suggest(trial, SPACES).model_type, 2.0)

    trials = searched(configured("TPE", n_trials=60), SPACES, tmp_path, tried=prefers)

    libraries = [one.params["model_type"] for one in trials]
    assert sorted(libraries[:3]) == ["catboost", "lightgbm", "xgboost"]
    assert libraries[20:].count("catboost") > 20


@pytest.mark.parametrize("parallel", [True, False])
def test_tpe_looks_at_all_parameters_together_and_at_what_runs_beside(*, parallel: bool) -> None:
    sampler = sampler_of(configured("TPE"), spaces=ONE, task=0, parallel=parallel)

    assert isinstance(sampler, optuna.samplers.TPESampler)
    assert (sampler._multivariate, sampler._constant_liar) == (True, parallel)  # noqa: SLF001


def test_of_four_trials_at_once_none_nearly_repeats_another() -> None:
    apart, control = (
        fmean(distance_in_fours(parallel=parallel, seed=seed) for seed in range(4))
        for parallel in (True, False)
    )

    assert apart > 1.4 * control


def distance_in_fours(*, parallel: bool, seed: int) -> float:
    """Ask TPE for four trials at a time; say how far apart those of one time are."""
    spaces: Spaces = {ModelType.XGBOOST: {"subsample": Float(0.0, 1.0), "gamma": Float(0.0, 1.0)}}
    sampler = sampler_of(configured("TPE", seed=seed), spaces=spaces, task=0, parallel=parallel)
    study = optuna.create_study(sampler=sampler)
    distances = []
    for _ in range(10):
        running = [study.ask() for _ in range(4)]
        values = [bowl(spaces)(trial) for trial in running]
        points = [tuple(trial.params.values()) for trial in running]
        if running[0].number > STARTUP_TRIALS:
            distances += [dist(*pair) for pair in combinations(points, 2)]
        for trial, value in zip(running, values, strict=True):
            study.tell(trial, value)
    return fmean(distances)


@pytest.mark.parametrize("sampler", ["TPE", "Random", "QMC", "NSGAII"])
def test_several_objectives(sampler: str) -> None:
    study = optuna.create_study(
        directions=["minimize", "minimize"],
        sampler=sampler_of(
            configured(sampler, n_trials=50), spaces=ONE, task=0, parallel=False, objectives=2
        ),
    )

    for _ in range(25):
        trial = study.ask()
        params = suggest(trial, ONE).params
        study.tell(trial, [float(params["gamma"]), float(params["max_depth"])])

    assert len(study.best_trials) >= 1


def test_the_gaussian_process_says_what_it_lacks() -> None:
    with pytest.raises(InvalidInput, match=r"needs the package torch.*or ask for TPE"):
        sampler_of(configured("GP"), spaces=ONE, task=0, parallel=False)
