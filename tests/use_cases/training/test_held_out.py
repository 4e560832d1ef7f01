"""What is held out is scored by fits that did not see it, exactly as the trials saw it."""

from typing import Any

import numpy as np
import pytest

from mlsys.domain.learners.base import Floats
from mlsys.domain.spaces.search import Suggested, suggested
from mlsys.domain.split_records import Split
from mlsys.runtime import Runtime
from mlsys.use_cases.training.held_out import HeldOut, held_out
from mlsys.use_cases.training.material import Training
from mlsys.use_cases.training.objective import tried_fold
from tests.use_cases.training.crownings import prepared, searched

VALUE: dict[str, Any] = {
    "target_column": "price",
    "task_type": "regression",
    "feature_columns": ["size", "colour", "noise"],
}


def again(training: Training, *, trial: int = 1) -> tuple[Suggested, HeldOut, float]:
    """Make two trials, and hold one's rows out again."""
    done = searched(training, trials=2)[trial]
    drawn = suggested(done.params, training.request.model_types)
    return drawn, held_out(training, drawn), done.values[0]


@pytest.mark.parametrize("model_type", ["lightgbm", "xgboost", "catboost"])
@pytest.mark.parametrize(
    "fields",
    [{}, {"cv_folds": 3}, {"weight_column": "price", "cv_folds": 2}, VALUE],
    ids=["val", "folds", "weights", "regression"],
)
def test_it_is_to_the_bit_what_the_trial_saw(
    ready_split: Split, runtime: Runtime, model_type: str, fields: dict[str, Any]
) -> None:
    training = prepared(ready_split, runtime, model_type=model_type, **fields)

    _, held, value = again(training)

    assert held.value == value


def test_without_folds_it_is_val(ready_split: Split, runtime: Runtime) -> None:
    training = prepared(ready_split, runtime, weight_column="price")

    _, held, value = again(training)

    assert (held.name, held.part) == ("val", "val")
    scored, val = held.scored, training.parts["val"]
    np.testing.assert_array_equal(scored.target, val.target)
    np.testing.assert_array_equal(_known(scored.weights), _known(val.weights))
    again_value = training.metric.value(scored.target, scored.prediction, weights=scored.weights)
    assert again_value == value


def test_with_folds_each_row_of_train_is_scored_by_the_fit_that_did_not_see_it(
    ready_split: Split, runtime: Runtime
) -> None:
    training = prepared(ready_split, runtime, cv_folds=3)

    drawn, held, _ = again(training)

    assert (held.name, held.part) == ("out_of_fold", "train")
    np.testing.assert_array_equal(held.scored.target, training.parts["train"].target)
    for place, fold in enumerate(training.folds):
        assert fold.places is not None
        told = tried_fold(training, drawn, place).prediction
        np.testing.assert_array_equal(held.scored.prediction[fold.places], told)


def test_another_trial_saw_something_else(ready_split: Split, runtime: Runtime) -> None:
    training = prepared(ready_split, runtime, metric_name="log_loss")

    _, defaults, _ = again(training, trial=0)
    _, held, value = again(training)

    assert defaults.value != value
    assert held.value == value


def _known(weights: Floats | None) -> Floats:
    assert weights is not None
    return weights
