"""The limits of a search: counted from the start of the experiment, for all of its tasks."""

from datetime import timedelta
from typing import Any

import pytest

from mlsys.domain.experiment_records import Experiment
from mlsys.domain.messages import OptunaConfig
from mlsys.domain.split_records import Split
from mlsys.runtime import Runtime
from mlsys.use_cases.leading.ends import Limits
from mlsys.use_cases.leading.lead import House, Worker
from mlsys.use_cases.searching.search import _limits
from tests.use_cases.conftest import NOW, asked_for


@pytest.mark.parametrize(
    ("asked", "gone_seconds", "limits"),
    [
        ({}, 100, Limits()),
        ({"timeout_seconds": 600.0}, 0, Limits(timeout_seconds=600)),
        ({"timeout_seconds": 600.0}, 100, Limits(timeout_seconds=500)),
        ({"timeout_seconds": 60.0}, 100, Limits(timeout_seconds=-40)),
        ({"max_cost_usd": 3.0}, 0, Limits(cost_seconds=500)),
        ({"max_cost_usd": 3.0}, 100, Limits(cost_seconds=400)),
        ({"plateau_trials": 7}, 100, Limits(plateau_trials=7)),
    ],
)
def test_seconds_that_are_gone_count_and_each_task_costs(
    ready_split: Split, runtime: Runtime, asked: Any, gone_seconds: float, limits: Limits
) -> None:
    began = asked_for(ready_split, runtime).model_copy(
        update={"started_at": NOW - timedelta(seconds=gone_seconds)}
    )

    assert limits_of(began, asked, runtime) == limits


def test_an_experiment_that_has_not_started_has_all_of_its_time(
    ready_split: Split, runtime: Runtime
) -> None:
    waiting = asked_for(ready_split, runtime)

    found = limits_of(waiting, {"timeout_seconds": 600.0, "max_cost_usd": 3.0}, runtime)

    assert found == Limits(timeout_seconds=600, cost_seconds=500)


def limits_of(experiment: Experiment, asked: Any, runtime: Runtime) -> Limits:
    """Return the limits of one of three tasks, of which each costs 0.002 USD a second."""
    worker = Worker("study-1", 1, 3, threads=1, lease_seconds=60, usd_per_second=0.002)
    house = House(runtime.records, runtime.objects, "artifacts", now=lambda: NOW)
    config = OptunaConfig.model_validate(asked)
    return _limits(experiment, config, worker=worker, house=house)
