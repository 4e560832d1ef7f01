"""What Optuna computes of a study, computed without Optuna."""

import math
import warnings

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import distribution_to_json
from optuna.importance import PedAnovaImportanceEvaluator

from mlsys.domain.plots.parameter_importance import Observed, ped_anova, top_of
from tests.domain.studied import Direction, studied


def observed(study: optuna.Study, *, sign: float = -1) -> list[Observed]:
    return [
        Observed(
            sign * (one.value or 0),
            {
                name: (distribution_to_json(one.distributions[name]), value)
                for name, value in one.params.items()
            },
        )
        for one in study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))
    ]


def of_optuna(study: optuna.Study) -> dict[str, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return PedAnovaImportanceEvaluator().evaluate(study)


def every_distribution(trial: optuna.Trial) -> float:
    library = trial.suggest_categorical("model_type", ["a", "b", True, 1, None])
    x = trial.suggest_float("x", -1, 1)
    trial.suggest_float("rate", 1e-5, 10, log=True)
    leaves = trial.suggest_int("leaves", 1, 300, log=True)
    trial.suggest_float("stepped", 0, 1, step=0.1)
    trial.suggest_float("fixed", 0.5, 0.5)
    trial.suggest_categorical("alone", ["only"])
    trial.suggest_int("few", 0, 4)
    trial.suggest_int("many", 0, 200)
    value = x**2 + abs(leaves - 50) / 1000
    if library == "a":
        value += trial.suggest_float("a.y", 0, 1) ** 2
    if library == "b":
        value += trial.suggest_int("b.moving", 0, 5 if x > 0 else 9)
    return value


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
@pytest.mark.parametrize("trials", [2, 5, 30, 200])
def test_it_is_what_optuna_says(trials: int, direction: Direction) -> None:
    study = studied(every_distribution, trials=trials, directions=(direction,), seed=trials)

    found = ped_anova(observed(study, sign=-1 if direction == "maximize" else 1))

    wanted = of_optuna(study)
    assert found.keys() == wanted.keys()
    assert any(wanted.values())
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-15)


def test_what_decides_comes_first() -> None:
    study = studied(
        lambda trial: trial.suggest_float("x", 0, 1) + trial.suggest_float("y", 0, 1) / 100,
        trials=60,
    )

    found = ped_anova(observed(study))

    assert found["x"] > 10 * found["y"]


def test_one_trial_tells_nothing() -> None:
    study = studied(lambda trial: trial.suggest_float("x", 0, 1), trials=1)

    assert ped_anova(observed(study)) == {"x": 0.0}
    assert ped_anova([]) == {}


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=50))
def test_the_best_are_no_worse_than_the_others(losses: list[float]) -> None:
    top = top_of(losses, 0.1)

    others = [loss for place, loss in enumerate(losses) if place not in top]
    worst = max((losses[place] for place in top), default=-math.inf)
    assert len(top) >= 0.1 * len(losses)
    assert all(loss > worst for loss in others)
