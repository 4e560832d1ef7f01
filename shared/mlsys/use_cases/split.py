"""From a dropped file to a ready split: claim, work where only this attempt writes, one commit."""

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from mlsys.domain.dataset import Dataset
from mlsys.domain.errors import AlreadyExists, Busy, InvalidInput, MlsysError, TooLarge, Unavailable
from mlsys.domain.messages import UploadFinished
from mlsys.domain.records import Failure
from mlsys.domain.split_records import Split, SplitStatus
from mlsys.ports import ObjectInfo
from mlsys.repositories.splits import SPLITS
from mlsys.use_cases.confined.processes import run_confined
from mlsys.use_cases.confined.pumps import Traffic
from mlsys.use_cases.splitting.claims import Claim, claim
from mlsys.use_cases.splitting.division import OUTCOME, WORK, Outcome, Work
from mlsys.use_cases.splitting.handover import hand_over, handed_dataset
from mlsys.use_cases.splitting.request import SplitRequest
from mlsys.use_cases.splitting.results import Divided, keep_parts, keep_reasons, writable
from mlsys.use_cases.splitting.uploads import requested_by, uploaded_sources
from mlsys.use_cases.splitting.workshop import Workshop

CHILD = "mlsys.use_cases.splitting.divide"
LOOK_AGAIN_SECONDS = 5.0
MAX_OUTAGES = 10


def split_upload(
    upload: UploadFinished, *, workshop: Workshop, uploads_bucket: str, request_id: str = ""
) -> Split | None:
    """Check a dropped table and divide it into train, val and test.

    Called again for the same object, generation and `dataset.json` it changes nothing and returns
    the same split. The upload itself is only read. A `dataset.json` dropped after the table does
    not change the split of that table.

    Args:
        upload: what the event says; the object itself is looked at anew.
        workshop: where the work is done.
        uploads_bucket: the only bucket whose objects are split.
        request_id: carried into the record.

    Returns:
        The split, see `split_table`, or None for a file that asks for none: `dataset.json`, hidden,
        unfinished, or one of several that `_SUCCESS` will complete.

    Raises:
        InvalidInput: another bucket, or a name of another form.
        NotFound, Busy, Unavailable: as `split_table`.
    """
    request = requested_by(upload, uploads_bucket=uploads_bucket, objects=workshop.objects)
    if request is None:
        return None
    return split_table(request, workshop=workshop, request_id=request_id)


def split_table(request: SplitRequest, *, workshop: Workshop, request_id: str = "") -> Split:
    """Check a table and divide it; the same request again changes nothing.

    Returns:
        The split: READY, QUARANTINED (the contract is broken) or FAILED (the table cannot be used);
        or RUNNING, if it was handed to the job because of its size.

    Raises:
        NotFound: there is no such object, or another generation of it, and never was a record.
        Busy: another attempt is at it, or took it over.
        Unavailable: a backend did not answer.
    """
    found = SPLITS.find(request.id, records=workshop.records)
    if found is not None and found.value.status is not SplitStatus.RUNNING:
        return found.value
    if found is not None:
        split = found.value
    else:
        split, problem = _new(request, workshop, request_id)
        if problem is not None:
            return _refused(split, problem, workshop)
    ingestion = workshop.ingestion
    if ingestion is not None and ingestion.takes(split):
        return hand_over(split, request.dataset, ingestion, workshop=workshop)
    return _claimed(split, request.dataset, workshop)


def split_handed_over(split_id: str, *, workshop: Workshop) -> Split:
    """Do in the job what `hand_over` left to it, or wait until another attempt has.

    A backend that does not answer is asked again ten times, a quarter of a lease apart: the event
    was acknowledged, so nobody else will.

    Raises:
        NotFound: there is no such split, or it was not handed over.
        Unavailable: a backend did not answer, or this process ends.
    """
    outages = 0
    while True:
        pause = workshop.lease_seconds / 4
        try:
            split = SPLITS.get(split_id, records=workshop.records).value
            if split.status is not SplitStatus.RUNNING:
                return split
            dataset = handed_dataset(split, workshop.artifacts_bucket, objects=workshop.objects)
            return _claimed(split, dataset, workshop)
        except Busy:
            pause = min(LOOK_AGAIN_SECONDS, pause)
        except Unavailable:
            outages += 1
            if outages > MAX_OUTAGES or workshop.stopping.is_set():
                raise
        if workshop.stopping.wait(pause):
            raise Unavailable(f"{split_id}: this process ends; the next one goes on")


