"""A study that begins with the best of an earlier one."""

from threading import Event
from typing import Any

import pytest

from mlsys.domain.errors import InvalidInput
from mlsys.domain.experiment_records import Experiment, ExperimentStatus
from mlsys.domain.messages import ExperimentRequest
from mlsys.domain.spaces.overrides import spaces_of
from mlsys.domain.spaces.search import FirstTrials, first_trials
from mlsys.domain.split_records import Split
from mlsys.handlers.study import handle
from mlsys.ports import Json
from mlsys.repositories.experiments import EXPERIMENTS, trials_of
from mlsys.runtime import Runtime
from mlsys.use_cases.experiments import check_request
from mlsys.use_cases.shown_trials import list_trials
from tests.use_cases.conftest import asked_for, request_of

LEAVES = range(10, 80, 10)


def ended(
    split: Split,
    runtime: Runtime,
    *,
    values: dict[int, float | None],
    name: str = "num_leaves",
    **fields: Any,
) -> Experiment:
    """An experiment that has tried so many leaves, each with its value; None is no value."""
    asked = asked_for(split, runtime, request_id="earlier", **fields)
    for number, (leaves, value) in enumerate(values.items()):
        body: Json = {
            "number": number,
            "state": "PRUNED" if value is None else "COMPLETE",
            "values": None if value is None else [value],
            "params": [{"name": name, "value": leaves}],
            "user_attrs": {},
            "attempt": 1,
            "started_at": None,
            "completed_at": None,
        }
        runtime.records.create(trials_of(asked.id).name, f"{number:07d}", body)
    return EXPERIMENTS.change(
        asked.id,
        lambda seen: seen.model_copy(update={"status": ExperimentStatus.SUCCEEDED}),
        records=runtime.records,
    )


def begun(request: ExperimentRequest, runtime: Runtime) -> FirstTrials:
    accepted = check_request(request, records=runtime.records)
    return first_trials(spaces_of(request), accepted.earlier)


@pytest.mark.parametrize(
    ("metric", "best"), [("auc", [70, 60, 50, 40, 30]), ("log_loss", [10, 20, 30, 40, 50])]
)
def test_the_five_best_are_tried_after_the_defaults(
    metric: str, best: list[int], ready_split: Split, runtime: Runtime
) -> None:
    values: dict[int, float | None] = {leaves: leaves / 100 for leaves in LEAVES}
    earlier = ended(ready_split, runtime, values={**values, 90: None}, metric_name=metric)

    first = begun(request_of(ready_split, warm_start_from=earlier.id), runtime)

    assert [one["num_leaves"] for one in first.params] == [31, *best]
    assert first.params[1] == {**first.params[0], "num_leaves": best[0]}
    assert first.notes == []


def test_without_an_earlier_experiment_the_defaults_are_all(
    ready_split: Split, runtime: Runtime
) -> None:
    assert len(begun(request_of(ready_split), runtime).params) == 1


def test_of_three_libraries_the_trials_of_those_that_are_tuned_now_are_taken(
    ready_split: Split, runtime: Runtime
) -> None:
    earlier = ended(ready_split, runtime, values={20: 0.7, 40: 0.9}, model_type="lightgbm")

    first = begun(request_of(ready_split, warm_start_from=earlier.id, model_type="auto"), runtime)

    assert [one["model_type"] for one in first.params[3:]] == ["lightgbm", "lightgbm"]
    assert [one["lightgbm.num_leaves"] for one in first.params[3:]] == [40, 20]


@pytest.mark.parametrize(
    ("status", "values", "model_type", "why"),
    [
        ("SUCCEEDED", {}, "lightgbm", "has no complete trial of lightgbm"),
        ("SUCCEEDED", {20: None}, "lightgbm", "has no complete trial of lightgbm"),
        ("SUCCEEDED", {20: 0.5}, "catboost", "has no complete trial of catboost"),
        ("RUNNING", {20: 0.5}, "lightgbm", "is RUNNING: wait until it has ended"),
    ],
    ids=str,
)
def test_what_gives_nothing_to_begin_with_is_refused(
    status: str,
    values: dict[int, float | None],
    model_type: str,
    why: str,
    *,
    ready_split: Split,
    runtime: Runtime,
) -> None:
    earlier = ended(ready_split, runtime, values=values)
    EXPERIMENTS.change(
        earlier.id,
        lambda seen: seen.model_copy(update={"status": ExperimentStatus(status)}),
        records=runtime.records,
    )

    with pytest.raises(InvalidInput, match=f"warm_start_from: {earlier.id} {why}"):
        check_request(
            request_of(ready_split, warm_start_from=earlier.id, model_type=model_type),
            records=runtime.records,
        )


def test_an_experiment_that_there_is_not_is_refused(ready_split: Split, runtime: Runtime) -> None:
    with pytest.raises(InvalidInput, match="warm_start_from: there is no experiment 'exp-none'"):
        check_request(request_of(ready_split, warm_start_from="exp-none"), records=runtime.records)


def test_a_study_says_what_it_made_of_them(ready_split: Split, runtime: Runtime) -> None:
    earlier = ended(ready_split, runtime, values={64: 0.9})
    asked = asked_for(
        ready_split,
        runtime,
        warm_start_from=earlier.id,
        search_space={"num_leaves": {"low": 8, "high": 32}, "max_depth": 4, "n_estimators": 20},
    )

    done = handle(asked.id, runtime, environment={}, stop=Event())

    trials, _ = list_trials(asked.id, page_size=10, page_token=None, records=runtime.records)
    assert done.status is ExperimentStatus.SUCCEEDED
    assert [one.params["num_leaves"] for one in trials[::-1][:2]] == [31, 32]
    assert all(one.params["max_depth"] == 4 and (one.rounds or 0) <= 20 for one in trials)
    assert any(
        "64, is not in its search space; 32 is tried instead" in one for one in done.warnings
    )
    assert any("default of max_depth, none, is not" in one for one in done.warnings)
