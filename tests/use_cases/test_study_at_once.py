"""The study: many trials at once or one by one, and what ended it."""

import os
from threading import Event
from typing import Any

import pytest

from mlsys.domain.experiment_records import ExperimentStatus
from mlsys.domain.split_records import Split
from mlsys.handlers import study
from mlsys.repositories.models import MODEL_VERSIONS
from mlsys.runtime import Runtime
from mlsys.use_cases.searching import search
from mlsys.use_cases.searching.sampling import sampler_of
from mlsys.use_cases.shown_trials import list_trials
from tests.use_cases.conftest import asked_for
from tests.use_cases.test_study import run, trial_states


def test_a_study_of_one_worker_that_makes_one_trial_at_a_time_is_deterministic(
    ready_split: Split, runtime: Runtime
) -> None:
    config = {"n_trials": 14, "trials_at_once": 1}

    first, second = (
        run(asked_for(ready_split, runtime, request_id=one, optuna_config=config).id, runtime)
        for one in "ab"
    )

    assert (first.deterministic, first.trials_at_once, first.threads) == (True, 1, 1)
    assert (first.ended_by, first.calibration_seconds) == ("n_trials", 0)
    trials = [
        list_trials(one.id, page_size=100, page_token=None, records=runtime.records)[0]
        for one in (first, second)
    ]
    assert [one.params for one in trials[0]] == [one.params for one in trials[1]]
    assert [one.value for one in trials[0]] == [one.value for one in trials[1]]
    models = [
        MODEL_VERSIONS.get(one.model_id, records=runtime.records).value.files["model.txt"].sha256
        for one in (first, second)
    ]
    assert models[0] == models[1]


@pytest.mark.parametrize("model_type", ["lightgbm", "xgboost", "catboost"])
def test_trials_at_once_are_one_study(
    ready_split: Split, runtime: Runtime, model_type: str
) -> None:
    config = {"n_trials": 9, "trials_at_once": 4, "sampler": "Random"}
    experiment = asked_for(ready_split, runtime, model_type=model_type, optuna_config=config)

    ended = run(experiment.id, runtime)

    assert ended.status is ExperimentStatus.SUCCEEDED
    assert len(trial_states(experiment.id, runtime)) == sum(ended.trials.values()) == 9
    assert (ended.trials_at_once, ended.deterministic, ended.workers) == (4, False, 1)


@pytest.mark.parametrize("trials_at_once", [1, 4])
def test_the_sampler_is_told_whether_trials_run_side_by_side(
    ready_split: Split, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, trials_at_once: int
) -> None:
    told: list[bool] = []

    def sampler(*arguments: Any, parallel: bool, **more: Any) -> Any:
        told.append(parallel)
        return sampler_of(*arguments, parallel=parallel, **more)

    monkeypatch.setattr(search, "sampler_of", sampler)
    config = {"n_trials": 4, "trials_at_once": trials_at_once}

    run(asked_for(ready_split, runtime, optuna_config=config).id, runtime)

    assert told == [trials_at_once > 1]


@pytest.mark.parametrize(
    ("limit", "ended_by", "deterministic"),
    [
        ({"plateau_trials": 2}, "plateau", True),
        ({"max_cost_usd": 1e-12}, "cost", False),
        ({"timeout_seconds": 1e-6}, "timeout", False),
    ],
)
def test_a_study_says_what_ended_it_and_whether_it_would_end_there_again(
    ready_split: Split,
    runtime: Runtime,
    limit: dict[str, float],
    ended_by: str,
    *,
    deterministic: bool,
) -> None:
    config = {"n_trials": 60, "sampler": "Random", **limit}

    ended = run(asked_for(ready_split, runtime, optuna_config=config).id, runtime)

    assert (ended.status, ended.ended_by) == (ExperimentStatus.SUCCEEDED, ended_by)
    assert ended.deterministic is deterministic
    assert sum(ended.trials.values()) < 60


@pytest.mark.parametrize(("other", "deterministic"), [("latency", False), ("size", True)])
def test_a_study_that_learns_from_a_stopwatch_is_not_deterministic(
    ready_split: Split, runtime: Runtime, other: str, *, deterministic: bool
) -> None:
    asked = asked_for(ready_split, runtime, objectives=["metric", other])

    assert run(asked.id, runtime).deterministic is deterministic


@pytest.mark.parametrize(
    ("cores", "tasks", "threads"),
    [(4, 1, [4]), (4, 2, [2, 2]), (4, 3, [2, 1, 1]), (2, 3, [1, 1, 1])],
)
def test_tasks_of_one_machine_share_its_cores_and_leave_none_idle(
    runtime: Runtime,
    monkeypatch: pytest.MonkeyPatch,
    cores: int,
    tasks: int,
    threads: list[int],
) -> None:
    given: list[int] = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    monkeypatch.setattr(study, "run_study", lambda *_, worker, **__: given.append(worker.threads))
    unbound = Runtime(runtime.settings.model_copy(update={"threads": None}))

    for task in range(tasks):
        told = {"CLOUD_RUN_TASK_COUNT": str(tasks), "CLOUD_RUN_TASK_INDEX": str(task)}
        study.handle("exp-1", unbound, environment=told, stop=Event())

    assert given == threads
