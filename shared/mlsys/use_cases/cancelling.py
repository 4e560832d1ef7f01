"""Asking a study to end before its time."""

from collections.abc import Callable
from datetime import datetime
from math import inf
from typing import Annotated

import structlog
from pydantic import Field

from mlsys.domain.errors import NotFound
from mlsys.domain.experiment_records import Cancellation, Experiment, ExperimentStatus
from mlsys.domain.ids import checked_id
from mlsys.domain.records import Input
from mlsys.ports import Jobs, Records
from mlsys.repositories.experiments import EXPERIMENTS
from mlsys.use_cases.leading.closing import end_cancelled
from mlsys.use_cases.leading.lead import LEASE, leases_of

log = structlog.get_logger()


class CancelRequest(Input):
    """The body of `POST /v1/experiments/{experiment_id}/cancel`; all of it may be left out.

    Attributes:
        register_best: refit, judge and register the best trial so far; it is not promoted.
        reason: kept with the experiment, for people.
    """

    register_best: bool = False
    reason: Annotated[str, Field(max_length=1000)] = ""


def cancel_experiment(
    id: str,
    request: CancelRequest,
    *,
    request_id: str,
    records: Records,
    jobs: Jobs,
    lease_seconds: float,
    now: Callable[[], datetime],
) -> Experiment:
    """Record that a study is to end, and then end what runs.

    The record is what counts: the job looks at it every two seconds. Without `register_best` its
    execution is cancelled besides, which ends what would not look. Where nothing runs, or nothing
    began, the experiment is CANCELLED at once. Once more is no harm, and may only take
    `register_best` back. What has ended, or has registered its model, stays as it is.

    Args:
        id: of the experiment.
        request: how it is to end.
        request_id: of the call, by which the logs know who made it.
        records: where the experiment is.
        jobs: where its job runs.
        lease_seconds: how long what leads it and is no execution of a job counts as alive.
        now: for the times that people read.

    Raises:
        NotFound, InvalidInput: there is no such experiment; that is no id.

    """

    def cancelled(seen: Experiment) -> Experiment:
        if seen.status.final or seen.registered_at is not None:
            return seen
        asked = seen.cancellation or Cancellation(
            requested_at=now(),
            reason=request.reason,
            register_best=request.register_best,
            request_id=request_id,
        )
        if asked.register_best and not request.register_best:
            asked = asked.model_copy(update={"register_best": False})
        if asked == seen.cancellation:
            return seen
        return seen.model_copy(update={"cancellation": asked, "updated_at": now()})

    experiment = EXPERIMENTS.change(
        checked_id(id, what="experiment_id"), cancelled, records=records
    )
    if not experiment.cancelling:
        return experiment
    log.info("experiment.cancel_requested", experiment_id=experiment.id)
    owner, silent_seconds = _leader(experiment.id, records=records)
    running = {
        name: runs
        for name in (owner, experiment.execution_id)
        if name is not None and (runs := _runs(name, jobs)) is not None
    }
    by_hand = owner not in running and silent_seconds <= lease_seconds
    begun = experiment.status is ExperimentStatus.RUNNING
    if not begun or not (by_hand or any(running.values())):
        experiment = end_cancelled(experiment.id, records=records, now=now)
    if experiment.status.final or experiment.unwanted:
        for execution_id in [name for name, runs in running.items() if runs]:
            jobs.cancel(execution_id)
    return experiment


def _leader(experiment_id: str, *, records: Records) -> tuple[str | None, float]:
    """Return who led the study last, and for how many seconds nothing was heard of it."""
    lease = records.get_many(leases_of(experiment_id), [LEASE]).get(LEASE)
    if lease is None:
        return None, inf
    return lease.body["owner"], (lease.read_at - lease.updated_at).total_seconds()


def _runs(execution_id: str, jobs: Jobs) -> bool | None:
    """Whether an execution runs; None if there is none of this id."""
    try:
        return not jobs.look(execution_id).state.final
    except NotFound:
        return None
