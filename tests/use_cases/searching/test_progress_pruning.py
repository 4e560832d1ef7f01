"""Trials are compared where they got equally far, with all that were tried before."""

from collections.abc import Mapping
from math import exp
from types import MappingProxyType
from typing import Literal

import optuna
import pytest
from optuna.pruners import BasePruner, MedianPruner
from optuna.trial import TrialState

from mlsys.use_cases.searching.progress_pruning import ProgressPruner

FAST, SLOW = 0.1, 0.01
SMALL, LARGE = 4, 128
ROUNDS = range(10, 1010, 10)

Direction = Literal["minimize", "maximize"]


def median(*, warmup_rounds: int | None = None) -> ProgressPruner:
    """Make what the request calls MedianPruner."""
    return ProgressPruner(50.0, startup_trials=5, warmup_rounds=warmup_rounds)


def rounds_of(
    study: optuna.Study,
    *,
    rate: float,
    ends_at: float,
    name: str = "learning_rate",
    size: Mapping[str, int] = MappingProxyType({}),
    leaves: int = 32,
) -> int:
    """Run a trial whose loss falls from 1 as learning goes on; return the rounds it was given.

    `size` are the parameters by which its trees have so many leaves.
    """
    study.enqueue_trial({name: rate, **size})
    trial = study.ask()
    trial.suggest_float(name, 0.001, 1.0)
    for limit in size:
        trial.suggest_int(limit, -1, 1_000)
    sign = -1 if study.direction.name == "MAXIMIZE" else 1
    for done in ROUNDS:
        learnt = rate * leaves / 32 * done
        trial.report(sign * (ends_at + (1 - ends_at) * exp(-learnt)), done)
        if trial.should_prune():
            study.tell(trial, state=TrialState.PRUNED)
            return done
    study.tell(trial, sign * ends_at)
    return ROUNDS[-1]


def after_fast_trials(pruner: BasePruner, direction: Direction = "minimize") -> optuna.Study:
    """Make a study in which five fast learners came to between 0.50 and 0.54."""
    study = optuna.create_study(pruner=pruner, direction=direction)
    for place in range(5):
        rounds_of(study, rate=FAST, ends_at=0.5 + place / 100)
    return study


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_a_slow_learner_that_ends_up_ahead_is_not_pruned(direction: Direction) -> None:
    study = after_fast_trials(median(), direction)

    assert rounds_of(study, rate=SLOW, ends_at=0.49) == ROUNDS[-1]


def test_optunas_median_prunes_it_because_it_compares_at_the_same_round() -> None:
    study = after_fast_trials(MedianPruner(n_startup_trials=5, n_warmup_steps=100))

    assert rounds_of(study, rate=SLOW, ends_at=0.49) == 100


@pytest.mark.parametrize(("rate", "rounds"), [(0.3, 10), (FAST, 10), (0.02, 50), (SLOW, 100)])
def test_a_worse_learner_is_pruned_once_it_got_far_enough(rate: float, rounds: int) -> None:
    study = after_fast_trials(median())

    assert rounds_of(study, rate=rate, ends_at=0.6) == rounds


def test_a_warm_up_that_is_asked_for_counts_rounds() -> None:
    study = after_fast_trials(median(warmup_rounds=200))

    assert rounds_of(study, rate=FAST, ends_at=0.6) == 200
    assert rounds_of(study, rate=SLOW, ends_at=0.6) == 200


def test_nothing_is_pruned_before_enough_trials_have_ended() -> None:
    study = optuna.create_study(pruner=median())
    for _ in range(4):
        rounds_of(study, rate=FAST, ends_at=0.1)

    assert rounds_of(study, rate=FAST, ends_at=0.9) == ROUNDS[-1]
    assert rounds_of(study, rate=FAST, ends_at=0.9) == ROUNDS[0]


def test_a_pruned_trial_counts_up_to_where_it_ended() -> None:
    study = after_fast_trials(median())
    ended = [rounds_of(study, rate=FAST, ends_at=0.7) for _ in range(6)]

    assert ended == [10] * 6
    assert rounds_of(study, rate=FAST, ends_at=0.535) == 20


def test_a_completed_trial_counts_beyond_its_end() -> None:
    study = optuna.create_study(pruner=median(warmup_rounds=200))
    for _ in range(5):
        rounds_of(study, rate=SLOW, ends_at=0.5)

    assert rounds_of(study, rate=FAST, ends_at=0.6) == 200


def test_the_learning_rate_of_a_library_among_several_counts() -> None:
    study = optuna.create_study(pruner=median())
    for _ in range(5):
        rounds_of(study, rate=FAST, ends_at=0.5, name="lightgbm.learning_rate")

    assert rounds_of(study, rate=SLOW, ends_at=0.49, name="lightgbm.learning_rate") == ROUNDS[-1]


@pytest.mark.parametrize(
    ("small", "large"),
    [
        ({"num_leaves": SMALL}, {"num_leaves": LARGE}),
        ({"max_depth": 2}, {"max_depth": 7}),
        ({"catboost.depth": 2}, {"catboost.depth": 7}),
        ({"max_depth": 9, "max_leaves": SMALL}, {"max_depth": 7, "max_leaves": 0}),
        ({"max_depth": 2, "num_leaves": 50}, {"max_depth": -1, "num_leaves": LARGE}),
    ],
)
def test_small_trees_that_end_up_ahead_are_not_pruned(
    small: Mapping[str, int], large: Mapping[str, int]
) -> None:
    study = optuna.create_study(pruner=median())
    for place in range(5):
        rounds_of(study, rate=FAST, ends_at=0.5 + place / 100, size=large, leaves=LARGE)

    assert rounds_of(study, rate=FAST, ends_at=0.49, size=small, leaves=SMALL) == ROUNDS[-1]
    assert rounds_of(study, rate=FAST, ends_at=0.6, size=small, leaves=SMALL) < ROUNDS[-1]


def test_trees_without_a_limit_are_taken_for_usual_ones() -> None:
    study = optuna.create_study(pruner=median())
    for _ in range(5):
        rounds_of(study, rate=FAST, ends_at=0.5, size={"max_depth": 0, "max_leaves": 0})

    assert rounds_of(study, rate=SLOW, ends_at=0.49) == ROUNDS[-1]


def test_the_deepest_trees_are_not_taken_for_full_ones() -> None:
    study = optuna.create_study(pruner=median())
    for _ in range(5):
        rounds_of(study, rate=FAST, ends_at=0.5, size={"max_depth": 10}, leaves=1024)

    deepest = {"max_depth": 512}
    assert rounds_of(study, rate=FAST, ends_at=0.49, size=deepest, leaves=1024) == ROUNDS[-1]


def test_trials_that_reported_nothing_are_not_compared_with() -> None:
    study = optuna.create_study(pruner=median())
    for _ in range(10):
        study.tell(study.ask(), 0.1)

    assert rounds_of(study, rate=FAST, ends_at=0.9) == ROUNDS[-1]


def test_a_trial_that_is_further_behind_than_any_report_goes_on() -> None:
    study = optuna.create_study(pruner=median(warmup_rounds=0))
    for _ in range(5):
        rounds_of(study, rate=1.0, ends_at=0.5)

    assert rounds_of(study, rate=SLOW / 2, ends_at=0.9) == ROUNDS[-1]
