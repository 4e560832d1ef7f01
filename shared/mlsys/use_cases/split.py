"""From a dropped file to a ready split: claim, work where only this attempt writes, one commit."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import structlog

from mlsys.domain.contract import Dataset, read_dataset
from mlsys.domain.errors import InvalidInput, MlsysError, NotFound, TooLarge
from mlsys.domain.formats import Limits, ignored
from mlsys.domain.ids import Address, checked_id, content_id, parse_uri
from mlsys.domain.messages import UploadFinished
from mlsys.domain.records import Failure, File, Json, Split, SplitStatus
from mlsys.ports import Objects, Records
from mlsys.repositories import SPLITS
from mlsys.use_cases.claims import Claim, Clock, claim
from mlsys.use_cases.confined import run_confined
from mlsys.use_cases.division import OUTCOME, SOURCE, WORK, Outcome, Work
from mlsys.use_cases.split_results import Divided, keep_parts, keep_reasons

ALGORITHM = "1"
DATASET = "dataset.json"
DATASET_BYTES = 2**20
CHUNK_BYTES = 2**20
CHILD = "mlsys.use_cases.divide"
LIMITS = Limits()


def split_upload(
    upload: UploadFinished,
    *,
    objects: Objects,
    records: Records,
    uploads_bucket: str,
    artifacts_bucket: str,
    lease_seconds: float,
    now: Clock,
    request_id: str = "",
    stopping: Event | None = None,
    limits: Limits = LIMITS,
) -> Split | None:
    """Check a dropped file and divide it into train, val and test.

    Called again for the same object, generation and `dataset.json` it changes nothing and returns
    the same split. The upload itself is only read. A `dataset.json` dropped after the table does
    not change the split of that table.

    Args:
        upload: what the event says; the object itself is looked at anew.
        objects: holds the upload, and gets three Parquet files and a manifest.
        records: holds the split's record.
        uploads_bucket: the only bucket whose objects are split.
        artifacts_bucket: where the results go.
        lease_seconds: after how long without a sign of life an attempt is taken over.
        now: the time that people read in the record.
        request_id: carried into the record.
        stopping: set when this process ends; the work is then given back at once.
        limits: how large a table may be.

    Returns:
        The split: READY, QUARANTINED (the contract is broken) or FAILED (the file cannot be used),
        or None for a file that is none to be split: `dataset.json`, hidden, unfinished.

    Raises:
        InvalidInput: another bucket, or a name that is not `{entity_id}/{file}`.
        NotFound: there is no such object, or another generation of it, and never was a record.
        Busy: another attempt is at it, or took it over.
        Unavailable: a backend did not answer.
    """
    address = _uploaded(upload, uploads_bucket)
    if address is None:
        return None
    entity_id, file = address.key.split("/")
    plan = _plan(Address(address.bucket, f"{entity_id}/{DATASET}"), objects=objects)
    parts = [ALGORITHM, address.bucket, address.key, upload.generation, plan.parameters]
    started_at = now()
    split = Split(
        id=content_id("split", *parts),
        entity_id=entity_id,
        status=SplitStatus.RUNNING,
        created_at=started_at,
        updated_at=started_at,
        source_uri=str(address),
        source_generation=upload.generation,
        strategy=plan.dataset.split.strategy,
        params=plan.dataset.split.model_dump(mode="json"),
        seed=plan.dataset.split.seed,
        target_column=plan.dataset.target_column,
        request_id=request_id,
    )
    if SPLITS.find(split.id, records=records) is None:
        _check_is_there(split, objects=objects)
    claimed = claim(split, records=records, lease_seconds=lease_seconds, now=now)
    if isinstance(claimed, Split):
        return claimed
    claimed.stopping = stopping or claimed.stopping

    try:
        if plan.problem is not None:
            raise plan.problem
        ended = _work(claimed, file, plan.dataset, artifacts_bucket, limits, objects=objects)
    except MlsysError as error:
        if error.retryable:
            with suppress(MlsysError):
                claimed.release()
            raise
        ended = claimed.note(status=SplitStatus.FAILED, failure=Failure.of(error))
    _say(ended, seconds=(now() - started_at).total_seconds())
    return ended


@dataclass(frozen=True)
class _Plan:
    """What `dataset.json` asks for. `parameters` is its part of the split's id."""

    dataset: Dataset
    parameters: Json
    problem: MlsysError | None = None


