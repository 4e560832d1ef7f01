"""Cancelling a study: before it runs, while it runs, after it ended, and when its job has died."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial

from mlsys.adapters.local.jobs import SubprocessJobs
from mlsys.domain.experiment_records import Experiment, ExperimentStatus
from mlsys.domain.model_records import VersionStatus
from mlsys.domain.split_records import Split
from mlsys.edge.http import Answer, Request, Table, respond
from mlsys.handlers.experiments import ROUTES
from mlsys.handlers.study import handle
from mlsys.ports import ExecutionState
from mlsys.repositories.experiments import EXPERIMENTS, trials_of
from mlsys.repositories.models import MODEL_VERSIONS
from mlsys.runtime import Runtime
from mlsys.use_cases.leading.leases import acquire
from mlsys.use_cases.registry import get_head
from mlsys.use_cases.trials.storage import TrialStorage
from tests.use_cases.conftest import asked_for, request_of
from tests.use_cases.launches import LONG, deliver, jobs_of, started, wait_for_the_end

MANY = {"n_trials": 2000, "sampler": "Random"}
ENDS_WITHIN_SECONDS = 15


def post(runtime: Runtime, id: str, body: Any = None) -> Answer:
    content = b"" if body is None else json.dumps(body).encode()
    return respond(
        Table(ROUTES), Request("POST", f"/v1/experiments/{id}/cancel", {}, {}, content), runtime
    )


def cancel(id: str, runtime: Runtime, **fields: Any) -> Experiment:
    answer = post(runtime, id, fields)
    assert answer.status == 200, answer.body
    return Experiment.model_validate_json(answer.body)


def states(id: str, runtime: Runtime) -> dict[str, int]:
    rows = trials_of(id).list(
        records=runtime.records, order_by="number", descending=False, limit=1000
    )
    assert [row.number for row in rows.values] == list(range(len(rows.values)))
    found = [row.state for row in rows.values]
    return {state: found.count(state) for state in sorted(set(found))}


@pytest.fixture
def running(
    ready_split: Split, runtime: Runtime
) -> Iterator[Callable[..., tuple[Experiment, "Future[Experiment]"]]]:
    """Start a study of many trials in this process, of which some have finished on return."""
    stop = Event()
    with ThreadPoolExecutor(1) as pool:

        def start(**fields: Any) -> tuple[Experiment, "Future[Experiment]"]:
            asked = asked_for(ready_split, runtime, optuna_config=MANY, **fields)
            study = pool.submit(handle, asked.id, runtime, environment={}, stop=stop)
            deadline = time.monotonic() + 60
            while states(asked.id, runtime).get("COMPLETE", 0) < 3:
                assert time.monotonic() < deadline
                assert not study.done()
                time.sleep(0.02)
            return asked, study

        yield start
        stop.set()


def test_what_was_not_launched_is_cancelled_at_once_and_never_starts(
    ready_split: Split, runtime: Runtime
) -> None:
    asked = asked_for(ready_split, runtime)

    ended = cancel(asked.id, runtime, reason="a mistake")

    assert ended.status is ExperimentStatus.CANCELLED
    assert ended.cancellation is not None
    assert ended.cancellation.reason == "a mistake"
    asked_again = request_of(ready_split, optuna_config={"n_trials": 3})
    assert deliver(asked_again, runtime, jobs_of(runtime, LONG)) == ended
    assert handle(asked.id, runtime, environment={}, stop=Event()) == ended
    assert states(asked.id, runtime) == {}


def test_an_execution_that_has_not_begun_its_study_is_cancelled_with_it(
    ready_split: Split, runtime: Runtime, jobs: SubprocessJobs
) -> None:
    launched = deliver(request_of(ready_split), runtime, jobs)

    ended = cancel(launched.id, runtime)
    wait_for_the_end(launched.execution_id, jobs)

    assert ended.status is ExperimentStatus.CANCELLED
    assert jobs.look(str(launched.execution_id)).state is ExecutionState.CANCELLED


@pytest.mark.parametrize("register_best", [False, True])
def test_the_execution_of_a_study_is_cancelled_unless_it_is_to_register_the_best(
    ready_split: Split, runtime: Runtime, jobs: SubprocessJobs, *, register_best: bool
) -> None:
    launched = deliver(request_of(ready_split), runtime, jobs)
    changed(launched, runtime, status=ExperimentStatus.RUNNING)

    seen = cancel(launched.id, runtime, register_best=register_best)

    assert seen.status is ExperimentStatus.RUNNING
    if not register_best:
        wait_for_the_end(launched.execution_id, jobs)
        assert cancel(launched.id, runtime).status is ExperimentStatus.CANCELLED
    assert jobs.look(str(launched.execution_id)).state.final is not register_best


def test_a_cancelled_study_ends_in_time_with_what_is_done(
    running: Callable[..., tuple[Experiment, "Future[Experiment]"]], runtime: Runtime
) -> None:
    asked, study = running(auto_promote={"stage": "production"})
    began = time.monotonic()

    seen = cancel(asked.id, runtime)
    ended = study.result(ENDS_WITHIN_SECONDS)

    assert time.monotonic() - began < ENDS_WITHIN_SECONDS
    assert (seen.status, ended.status) == (ExperimentStatus.RUNNING, ExperimentStatus.CANCELLED)
    assert ended.trials == states(asked.id, runtime)
    assert set(ended.trials) <= {"COMPLETE", "PRUNED", "FAIL"}
    assert ended.finished_at is not None
    assert (ended.model_id, MODEL_VERSIONS.list(records=runtime.records).values) == (None, [])
    assert ended.deterministic is False


def test_with_register_best_the_best_trial_so_far_is_a_version_that_nobody_promoted(
    running: Callable[..., tuple[Experiment, "Future[Experiment]"]], runtime: Runtime
) -> None:
    asked, study = running(auto_promote={"stage": "production"})

    cancel(asked.id, runtime, register_best=True)
    ended = study.result(2 * ENDS_WITHIN_SECONDS)

    assert (ended.status, ended.ended_by) == (ExperimentStatus.CANCELLED, "cancelled")
    assert ended.trials == states(asked.id, runtime)
    assert ended.best_trial is not None
    assert ended.deterministic is False
    version = MODEL_VERSIONS.get(str(ended.model_id), records=runtime.records).value
    assert version.status is VersionStatus.READY
    assert (ended.promotion, get_head("toys", records=runtime.records).production) == (None, None)


def test_the_first_cancel_stands_and_only_register_best_can_be_taken_back(
    ready_split: Split, runtime: Runtime
) -> None:
    asked = led(ready_split, runtime)

    first = cancel(asked.id, runtime, register_best=True, reason="first")
    again = cancel(asked.id, runtime, register_best=True, reason="again")
    back = cancel(asked.id, runtime)
    forth = cancel(asked.id, runtime, register_best=True)

    assert again == first
    assert first.cancellation is not None
    assert back.cancellation == first.cancellation.model_copy(update={"register_best": False})
    assert forth == back


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "CANCELLED"])
def test_what_has_ended_stays_as_it_is(ready_split: Split, runtime: Runtime, status: str) -> None:
    asked = asked_for(ready_split, runtime)
    ended = changed(asked, runtime, status=ExperimentStatus(status))

    assert cancel(asked.id, runtime, register_best=True) == ended


def test_what_has_registered_its_model_goes_on_to_its_end(
    ready_split: Split, runtime: Runtime
) -> None:
    asked = led(ready_split, runtime)
    registered = changed(asked, runtime, registered_at=runtime.now())

    assert cancel(asked.id, runtime) == registered


def test_a_study_whose_job_has_died_is_cancelled_at_once_and_its_trials_are_closed(
    ready_split: Split, runtime: Runtime
) -> None:
    asked = led(ready_split, runtime)
    storage = TrialStorage(runtime.records)
    study_id = storage.create_new_study([StudyDirection.MINIMIZE], asked.id)
    storage.create_new_trial(study_id, create_trial(value=1.0))
    storage.create_new_trial(study_id)
    storage.create_new_trial(study_id, create_trial(state=TrialState.WAITING))
    brief = Runtime(runtime.settings.model_copy(update={"lease_seconds": 0.01}))
    time.sleep(0.02)

    ended = cancel(asked.id, brief, register_best=True)

    assert ended.status is ExperimentStatus.CANCELLED
    assert ended.trials == states(asked.id, runtime) == {"COMPLETE": 1, "FAIL": 2}
    trials = TrialStorage(runtime.records).get_all_trials(study_id)
    reason = "stopped with the study: cancelled"
    assert [one.user_attrs.get("failure") for one in trials] == [None, reason, reason]
    with pytest.raises(UpdateFinishedTrialError):
        storage.set_trial_state_values(trials[1]._trial_id, TrialState.COMPLETE, [0.5])  # noqa: SLF001


def test_a_study_whose_job_died_after_its_cancel_is_ended_instead_of_launched_again(
    ready_split: Split, runtime: Runtime, jobs: SubprocessJobs
) -> None:
    asked = led(ready_split, runtime)
    assert cancel(asked.id, runtime).status is ExperimentStatus.RUNNING

    ended = deliver(request_of(ready_split, optuna_config={"n_trials": 3}), runtime, jobs)

    assert (ended.id, ended.status) == (asked.id, ExperimentStatus.CANCELLED)
    assert started(runtime) == []


@pytest.mark.parametrize(
    ("id", "body", "status"),
    [
        ("exp-none", None, 404),
        ("No%20Id", None, 400),
        ("exp-none", {"colour": "red"}, 400),
        ("exp-none", {"reason": "x" * 1001}, 400),
        ("exp-none", {"register_best": "yes"}, 400),
    ],
)
def test_what_cannot_be_cancelled_is_refused(
    runtime: Runtime, id: str, body: Any, status: int
) -> None:
    assert post(runtime, id, body).status == status


def led(split: Split, runtime: Runtime) -> Experiment:
    """Let a process that is no execution of a job lead a study."""
    asked = asked_for(split, runtime)
    acquire(runtime.records, f"experiments/{asked.id}/leases", "study", owner="me", seconds=60)
    return changed(asked, runtime, status=ExperimentStatus.RUNNING)


def changed(experiment: Experiment, runtime: Runtime, **fields: Any) -> Experiment:
    return EXPERIMENTS.change(
        experiment.id, lambda seen: seen.model_copy(update=fields), records=runtime.records
    )
