"""From a message to a running study job, once per experiment."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog

from mlsys.domain.errors import (
    AlreadyExists,
    Busy,
    Conflict,
    InvalidInput,
    MlsysError,
    NotFound,
)
from mlsys.domain.experiment_records import Experiment, ExperimentStatus
from mlsys.domain.ids import content_id
from mlsys.domain.messages import ExperimentRequest
from mlsys.domain.records import Failure
from mlsys.ports import Jobs, Records
from mlsys.repositories.collection import Stored
from mlsys.repositories.experiments import EXPERIMENTS
from mlsys.use_cases.executions import arguments_for, still_runs
from mlsys.use_cases.experiments import check_request, check_same, find_or_create, requested
from mlsys.use_cases.leading.closing import end_cancelled

log = structlog.get_logger()

MAX_LAUNCHES = 5


def launch_study(
    request: ExperimentRequest,
    *,
    message_id: str,
    records: Records,
    jobs: Jobs,
    job: str,
    carried: Mapping[str, str],
    lease_seconds: float,
    now: datetime,
) -> Experiment:
    """Start the study job for a request.

    The same request again leaves an execution that runs alone. Where it ended without an outcome
    another is started, at most 5 in all. Two executions by mischance do no harm: the job claims
    its experiment. What was cancelled is ended, not started.

    Args:
        request: as published; without a `request_id` the message's id stands in for it.
        message_id: the message's id.
        records: where the experiment is, or will be.
        jobs: where the job runs.
        job: its name.
        carried: what the job writes into each line of its log: `request_id`, `traceparent`.
        lease_seconds: after how long a launch that went silent is tried again.
        now: for the record.

    Raises:
        InvalidInput, NotFound: the request does not fit its split, or there is no such job.
        AlreadyExists: `request_id` was used for another request. A FAILED experiment says so, as
            it does of the errors above.
        Busy: another delivery is at it.

    """
    if request.request_id is None:
        request = request.model_copy(update={"request_id": f"message-{message_id}"})
    seen = find_or_create(requested(request, now=now), records=records)
    try:
        check_same(request, seen.value)
    except AlreadyExists as error:
        body = request.model_dump(mode="json")
        record_rejection(body, error, message_id=message_id, records=records, now=now)
        raise
    if seen.value.status.final or still_runs(seen.value.execution_id, jobs):
        return seen.value
    if seen.value.unwanted:
        return end_cancelled(seen.value.id, records=records, now=lambda: now)
    if seen.value.launches == 0:
        _check(request, seen, records=records, now=now)
    if seen.value.launches >= MAX_LAUNCHES:
        reason = f"the study job ended {MAX_LAUNCHES} times without an outcome"
        return _fail(seen, Failure(code="job_died", message=reason), records=records, now=now)

    claimed = _claim(seen, records=records, lease_seconds=lease_seconds, now=now)
    try:
        execution = jobs.start(
            job,
            arguments=arguments_for("experiment", seen.value.id, carried),
            tasks=request.optuna_config.parallelism,
        )
    except NotFound as error:
        _fail(claimed, Failure.of(error), records=records, now=now)
        raise
    log.info("experiment.launched", experiment_id=seen.value.id, execution_id=execution.id)
    return _note_execution(seen.value.id, execution.id, records=records)


def record_rejection(
    body: Any, error: MlsysError, *, message_id: str, records: Records, now: datetime
) -> Experiment:
    """Keep a message that is no request of its own as a FAILED experiment, for its sender."""
    known = body if isinstance(body, dict) else {}
    request_id = known.get("request_id")
    if not isinstance(request_id, str):
        request_id = f"message-{message_id}"
    experiment = Experiment(
        id=content_id("exp", "rejected", request_id, known),
        name=str(known.get("name", "rejected"))[:200],
        status=ExperimentStatus.FAILED,
        created_at=now,
        updated_at=now,
        finished_at=now,
        request=known,
        request_id=request_id,
        failure=Failure.of(error),
    )
    return find_or_create(experiment, records=records).value


def _check(
    request: ExperimentRequest, seen: Stored[Experiment], *, records: Records, now: datetime
) -> None:
    try:
        check_request(request, records=records)
    except (InvalidInput, NotFound) as error:
        _fail(seen, Failure.of(error), records=records, now=now)
        raise


def _claim(
    seen: Stored[Experiment], *, records: Records, lease_seconds: float, now: datetime
) -> Stored[Experiment]:
    """Count the launch before it happens; whoever counts it may start the job."""
    experiment = seen.value
    silent = (seen.document.read_at - seen.document.updated_at).total_seconds()
    if experiment.launches and experiment.execution_id is None and silent <= lease_seconds:
        raise Busy(f"experiment {experiment.id} is being launched by another delivery")
    change = {"launches": experiment.launches + 1, "execution_id": None, "updated_at": now}
    try:
        return EXPERIMENTS.replace(seen, experiment.model_copy(update=change), records=records)
    except Conflict as error:
        raise Busy(f"experiment {experiment.id} is being launched by another delivery") from error


def _note_execution(id: str, execution_id: str, *, records: Records) -> Experiment:
    """Write down the execution; the job may already be writing to the same record."""
    while True:
        seen = EXPERIMENTS.get(id, records=records)
        change: dict[str, Any] = {"execution_id": execution_id}
        if seen.value.status is ExperimentStatus.REQUESTED:
            change["status"] = ExperimentStatus.LAUNCHED
        try:
            noted = seen.value.model_copy(update=change)
            return EXPERIMENTS.replace(seen, noted, records=records).value
        except Conflict:
            continue


def _fail(
    seen: Stored[Experiment], failure: Failure, *, records: Records, now: datetime
) -> Experiment:
    change = {
        "status": ExperimentStatus.FAILED,
        "failure": failure,
        "updated_at": now,
        "finished_at": now,
    }
    failed = seen.value.model_copy(update=change)
    log.warning("experiment.failed", experiment_id=failed.id, code=failure.code)
    return EXPERIMENTS.replace(seen, failed, records=records).value
