"""Looks into the model registry: at versions, and at the head of each name."""

from mlsys.domain.choices import Stage
from mlsys.domain.errors import NotFound
from mlsys.domain.ids import checked_id
from mlsys.domain.model_records import ModelHead, ModelVersion
from mlsys.ports import RecordReader, Records
from mlsys.repositories.collection import Listing
from mlsys.repositories.models import MODEL_HEADS, MODEL_VERSIONS


def get_version(model_id: str, *, records: RecordReader) -> ModelVersion:
    """Read one version. Raises NotFound, InvalidInput."""
    found = MODEL_VERSIONS.find(checked_id(model_id, what="model_id"), records=records)
    if found is None:
        raise NotFound(f"there is no version {model_id!r}: GET /v1/models lists those there are")
    return found.value


def list_versions(
    *,
    name: str | None,
    stage: Stage | None,
    page_size: int,
    page_token: str | None,
    records: Records,
) -> Listing[ModelVersion]:
    """List versions, newest first; with `stage`, those that it points at. Raises InvalidInput."""
    where = {} if name is None else {"name": checked_id(name, what="name")}
    if stage is None:
        return MODEL_VERSIONS.list(records=records, where=where, limit=page_size, cursor=page_token)
    heads = MODEL_HEADS.list(records=records, where=where, limit=page_size, cursor=page_token)
    staged = [
        get_version(model_id_of(head.name, version), records=records)
        for head in heads.values
        if (version := getattr(head, stage)) is not None
    ]
    return Listing(staged, heads.cursor)


def get_head(name: str, *, records: RecordReader) -> ModelHead:
    """Read which versions of a name are served. Raises NotFound, InvalidInput."""
    found = MODEL_HEADS.find(checked_id(name, what="model"), records=records)
    if found is None:
        raise NotFound(f"there is no model {name!r}: GET /v1/models lists those there are")
    return found.value


def model_id_of(name: str, version: int) -> str:
    """Name a version.

    >>> model_id_of("churn", 3)
    'churn-v3'

    """
    return f"{name}-v{version}"
