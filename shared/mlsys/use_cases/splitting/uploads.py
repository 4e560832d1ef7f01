"""From what an event says about a dropped file to what is to be split, and how."""

import hashlib

from mlsys.domain.dataset import Dataset, read_dataset
from mlsys.domain.errors import InvalidInput, MlsysError, NotFound, TooLarge
from mlsys.domain.formats import COMPLETE, ignored
from mlsys.domain.ids import checked_id, content_id, parse_uri
from mlsys.domain.messages import UploadFinished
from mlsys.domain.records import Json
from mlsys.domain.split_records import Source
from mlsys.ports import Objects
from mlsys.use_cases.splitting.pinning import pinned
from mlsys.use_cases.splitting.request import ALGORITHM, SplitRequest

DATASET = "dataset.json"
DATASET_BYTES = 4 * 2**20


def requested_by(
    upload: UploadFinished, *, uploads_bucket: str, objects: Objects
) -> SplitRequest | None:
    """Say what a dropped object asks for; None if for nothing.

    A table is `{entity_id}/{file}`, or all objects of `{entity_id}/{batch}/` once a `_SUCCESS` lies
    among them. `dataset.json`, hidden and unfinished files, and objects of a batch ask for nothing.

    Raises:
        InvalidInput: another bucket, or another form of name.
    """
    if upload.bucket != uploads_bucket:
        raise InvalidInput(
            f"want an object of bucket {uploads_bucket!r}, got {upload.bucket[:80]!r}"
        )
    folders, _, file = upload.name.rpartition("/")
    entity_id, *batch = folders.split("/")
    hidden = any(one.startswith((".", "_")) for one in batch)
    if hidden or (ignored(file) and not (batch and file == COMPLETE)):
        return None
    address = parse_uri(f"gs://{upload.bucket}/{upload.name}")
    if len(batch) > 1 or not entity_id:
        raise InvalidInput(
            f"{address}: want a name of the form {{entity_id}}/{{file}}, "
            f"or {{entity_id}}/{{batch}}/{{file}} and then {{entity_id}}/{{batch}}/{COMPLETE}"
        )
    checked_id(entity_id, what="entity_id")
    if batch and file != COMPLETE:
        return None
    defaults = f"gs://{upload.bucket}/{entity_id}/{DATASET}"
    dataset, asked, problem = _wished(defaults, objects=objects)
    parts = [ALGORITHM, address.bucket, address.key, upload.generation, asked]
    return SplitRequest(
        id=content_id("split", *parts),
        entity_id=entity_id,
        source_uri=str(address),
        source_generation=upload.generation,
        dataset=dataset,
        problem=problem,
    )


def uploaded_sources(request: SplitRequest, *, objects: Objects) -> list[Source]:
    """Look at the objects that a dropped table consists of.

    Raises:
        NotFound: there is no such object, or another generation of it.
        InvalidInput: there is no table beside a `_SUCCESS`, or one deeper in its folder.
        TooLarge: there are more than 1,000.
    """
    uri = request.source_uri
    [dropped] = pinned(uri, buckets=(parse_uri(uri).bucket,), objects=objects)
    if dropped.generation != request.source_generation:
        raise NotFound(f"{uri}: generation {request.source_generation[:40]} was replaced")
    folder, _, file = uri.rpartition("/")
    if file != COMPLETE:
        return [dropped]
    try:
        return pinned(f"{folder}/", buckets=(parse_uri(uri).bucket,), objects=objects)
    except NotFound as error:
        raise InvalidInput(f"{uri}: there is no table beside it") from error


def _wished(uri: str, *, objects: Objects) -> tuple[Dataset, Json, MlsysError | None]:
    """Read `dataset.json`, and say what of it makes the split's id; without one, no wishes."""
    try:
        size_bytes = objects.stat(uri).size_bytes
        if size_bytes > DATASET_BYTES:
            problem = TooLarge(f"{uri}: want at most {DATASET_BYTES} bytes, got {size_bytes}")
            return Dataset(), {"unusable": size_bytes}, problem
        content = objects.read(uri)
    except NotFound:
        content = b"{}"
    try:
        dataset = read_dataset(content)
    except InvalidInput as error:
        return Dataset(), {"unusable": hashlib.sha256(content).hexdigest()}, error
    return dataset, dataset.model_dump(mode="json", exclude_defaults=True), None