def _new(
    request: SplitRequest, workshop: Workshop, request_id: str
) -> tuple[Split, MlsysError | None]:
    """Make the record that a split begins with, and say why it will FAIL, if it will."""
    sources, problem = request.sources, request.problem
    try:
        sources = sources or uploaded_sources(request, objects=workshop.objects)
    except InvalidInput as error:
        problem = problem or error
    split = request.record(sources, now=workshop.now(), request_id=request_id)
    return split, problem


def _refused(split: Split, problem: MlsysError, workshop: Workshop) -> Split:
    """Write down why nothing is begun. Raises Busy (another delivery was quicker)."""
    change = {"status": SplitStatus.FAILED, "failure": Failure.of(problem)}
    failed = split.model_copy(update=change)
    try:
        SPLITS.create(split.id, failed, records=workshop.records)
    except AlreadyExists as error:
        raise Busy(f"another attempt has just begun {split.id}") from error
    _say(failed)
    return failed


def _claimed(split: Split, dataset: Dataset, workshop: Workshop) -> Split:
    """Claim the work and do it; whatever is wrong with the table is written down, not raised.

    What takes more memory or time than a function has is handed over.
    """
    claimed = claim(
        split,
        records=workshop.records,
        lease_seconds=workshop.lease_seconds,
        now=workshop.now,
        execution_id=workshop.execution_id,
    )
    if isinstance(claimed, Split):
        return claimed
    claimed.stopping = workshop.stopping
    ingestion = workshop.ingestion
    try:
        ended = _work(claimed, dataset, workshop)
    except MlsysError as error:
        if error.retryable:
            with suppress(MlsysError):
                claimed.release()
            raise
        if isinstance(error, TooLarge) and ingestion is not None:
            claimed.release()
            return hand_over(claimed.seen.value, dataset, ingestion, workshop=workshop)
        ended = claimed.note(status=SplitStatus.FAILED, failure=Failure.of(error), progress=None)
    _say(ended)
    return ended


def _work(claimed: Claim, dataset: Dataset, workshop: Workshop) -> Split:
    """Divide in a child process, commit."""
    split = claimed.seen.value
    with TemporaryDirectory(prefix="mlsys-split-") as name:
        folder = Path(name)
        work = Work(
            files=[source.uri.rpartition("/")[2] for source in split.sources],
            bytes_total=sum(source.size_bytes for source in split.sources),
            uploaded_at=max(source.updated_at for source in split.sources),
            dataset=dataset,
            limits=workshop.limits,
        )
        (folder / WORK).write_text(work.model_dump_json())
        traffic = Traffic(
            sources=[
                ObjectInfo(one.uri, one.generation, one.size_bytes, one.updated_at)
                for one in split.sources
            ],
            parts=writable(split, workshop.artifacts_bucket),
            objects=workshop.objects,
            spool_bytes=workshop.limits.file_bytes,
            on_progress=claimed.beat,
        )
        moved = run_confined(
            CHILD,
            folder,
            memory_mib=workshop.limits.memory_mib,
            seconds=workshop.limits.seconds,
            on_wait=claimed.beat,
            traffic=traffic,
        )
        outcome = Outcome.model_validate_json((folder / OUTCOME).read_bytes())
        if outcome.failure is not None:
            return claimed.note(status=SplitStatus.FAILED, failure=outcome.failure, progress=None)
        divided = Divided(dataset, outcome, moved, folder)
        keep = keep_reasons if outcome.refused else keep_parts
        return keep(claimed, divided, workshop.artifacts_bucket, objects=workshop.objects)


def _say(split: Split) -> None:
    log = structlog.get_logger()
    seconds = (split.updated_at - split.created_at).total_seconds()
    fields = {"split_id": split.id, "entity_id": split.entity_id, "seconds": round(seconds, 3)}
    if split.status is SplitStatus.READY:
        log.info("split.created", rows=sum(split.rows.values()), **fields)
    elif split.status is SplitStatus.QUARANTINED:
        log.warning("split.quarantined", **fields)
    else:
        log.warning("split.failed", code=split.failure and split.failure.code, **fields)
