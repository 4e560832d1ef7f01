"""From a message to a running job: once per request, and never for a request that is none."""

from typing import Any

import pytest

from mlsys.adapters.local.jobs import SubprocessJobs
from mlsys.domain.errors import AlreadyExists, InvalidInput, MlsysError, NotFound
from mlsys.domain.experiment_records import ExperimentStatus
from mlsys.domain.messages import ExperimentRequest
from mlsys.domain.split_records import Split
from mlsys.repositories.experiments import EXPERIMENTS
from mlsys.runtime import Runtime
from mlsys.use_cases.launch import MAX_LAUNCHES, record_rejection
from tests.use_cases.conftest import NOW, asked_for, request_of
from tests.use_cases.launches import deliver, jobs_of, started, wait_for_the_end


def test_a_message_starts_one_execution_with_as_many_tasks_as_asked_for(
    ready_split: Split, runtime: Runtime, jobs: SubprocessJobs
) -> None:
    launched = deliver(request_of(ready_split, optuna_config={"parallelism": 2}), runtime, jobs)

    assert launched.status is ExperimentStatus.LAUNCHED
    assert launched.launches == 1
    assert jobs.look(str(launched.execution_id)).tasks == 2
    [execution] = started(runtime)
    assert execution["arguments"] == ["--experiment", launched.id, "--request-id=--r 1"]


def test_a_redelivery_leaves_an_execution_that_runs_alone(
    ready_split: Split, runtime: Runtime, jobs: SubprocessJobs
) -> None:
    first = deliver(request_of(ready_split), runtime, jobs)

    again = deliver(request_of(ready_split), runtime, jobs, message_id="m-2")

    assert again == first
    assert len(started(runtime)) == 1


def test_an_execution_without_an_outcome_is_followed_by_others_at_most_five_in_all(
    ready_split: Split, runtime: Runtime
) -> None:
    jobs = jobs_of(runtime, ["false"])
    seen = []
    for _ in range(MAX_LAUNCHES):
        seen.append(deliver(request_of(ready_split), runtime, jobs))
        wait_for_the_end(seen[-1].execution_id, jobs)

    last = deliver(request_of(ready_split), runtime, jobs)

    assert [one.launches for one in seen] == [1, 2, 3, 4, 5]
    assert len({one.execution_id for one in seen}) == len(started(runtime)) == 5
    assert last.status is ExperimentStatus.FAILED
    assert last.failure is not None
    assert last.failure.code == "job_died"
    assert deliver(request_of(ready_split), runtime, jobs) == last


def test_an_execution_of_which_nobody_knows_any_more_is_followed_by_another(
    ready_split: Split, runtime: Runtime, jobs: SubprocessJobs
) -> None:
    first = deliver(request_of(ready_split), runtime, jobs)
    seen = EXPERIMENTS.get(first.id, records=runtime.records)
    lost = seen.value.model_copy(update={"execution_id": "study-gone"})
    EXPERIMENTS.replace(seen, lost, records=runtime.records)

    assert deliver(request_of(ready_split), runtime, jobs).launches == 2


def test_a_finished_experiment_is_not_launched_again(
    ready_split: Split, runtime: Runtime, jobs: SubprocessJobs
) -> None:
    experiment = asked_for(ready_split, runtime)
    seen = EXPERIMENTS.get(experiment.id, records=runtime.records)
    ended = seen.value.model_copy(update={"status": ExperimentStatus.SUCCEEDED})
    EXPERIMENTS.replace(seen, ended, records=runtime.records)

    assert deliver(ExperimentRequest(**experiment.request), runtime, jobs) == ended
    assert started(runtime) == []


def test_a_job_that_is_not_deployed_fails_the_experiment(
    ready_split: Split, runtime: Runtime
) -> None:
    jobs = SubprocessJobs(runtime.settings.home, {})

    with pytest.raises(NotFound, match="no job 'study'"):
        deliver(request_of(ready_split), runtime, jobs)

    [failed] = EXPERIMENTS.list(records=runtime.records).values
    assert failed.status is ExperimentStatus.FAILED
    assert failed.failure is not None
    assert failed.failure.code == "not_found"


@pytest.mark.parametrize(
    ("fields", "error", "reason"),
    [
        ({"target_column": "none"}, InvalidInput, "no column 'none'"),
        ({"split_id": "split-none"}, NotFound, "split-none"),
        ({"metric_name": "rmse"}, InvalidInput, "rmse"),
    ],
)
def test_a_request_that_does_not_fit_its_split_fails_and_says_why(
    ready_split: Split,
    runtime: Runtime,
    jobs: SubprocessJobs,
    *,
    fields: dict[str, str],
    error: type[MlsysError],
    reason: str,
) -> None:
    request = request_of(ready_split, **fields)

    with pytest.raises(error, match=reason):
        deliver(request, runtime, jobs)

    [failed] = EXPERIMENTS.list(records=runtime.records).values
    assert failed.status is ExperimentStatus.FAILED
    assert failed.failure is not None
    assert reason in failed.failure.message
    assert deliver(request, runtime, jobs) == failed
    assert started(runtime) == []


def test_a_request_id_that_stands_for_another_request_starts_nothing(
    ready_split: Split, runtime: Runtime, jobs: SubprocessJobs
) -> None:
    first = deliver(request_of(ready_split), runtime, jobs)

    with pytest.raises(AlreadyExists, match="r-1"):
        deliver(request_of(ready_split, optuna_config={"n_trials": 9}), runtime, jobs)

    rejected, kept = sorted(
        EXPERIMENTS.list(records=runtime.records).values, key=lambda one: one.status
    )
    assert kept == first
    assert rejected.failure is not None
    assert (rejected.status, rejected.failure.code) == (ExperimentStatus.FAILED, "already_exists")
    assert len(started(runtime)) == 1


def test_without_a_request_id_the_message_is_what_is_launched_once(
    ready_split: Split, runtime: Runtime, jobs: SubprocessJobs
) -> None:
    request = request_of(ready_split, request_id=None)

    launched = [deliver(request, runtime, jobs, message_id=id) for id in ("m-1", "m-1", "m-2")]

    assert launched[0] == launched[1]
    assert launched[2].id != launched[0].id
    assert launched[0].request_id == "message-m-1"
    assert len(started(runtime)) == 2


@pytest.mark.parametrize(
    "body",
    [{"name": "toys", "request_id": "r-1", "optuna_config": {"n_trials": 0}}, ["no", "object"], 3],
)
def test_a_message_that_is_no_request_is_kept_once_for_its_sender(
    runtime: Runtime, body: Any
) -> None:
    error = InvalidInput("this is no request")

    kept = [
        record_rejection(body, error, message_id="m-1", records=runtime.records, now=NOW)
        for _ in range(2)
    ]

    assert kept[0] == kept[1]
    assert kept[0].status is ExperimentStatus.FAILED
    assert kept[0].failure is not None
    assert kept[0].failure.message == "this is no request"
    assert EXPERIMENTS.list(records=runtime.records).values == kept[:1]