def _uploaded(upload: UploadFinished, uploads_bucket: str) -> Address | None:
    if upload.bucket != uploads_bucket:
        raise InvalidInput(
            f"want an object of bucket {uploads_bucket!r}, got {upload.bucket[:80]!r}"
        )
    if ignored(upload.name.rpartition("/")[2]):
        return None
    address = parse_uri(f"gs://{upload.bucket}/{upload.name}")
    entity_id, _, file = address.key.partition("/")
    if not file or "/" in file:
        raise InvalidInput(f"{address}: want a name of the form {{entity_id}}/{{file}}")
    checked_id(entity_id, what="entity_id")
    return address


def _plan(address: Address, *, objects: Objects) -> _Plan:
    """Read the defaults of the dataset; where there are none, it is a random split."""
    uri = str(address)
    try:
        size_bytes = objects.stat(uri).size_bytes
        if size_bytes > DATASET_BYTES:
            problem = TooLarge(f"{uri}: want at most {DATASET_BYTES} bytes, got {size_bytes}")
            return _Plan(Dataset(), {"unusable": size_bytes}, problem)
        content = objects.read(uri)
    except NotFound:
        content = b"{}"
    try:
        dataset = read_dataset(content)
    except InvalidInput as error:
        return _Plan(Dataset(), {"unusable": hashlib.sha256(content).hexdigest()}, error)
    return _Plan(dataset, dataset.model_dump(mode="json"))


def _check_is_there(split: Split, *, objects: Objects) -> None:
    found = objects.stat(split.source_uri)
    if found.generation != split.source_generation:
        raise NotFound(
            f"{split.source_uri}: generation {split.source_generation[:40]} was replaced"
        )


def _work(
    claimed: Claim,
    file: str,
    dataset: Dataset,
    artifacts_bucket: str,
    limits: Limits,
    *,
    objects: Objects,
) -> Split:
    """Fetch, divide in a child process, store, commit."""
    with TemporaryDirectory(prefix="mlsys-split-") as name:
        folder = Path(name)
        source = _fetch(claimed, folder / SOURCE, file, limits, objects=objects)
        claimed.note(source_sha256=source.sha256)
        work = Work(file=file, dataset=dataset, limits=limits)
        (folder / WORK).write_text(work.model_dump_json())
        run_confined(
            CHILD,
            folder,
            memory_mib=limits.memory_mib,
            seconds=limits.seconds,
            on_wait=claimed.beat,
        )
        outcome = Outcome.model_validate_json((folder / OUTCOME).read_bytes())
        if outcome.failure is not None:
            return claimed.note(status=SplitStatus.FAILED, failure=outcome.failure)
        divided = Divided(source, dataset, ALGORITHM, outcome, folder)
        if not outcome.report.passed:
            return keep_reasons(claimed, divided, artifacts_bucket, objects=objects)
        return keep_parts(claimed, divided, artifacts_bucket, objects=objects)


def _fetch(claimed: Claim, path: Path, file: str, limits: Limits, *, objects: Objects) -> File:
    """Copy one generation to a private file, in bounded memory and to a bounded size."""
    split = claimed.seen.value
    digest = hashlib.sha256()
    size_bytes = 0
    with (
        objects.open_reader(split.source_uri, generation=split.source_generation) as source,
        path.open("xb") as copy,
    ):
        while chunk := source.read(CHUNK_BYTES):
            size_bytes += len(chunk)
            limits.check_file(file, size_bytes)
            digest.update(chunk)
            copy.write(chunk)
            claimed.beat()
    return File(uri=split.source_uri, sha256=digest.hexdigest(), size_bytes=size_bytes)


def _say(split: Split, *, seconds: float) -> None:
    log = structlog.get_logger()
    fields = {"split_id": split.id, "entity_id": split.entity_id, "seconds": round(seconds, 3)}
    if split.status is SplitStatus.READY:
        log.info("split.created", rows=sum(split.rows.values()), **fields)
    elif split.status is SplitStatus.QUARANTINED:
        log.warning("split.quarantined", **fields)
    else:
        log.warning("split.failed", code=split.failure and split.failure.code, **fields)
