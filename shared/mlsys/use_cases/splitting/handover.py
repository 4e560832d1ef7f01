"""Handing a table that is too large for a function to a Cloud Run Job, which does the same work."""

from contextlib import suppress

import structlog

from mlsys.domain.dataset import Dataset, read_dataset
from mlsys.domain.errors import AlreadyExists, Busy, Conflict, MlsysError, NotFound, Unavailable
from mlsys.domain.records import Failure
from mlsys.domain.split_records import Attempt, Split, SplitStatus
from mlsys.ports import Objects, Records
from mlsys.repositories.collection import Stored
from mlsys.repositories.splits import SPLITS
from mlsys.use_cases.executions import arguments_for, still_runs
from mlsys.use_cases.splitting.workshop import Ingestion, Workshop

MAX_LAUNCHES = 5

log = structlog.get_logger()


def hand_over(split: Split, dataset: Dataset, ingestion: Ingestion, *, workshop: Workshop) -> Split:
    """Start the job for a split.

    Called again it leaves an execution that runs alone. Where one ended without an outcome another
    is started, at most 5 in all. Two executions by mischance do no harm: the job claims its split.

    Returns:
        The split: RUNNING, or what became of it.

    Raises:
        NotFound: there is no such job; the split FAILED with it.
        Busy: another delivery is starting the job, or a function is at the split.
        Unavailable: a backend did not answer.
    """
    seen = _found_or_created(split, records=workshop.records)
    if seen.value.status is not SplitStatus.RUNNING or still_runs(
        seen.value.execution_id, ingestion.jobs
    ):
        return seen.value
    if seen.value.launches >= MAX_LAUNCHES:
        reason = (
            f"{MAX_LAUNCHES} executions of the job {ingestion.job!r} ended without an outcome: "
            "look at their logs, then upload it again"
        )
        return _failed(seen, Failure(code="job_died", message=reason), workshop)

    with suppress(AlreadyExists):  # an earlier launch, maybe of an earlier release, stored it
        content = dataset.model_dump_json(indent=1, exclude_defaults=True).encode()
        workshop.objects.put_once(_dataset_uri(split, workshop.artifacts_bucket), content)
    counted = _counted(seen, workshop)
    arguments = arguments_for("split", split.id, ingestion.carried)
    try:
        execution = ingestion.jobs.start(ingestion.job, arguments=arguments)
    except NotFound as error:
        _failed(counted, Failure.of(error), workshop)
        raise
    except Unavailable:
        with suppress(MlsysError):
            _given_back(counted, seen.value, workshop)
        raise
    log.info("split.handed_over", split_id=split.id, execution_id=execution.id)
    return SPLITS.change(
        split.id, lambda there: _with_execution(there, execution.id), records=workshop.records
    )


def handed_dataset(split: Split, artifacts_bucket: str, *, objects: Objects) -> Dataset:
    """Read what `hand_over` stored for the job. Raises NotFound."""
    return read_dataset(objects.read(_dataset_uri(split, artifacts_bucket)))


def _found_or_created(split: Split, *, records: Records) -> Stored[Split]:
    try:
        return SPLITS.get(split.id, records=records)
    except NotFound:
        pass
    try:
        return SPLITS.create(split.id, split, records=records)
    except AlreadyExists:
        return SPLITS.get(split.id, records=records)


def _dataset_uri(split: Split, artifacts_bucket: str) -> str:
    """Say where the data set's wishes lie for the job."""
    return f"gs://{artifacts_bucket}/splits/{split.id}/dataset.json"


def _counted(seen: Stored[Split], workshop: Workshop) -> Stored[Split]:
    """Count the launch before it happens; whoever counts it may start the job.

    It takes the work from an attempt that went silent, so that the job need not wait for it.
    """
    split = seen.value
    silent = (seen.document.read_at - seen.document.updated_at).total_seconds()
    held = split.execution_id is None and (split.launches > 0 or split.attempt.token != "")
    if held and silent <= workshop.lease_seconds:
        raise Busy(f"{split.id} is in other hands, heard of {silent:.1f} s ago")
    change = {
        "launches": split.launches + 1,
        "execution_id": None,
        "attempt": Attempt(number=split.attempt.number, token=""),
        "updated_at": workshop.now(),
    }
    try:
        return SPLITS.replace(seen, split.model_copy(update=change), records=workshop.records)
    except Conflict as error:
        raise Busy(f"{split.id} is being handed over by another delivery") from error


def _given_back(counted: Stored[Split], before: Split, workshop: Workshop) -> None:
    """A backend failed, which does not count as a launch, and nobody need wait for it."""
    change = {"launches": before.launches, "execution_id": before.execution_id}
    SPLITS.replace(counted, counted.value.model_copy(update=change), records=workshop.records)


def _with_execution(there: Split, execution_id: str) -> Split:
    """Note the execution, unless the job is so quick that it did so itself."""
    if there.execution_id is not None:
        return there
    return there.model_copy(update={"execution_id": execution_id})


def _failed(seen: Stored[Split], failure: Failure, workshop: Workshop) -> Split:
    """Give up, unless somebody else went on meanwhile."""
    change = {"status": SplitStatus.FAILED, "failure": failure, "updated_at": workshop.now()}
    failed = seen.value.model_copy(update=change)
    try:
        SPLITS.replace(seen, failed, records=workshop.records)
    except Conflict as error:
        raise Busy(f"{seen.value.id} is being handed over by another delivery") from error
    log.warning("split.failed", split_id=failed.id, code=failure.code)
    return failed
