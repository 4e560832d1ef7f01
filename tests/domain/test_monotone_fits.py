"""Along a constrained column a prediction only rises, or only falls, whatever the other columns."""

from dataclasses import replace

import numpy as np
import pytest

from mlsys.domain.choices import ModelType
from mlsys.domain.errors import InvalidInput
from mlsys.domain.learners.base import Booster, Examples, Floats, Learner, Task
from mlsys.domain.scoring.table import load_booster
from mlsys.domain.spaces.search import SPACES
from tests.domain.learning import BINARY, CATEGORY, NOISE, REGRESSION, SIGNAL, fit

ROWS = 800
SWEEP = np.array([-1e9, *np.linspace(-4, 4, 161), 1e9])
# What 32 bits leave of a probability when leaves are summed in another order.
ROUNDING = 1e-6
SCORED = [BINARY, REGRESSION]


def wavy(task: Task, *, monotone: tuple[int, ...] = (), seed: int = 0) -> Examples:
    """The target rises along SIGNAL and falls along NOISE, on the whole, with waves on top."""
    generator = np.random.default_rng(seed)
    matrix = generator.normal(size=(ROWS, 4))
    matrix[:, CATEGORY] = np.arange(ROWS) % 5
    signal, noise = matrix[:, SIGNAL], matrix[:, NOISE]
    raw = signal + 2 * np.sin(4 * signal) - noise + 2 * np.sin(4 * noise) * (matrix[:, 2] > 0)
    matrix[generator.random((ROWS, 4)) < 0.05] = np.nan
    target = raw if task.kind == "regression" else (raw > 0).astype(float)
    return Examples(matrix, target, (False, True, False, False), monotone=monotone)


def steps(booster: Booster, column: int, *, rows: int = 60) -> Floats:
    """Sweep a column of random rows, some with gaps: how predictions change, step by step."""
    matrix = wavy(BINARY, seed=9).matrix[:rows].repeat(len(SWEEP), axis=0)
    matrix[:, column] = np.tile(SWEEP, rows)
    return np.diff(booster.predict(matrix).reshape(rows, len(SWEEP)), axis=1)


@pytest.mark.parametrize("task", SCORED, ids=lambda task: task.kind)
@pytest.mark.parametrize("extreme", ["low", "high", "default"])
def test_a_sweep_finds_no_step_against_the_direction(
    model_type: ModelType, library: Learner, task: Task, extreme: str
) -> None:
    space = {} if extreme == "default" else SPACES[model_type]
    params = {name: getattr(domain, extreme) for name, domain in space.items()}
    train, val = (wavy(task, monotone=(1, 0, 0, -1), seed=seed) for seed in (0, 1))

    booster = fit(library, task, train=train, val=val, rounds=60, params=params)
    stored = load_booster(model_type, booster.to_bytes(), task=task)

    for kept in (booster, stored):
        assert steps(kept, SIGNAL).min() >= -ROUNDING
        assert steps(kept, SIGNAL).max() > ROUNDING
        assert steps(kept, NOISE).max() <= ROUNDING
        assert steps(kept, NOISE).min() < -ROUNDING


@pytest.mark.parametrize("task", SCORED, ids=lambda task: task.kind)
def test_without_a_constraint_the_sweep_finds_the_waves(library: Learner, task: Task) -> None:
    other = fit(library, task, train=wavy(task, monotone=(0, 0, 0, -1)), rounds=60)

    assert steps(other, SIGNAL).min() < -0.01
    assert steps(other, SIGNAL).max() > 0.01


def test_a_constraint_costs_nothing_where_it_holds_anyway(library: Learner) -> None:
    generator = np.random.default_rng(0)
    matrix = generator.normal(size=(ROWS, 1))
    plain = Examples(matrix, np.exp(matrix[:, 0]), (False,))
    constrained = replace(plain, monotone=(1,))

    free, held = (
        fit(library, REGRESSION, train=train, rounds=60, params={"learning_rate": 0.2})
        for train in (plain, constrained)
    )

    missed = [np.mean((plain.target - one.predict(matrix)) ** 2) for one in (free, held)]
    assert missed[1] < 1.2 * missed[0] < 0.2 * plain.target.var()


def test_the_trial_cannot_lift_a_constraint(library: Learner) -> None:
    train = wavy(REGRESSION, monotone=(1, 0, 0, 0))

    with pytest.raises(InvalidInput, match="mlsys sets itself: monotone_constraints"):
        fit(library, REGRESSION, train=train, params={"monotone_constraints": [0, 0, 0, 0]})
