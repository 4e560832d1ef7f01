"""Spaces that the libraries accept, with their own defaults inside."""

from math import isclose

import numpy as np
import optuna
import pytest

from mlsys.domain.choices import ModelType, TaskType
from mlsys.domain.errors import InvalidInput
from mlsys.domain.features import Feature, Kind, Plan
from mlsys.domain.learners.base import Learner, Task
from mlsys.domain.messages import ExperimentWish
from mlsys.domain.spaces.dimensions import Choice, Float, Int
from mlsys.domain.spaces.overrides import spaces_of
from mlsys.domain.spaces.search import (
    ROUNDS,
    SPACES,
    ZERO,
    Space,
    Spaces,
    Suggested,
    as_optuna,
    default_space,
    defaults_of,
    first_trials,
    suggest,
    suggested,
)
from tests.domain.learning import BINARY, CLOSE, examples, fit

SMALL: Spaces = {
    ModelType.LIGHTGBM: {
        "num_leaves": Int(8, 64, step=8),
        "learning_rate": Float(0.2, 0.3),
        "extra_trees": Choice((True, False)),
        "max_depth": Int(3, 12),
        "n_estimators": Int(50, 80),
    }
}


def test_what_is_suggested_lies_in_the_space_and_is_accepted(
    model_type: ModelType, library: Learner, task: Task
) -> None:
    space, rows = SPACES[model_type], examples(task)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    binned = library.bin(rows, None, task=task, threads=1)

    for _ in range(10):
        drawn = suggest(study.ask(), {model_type: space}).params

        assert list(drawn) == list(space)
        assert all(space[name].nearest(value) == value for name, value in drawn.items())
        assert fit(library, task, binned=binned, rounds=2, params=drawn).rounds >= 1


def test_the_library_knows_each_parameter(model_type: ModelType, library: Learner) -> None:
    for name in SPACES[model_type]:
        with pytest.raises(InvalidInput):
            fit(library, BINARY, rounds=1, params={name: "no number"})


def test_trial_0_is_drawn_as_it_stands(model_type: ModelType) -> None:
    spaces = {model_type: SPACES[model_type]}
    [first] = first_trials(spaces).params
    study = optuna.create_study()
    study.enqueue_trial(dict(first))

    drawn = suggest(study.ask(), spaces)

    assert drawn == Suggested(model_type, defaults_of(model_type, SPACES[model_type]))


def test_trial_0_is_what_the_library_does_when_nobody_asks(
    model_type: ModelType, library: Learner, task: Task
) -> None:
    rows, plan = examples(task), planned(task, "category")
    defaults = defaults_of(model_type, default_space(model_type, plan))
    unasked = {} if model_type != ModelType.CATBOOST else {"learning_rate": 0.03}

    plain = fit(library, task, rounds=200, params=unasked).predict(rows.matrix)

    trial_0 = fit(library, task, rounds=200, params=defaults).predict(rows.matrix)
    np.testing.assert_allclose(trial_0, plain, rtol=CLOSE, atol=CLOSE)


def test_a_table_without_categories_is_not_searched_for_how_to_treat_them() -> None:
    numbers, words = planned(BINARY, "numeric"), planned(BINARY, "category")

    idle = {one: left_out(default_space(one), default_space(one, numbers)) for one in ModelType}

    assert idle == {
        ModelType.LIGHTGBM: {"min_data_per_group", "cat_smooth"},
        ModelType.XGBOOST: set(),
        ModelType.CATBOOST: {"one_hot_max_size"},
    }
    assert all(default_space(one, words) == SPACES[one] for one in ModelType)


def test_what_has_no_effect_on_a_table_is_searched_if_somebody_names_it() -> None:
    wish = ExperimentWish(
        name="toys",
        target_column="kind",
        task_type=TaskType.CLASSIFICATION,
        model_type=ModelType.LIGHTGBM,
        search_space={"cat_smooth": 3},
    )

    space = spaces_of(wish, planned(BINARY, "numeric"))[ModelType.LIGHTGBM]

    assert space["cat_smooth"] == Float(3.0, 3.0)
    assert "min_data_per_group" not in space


def test_steps_towards_the_values_of_leaves_are_searched_where_there_are_two_classes(
    task: Task,
) -> None:
    catboost = ModelType.CATBOOST

    idle = left_out(SPACES[catboost], default_space(catboost, planned(task, "category")))

    assert idle == (set() if task.kind == "binary" else {"leaf_estimation_iterations"})


def test_nothing_is_said_of_defaults_that_are_in_the_space() -> None:
    assert first_trials(SPACES).notes == []


