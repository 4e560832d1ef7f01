"""The threshold is the best there is: all are tried by hand."""

import numpy as np
import pytest
from hypothesis import given

from mlsys.domain.errors import InvalidInput
from mlsys.domain.evaluation.formulas import FORMULAS
from mlsys.domain.evaluation.metrics import resolve_metric
from mlsys.domain.evaluation.thresholds import best_threshold, threshold_metric_of
from mlsys.domain.learners.base import Task
from tests.domain.learning import BINARY, MULTICLASS, REGRESSION
from tests.domain.scored import EXACT, Scored, binary_rows

OF_LABELS = [name for name, formula in FORMULAS["binary"].items() if formula.labels]


@pytest.mark.parametrize("name", OF_LABELS)
@given(binary_rows(EXACT))
def test_no_threshold_is_better(name: str, rows: Scored) -> None:
    target, score, weights = rows
    metric = resolve_metric(name, BINARY)

    found = best_threshold(metric, target, score, weights=weights)

    every = {*score.tolist(), 0.0, 0.05, 0.5, 0.95, 1.0}
    values = {one: metric.value(target, score, weights=weights, threshold=one) for one in every}
    best = max(values.values()) if metric.maximize else min(values.values())
    assert found.value == pytest.approx(best, abs=1e-12)
    assert found.value == metric.value(target, score, weights=weights, threshold=found.threshold)
    as_good = [one for one, value in values.items() if value == pytest.approx(best, abs=1e-13)]
    nearest = min(abs(one - 0.5) for one in {*score.tolist(), 0.5} & set(as_good) or as_good)
    assert abs(found.threshold - 0.5) <= nearest + 1e-15


def test_of_as_good_thresholds_the_one_next_to_one_half_is_taken() -> None:
    accuracy = resolve_metric("accuracy", BINARY)
    target = np.array([0.0, 1.0])

    assert best_threshold(accuracy, target, np.array([0.2, 0.9])).threshold == 0.5
    assert best_threshold(accuracy, target, np.array([0.6, 0.9])).threshold == 0.9
    assert best_threshold(accuracy, target, np.array([0.1, 0.3])).threshold == 0.3


def test_it_may_be_best_to_say_no_to_all() -> None:
    accuracy = resolve_metric("accuracy", BINARY)

    found = best_threshold(accuracy, np.array([0.0, 0.0, 0.0, 1.0]), np.array([0.9, 0.8, 0.7, 0.6]))

    assert found.threshold > 0.9
    assert found.value == 0.75


def test_weights_move_it() -> None:
    accuracy = resolve_metric("accuracy", BINARY)
    target, score = np.array([1.0, 0.0]), np.array([0.3, 0.7])

    yes = best_threshold(accuracy, target, score, weights=np.array([9.0, 1.0]))
    no = best_threshold(accuracy, target, score, weights=np.array([1.0, 9.0]))

    assert (yes.threshold, yes.value) == (0.3, 0.9)
    assert no.threshold > 0.7


def test_rows_that_do_not_count_choose_none() -> None:
    f1 = resolve_metric("f1", BINARY)

    with pytest.raises(InvalidInput, match="nor all 0"):
        best_threshold(f1, np.array([0.0]), np.array([0.5]), weights=np.array([0.0]))


@pytest.mark.parametrize("task", [MULTICLASS, REGRESSION], ids=lambda task: task.kind)
def test_only_two_classes_have_a_threshold(task: Task) -> None:
    with pytest.raises(InvalidInput, match=f"and this is {task.kind}; leave it out"):
        threshold_metric_of("f1", task)


def test_a_metric_goes_by_its_usual_names() -> None:
    assert threshold_metric_of("MCC", BINARY) == resolve_metric("matthews_corrcoef", BINARY)
    assert threshold_metric_of(None, MULTICLASS) is None
