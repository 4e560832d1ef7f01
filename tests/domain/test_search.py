"""Spaces that the libraries accept, with their own defaults inside."""

from math import isclose

import numpy as np
import optuna
import pytest

from mlsys.domain.errors import InvalidInput
from mlsys.domain.learners.base import Learner, Task
from mlsys.domain.messages import ModelType
from mlsys.domain.search import DEFAULTS, SPACES, ZERO, Float, Suggested, suggest
from tests.domain.learning import BINARY, CLOSE, examples, fit


def test_what_is_suggested_lies_in_the_space_and_is_accepted(
    model_type: ModelType, library: Learner, task: Task
) -> None:
    space, rows = SPACES[model_type], examples(task)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    binned = library.bin(rows, None, task=task, threads=1)

    for _ in range(10):
        drawn = suggest(study.ask(), {model_type: space}).params

        assert list(drawn) == list(space)
        assert all(space[name].low <= drawn[name] <= space[name].high for name in drawn)
        assert fit(library, task, binned=binned, rounds=2, params=drawn).rounds >= 1


def test_the_library_knows_each_parameter(model_type: ModelType, library: Learner) -> None:
    for name in SPACES[model_type]:
        with pytest.raises(InvalidInput):
            fit(library, BINARY, rounds=1, params={name: "no number"})


def test_trial_0_is_drawn_as_it_stands(model_type: ModelType) -> None:
    study = optuna.create_study()
    study.enqueue_trial(dict(DEFAULTS[model_type]))

    drawn = suggest(study.ask(), {model_type: SPACES[model_type]})

    assert drawn == Suggested(model_type, DEFAULTS[model_type])


def test_trial_0_is_what_the_library_does_when_nobody_asks(
    model_type: ModelType, library: Learner, task: Task
) -> None:
    rows, defaults = examples(task), DEFAULTS[model_type]
    unasked = {} if model_type != ModelType.CATBOOST else {"learning_rate": 0.03}

    plain = fit(library, task, params=unasked).predict(rows.matrix)

    trial_0 = fit(library, task, params=defaults).predict(rows.matrix)
    np.testing.assert_allclose(trial_0, plain, rtol=CLOSE, atol=CLOSE)


def test_what_is_drawn_by_magnitude_starts_above_0(model_type: ModelType) -> None:
    by_magnitude = [domain for domain in SPACES[model_type].values() if domain.log]

    assert by_magnitude
    assert all(domain.low > 0 for domain in by_magnitude)
    assert all(
        domain.low >= 0.01 or isclose(domain.low, ZERO)
        for domain in by_magnitude
        if isinstance(domain, Float)
    )