def test_what_is_drawn_by_magnitude_starts_above_0(model_type: ModelType) -> None:
    sides = [side for side in SPACES[model_type].values() if not isinstance(side, Choice)]
    by_magnitude = [side for side in sides if side.log]

    assert by_magnitude
    assert all(side.low > 0 for side in by_magnitude)
    assert all(
        side.low >= 0.01 or isclose(side.low, ZERO)
        for side in by_magnitude
        if isinstance(side, Float)
    )


def test_of_three_libraries_one_is_drawn_with_its_own_parameters() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))

    for _ in range(20):
        trial = study.ask()
        drawn = suggest(trial, SPACES)
        study.tell(trial, 0)

        assert list(drawn.params) == list(SPACES[drawn.model_type])
        assert trial.params == as_optuna(drawn.model_type, drawn.params, SPACES)
    assert {one.params["model_type"] for one in study.trials} == set(ModelType)


@pytest.mark.parametrize(
    "spaces", [SPACES, SMALL, {ModelType.XGBOOST: SPACES[ModelType.XGBOOST]}], ids=["3", "1", "x"]
)
def test_what_a_finished_trial_tried_is_read_from_what_optuna_keeps(
    spaces: Spaces,
) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    drawn = []
    for _ in range(10):
        trial = study.ask()
        drawn.append(suggest(trial, spaces))
        study.tell(trial, 0)

    assert [suggested(one.params, list(spaces)) for one in study.trials] == drawn


def test_the_number_of_rounds_is_parted_from_what_the_library_is_told() -> None:
    [first] = first_trials(SMALL).params

    assert first["n_estimators"] == 80
    assert suggested(first, [ModelType.LIGHTGBM]).rounds == 80
    assert "n_estimators" not in suggested(first, [ModelType.LIGHTGBM]).params
    assert suggested({"num_leaves": 8}, [ModelType.LIGHTGBM]).rounds == ROUNDS


def test_defaults_outside_the_space_are_moved_inside_and_told() -> None:
    first = first_trials(SMALL)

    assert first.params == [
        {
            "num_leaves": 32,
            "learning_rate": 0.2,
            "extra_trees": False,
            "max_depth": 12,
            "n_estimators": 80,
        }
    ]
    assert [note.split(", is not")[0] for note in first.notes] == [
        "first trials: lightgbm's default of num_leaves, 31",
        "first trials: lightgbm's default of learning_rate, 0.1",
        "first trials: lightgbm's default of max_depth, none",
        "first trials: lightgbm's default of n_estimators, 1000",
    ]


def test_each_library_begins_with_its_defaults() -> None:
    first = first_trials(SPACES)

    assert [one["model_type"] for one in first.params] == list(SPACES)
    assert first.params[0]["lightgbm.num_leaves"] == 31


def test_what_was_tried_earlier_is_fitted_into_the_space() -> None:
    earlier = [
        Suggested(ModelType.LIGHTGBM, {"num_leaves": 200, "lambda_l1": 3.0, "max_depth": 5}, 60),
        Suggested(ModelType.LIGHTGBM, {}),
    ]

    first = first_trials(SMALL, earlier)

    assert first.params[1:] == [
        {
            "num_leaves": 64,
            "learning_rate": 0.2,
            "extra_trees": False,
            "max_depth": 5,
            "n_estimators": 60,
        }
    ]
    moved = "is not in its search space"
    assert first.notes[4:] == [
        f"warm start: num_leaves of best trial 1, 200, {moved}; 64 is tried instead",
        "warm start: lambda_l1 of best trial 1 is not searched now, and was dropped",
    ]


def test_a_choice_that_there_is_no_more_is_moved_and_told() -> None:
    spaces: Spaces = {ModelType.XGBOOST: {"grow_policy": Choice(("lossguide",))}}
    earlier = Suggested(ModelType.XGBOOST, {"grow_policy": "depthwise"})

    first = first_trials(spaces, [earlier])

    assert first.params == [{"grow_policy": "lossguide"}]
    assert [note.split(":")[0] for note in first.notes] == ["first trials", "warm start"]


def planned(task: Task, kind: Kind) -> Plan:
    """Plan a table of one column."""
    feature = Feature(name="column", kind=kind, nullable=False)
    labels = tuple(range(task.n_classes))
    return Plan(features=(feature,), target="target", task_kind=task.kind, labels=labels)


def left_out(space: Space, other: Space) -> set[str]:
    """Name what the other space lacks."""
    return set(space) - set(other)
