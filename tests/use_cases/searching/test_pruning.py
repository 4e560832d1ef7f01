"""Each pruner, with its defaults and its options, by rounds and by folds."""

from typing import Any

import optuna
import pytest

from mlsys.domain.choices import Pruner
from mlsys.domain.messages import OptunaConfig
from mlsys.use_cases.searching.pruning import pruner_of

ROUNDS = range(10, 410, 10)
FOLDS = range(6)


def pruned_at(steps: range, *, folds: int = 1, bad: float = 9.0, **asked: Any) -> int | None:
    """Report ever worse values after 20 good trials; return the step that was the last."""
    config = OptunaConfig.model_validate(asked)
    study = optuna.create_study(pruner=pruner_of(config, folds=folds))
    for number in range(20):
        good = study.ask()
        for step in steps:
            good.report(number / 100 + 1 / (step + 1), step)
            good.should_prune()
        study.tell(good, number / 100)
    trial = study.ask()
    for step in steps:
        trial.report(bad + step / 10, step)
        if trial.should_prune():
            return step
    return None


@pytest.mark.parametrize(
    ("asked", "step"),
    [
        ({"pruner": "MedianPruner"}, 10),
        ({"pruner": "MedianPruner", "pruner_options": {"n_warmup_steps": 100}}, 100),
        ({"pruner": "MedianPruner", "pruner_options": {"n_startup_trials": 21}}, None),
        ({"pruner": "PercentilePruner"}, 10),
        ({"pruner": "PercentilePruner", "pruner_options": {"percentile": 99.9}}, 10),
        ({"pruner": "PatientPruner"}, 50),
        (
            {
                "pruner": "PatientPruner",
                "pruner_options": {"patience": 8, "min_delta": 0.1, "n_warmup_steps": 20},
            },
            100,
        ),
        ({"pruner": "ThresholdPruner", "pruner_options": {"upper": 5}}, 10),
        ({"pruner": "ThresholdPruner", "pruner_options": {"lower": 5}}, None),
        ({"pruner": "SuccessiveHalvingPruner"}, 10),
        ({"pruner": "SuccessiveHalvingPruner", "pruner_options": {"min_resource": 50}}, 50),
        ({"pruner": "NopPruner"}, None),
    ],
    ids=str,
)
def test_a_bad_trial_ends_after_so_many_rounds(asked: dict[str, Any], step: int | None) -> None:
    assert pruned_at(ROUNDS, **asked) == step


@pytest.mark.parametrize(
    ("asked", "fold"),
    [
        ({"pruner": "MedianPruner"}, 0),
        ({"pruner": "SuccessiveHalvingPruner"}, 1),
        ({"pruner": "WilcoxonPruner"}, 3),
        ({"pruner": "WilcoxonPruner", "pruner_options": {"p_threshold": 0.04}}, 4),
        ({"pruner": "WilcoxonPruner", "pruner_options": {"n_startup_steps": 6}}, 5),
    ],
    ids=str,
)
def test_a_bad_trial_ends_after_so_many_folds(asked: dict[str, Any], fold: int) -> None:
    assert pruned_at(FOLDS, folds=6, **asked) == fold


@pytest.mark.parametrize(("steps", "folds"), [(ROUNDS, 1), (FOLDS, 6)])
def test_hyperband_prunes_some_bad_trials(steps: range, folds: int) -> None:
    config = OptunaConfig(pruner="HyperbandPruner")
    study = optuna.create_study(pruner=pruner_of(config, folds=folds), study_name="exp-1")
    states = []
    for number in range(40):
        trial = study.ask()
        for step in steps:
            trial.report(number, step)
            if trial.should_prune():
                break
        else:
            study.tell(trial, number)
            continue
        states.append(study.tell(trial, state=optuna.trial.TrialState.PRUNED).state)

    assert 5 < len(states) < 40


@pytest.mark.parametrize("pruner", ["MedianPruner", "NopPruner"])
def test_nothing_is_pruned_by_several_objectives(pruner: str) -> None:
    config = OptunaConfig.model_validate({"pruner": pruner})

    assert isinstance(pruner_of(config, objectives=2), optuna.pruners.NopPruner)


@pytest.mark.parametrize("pruner", ["MedianPruner", "PercentilePruner", "SuccessiveHalvingPruner"])
def test_a_slow_library_is_not_held_against_a_quick_one(pruner: Pruner) -> None:
    within, across = (
        _slow_beside_quick(pruner_of(OptunaConfig(pruner=pruner), libraries=libraries))
        for libraries in (2, 1)
    )

    assert not within
    assert across


def _slow_beside_quick(pruner: optuna.pruners.BasePruner) -> bool:
    """Say whether the first slow trial is pruned after many quick ones."""
    study = optuna.create_study(pruner=pruner)
    for _ in range(10):
        _reported(study, "xgboost", 0.1)
        study.tell(len(study.trials) - 1, 0.1)
    return _reported(study, "catboost", 9.0)


def _reported(study: optuna.Study, library: str, value: float) -> bool:
    study.enqueue_trial({"model_type": library})
    trial = study.ask()
    trial.suggest_categorical("model_type", ["catboost", "xgboost"])
    pruned = False
    for step in range(10, 410, 10):
        trial.report(value, step)
        pruned = pruned or trial.should_prune()
    return pruned
