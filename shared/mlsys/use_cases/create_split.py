"""Asking for a split: of rows in the request itself, or of objects in a bucket."""

import hashlib
import json
from collections.abc import Callable, Collection
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from mlsys.domain.contract import ColumnName, Contract
from mlsys.domain.dataset import Dataset, ReadOptions
from mlsys.domain.errors import AlreadyExists, Busy, InvalidInput, NotFound, Violation
from mlsys.domain.ids import Id, content_id
from mlsys.domain.messages import MAX_COLUMNS
from mlsys.domain.places import inline_uri
from mlsys.domain.records import Input, Json
from mlsys.domain.split_params import SplitParams, Strategy
from mlsys.domain.split_records import Source, Split, SplitStatus
from mlsys.domain.written import json_lines
from mlsys.ports import Objects, Records
from mlsys.repositories.splits import SPLITS
from mlsys.use_cases.splits import Description, Labels
from mlsys.use_cases.splitting.pinning import pinned
from mlsys.use_cases.splitting.request import ALGORITHM, SplitRequest, generation_of

MAX_ROWS = 10_000
MAX_URI = 1_300


def _scalar(value: Any) -> Any:
    if isinstance(value, dict | list):
        raise PydanticCustomError("cell", "expected a number, text, true, false or null")
    return value


Row = Annotated[
    dict[ColumnName, Annotated[Any, AfterValidator(_scalar)]], Field(max_length=MAX_COLUMNS)
]


class CreateSplit(Input):
    """The body of `POST /v1/splits`.

    Attributes:
        entity_id: the dataset that the split is of.
        inline_data: the rows themselves; a column that a row lacks is missing there.
        data_uri: instead: an object, or a folder whose objects are one dataset.
        split_strategy: as `strategy` in a `dataset.json`.
        split_params: the other parameters of the strategy.
        contract: what the table must be.
        read: how a text is read.
        labels: for whoever looks for it later.
        description: for people.
        request_id: the same id is the same split.
    """

    entity_id: Id
    inline_data: Annotated[list[Row], Field(min_length=1, max_length=MAX_ROWS)] | None = None
    data_uri: Annotated[str, Field(max_length=MAX_URI)] | None = None
    split_strategy: Strategy = "random"
    split_params: SplitParams = Field(default_factory=SplitParams, validate_default=True)
    contract: Contract | None = None
    read: ReadOptions = ReadOptions()
    labels: Labels = Field(default_factory=dict)
    description: Description = ""
    request_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    def dataset(self) -> Dataset:
        """Return what a `dataset.json` would say. Raises InvalidInput (it does not fit)."""
        try:
            return Dataset(read=self.read, contract=self.contract, split=self.split_params)
        except ValidationError as error:
            raise InvalidInput(error.errors()[0]["msg"].removeprefix("Value error, ")) from error

    @field_validator("split_params", mode="before")
    @classmethod
    def _with_its_strategy(cls, params: object, info: ValidationInfo) -> object:
        if "split_strategy" not in info.data:
            return SplitParams()
        if isinstance(params, SplitParams):
            params = params.model_dump(exclude_unset=True)
        if not isinstance(params, dict):
            return params
        if "strategy" in params:
            raise ValueError("the strategy stands beside it, as split_strategy")
        return {**params, "strategy": info.data["split_strategy"]}

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.inline_data is None) == (self.data_uri is None):
            got = "neither" if self.data_uri is None else "both"
            raise ValueError(f"want inline_data or data_uri, got {got}")
        names = {name for row in self.inline_data or () for name in row}
        if len(names) > MAX_COLUMNS:
            raise ValueError(f"inline_data: want at most {MAX_COLUMNS} columns, got {len(names)}")
        try:
            self.dataset()
        except InvalidInput as error:
            raise ValueError(str(error)) from error
        return self


def create_split(
    asked: CreateSplit,
    *,
    split: Callable[[SplitRequest], Split],
    objects: Objects,
    records: Records,
    artifacts_bucket: str,
    source_buckets: Collection[str],
) -> Split:
    """Split what is asked for; the same again is the same split.

    Args:
        asked: what is to be split, and how.
        split: splits objects, once.
        objects: holds them, and gets inline rows.
        records: holds the split's record.
        artifacts_bucket: where inline rows are kept.
        source_buckets: where `data_uri` may point.

    Returns:
        The split: READY, QUARANTINED or FAILED; RUNNING while another attempt, or a job, is at it.

    Raises:
        InvalidInput: `data_uri` cannot be used.
        NotFound: there is nothing at `data_uri`.
        AlreadyExists: `request_id` was used for another request, or the split was deleted.
        Unavailable: a backend did not answer; the same request goes on with it.
    """
    rows = None if asked.inline_data is None else json_lines(asked.inline_data)
    digest = _digest(asked, rows)
    known = None
    if asked.request_id is not None:
        known = _known(asked.request_id, digest, records=records)
        if known is not None and known.status is not SplitStatus.RUNNING:
            return known

    request = _request(
        asked,
        digest,
        lambda: _sources(asked, rows, artifacts_bucket, source_buckets, objects=objects),
        known,
    )
    try:
        done = split(request)
    except Busy:
        done = SPLITS.get(request.id, records=records).value
    return _unless_deleted(done)


def _digest(asked: CreateSplit, rows: bytes | None) -> str:
    """Name what was sent, numbers of the rows by their digits."""
    body: Json = asked.model_dump(mode="json", exclude={"inline_data", "request_id"})
    if rows is not None:
        body["inline_sha256"] = hashlib.sha256(rows).hexdigest()
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _known(request_id: str, digest: str, *, records: Records) -> Split | None:
    found = SPLITS.find(_id_of(request_id), records=records)
    if found is None:
        return None
    if found.value.asked_sha256 != digest:
        raise AlreadyExists(f"request_id {request_id!r} was used for another request")
    return _unless_deleted(found.value)


def _unless_deleted(split: Split) -> Split:
    if split.deleted:
        raise AlreadyExists(
            f"split {split.id} is just this, and it is deleted: undelete it, "
            "or ask for another with a new request_id"
        )
    return split


def _id_of(request_id: str) -> str:
    return content_id("split", "request", request_id)


def _sources(
    asked: CreateSplit,
    rows: bytes | None,
    artifacts_bucket: str,
    source_buckets: Collection[str],
    *,
    objects: Objects,
) -> list[Source]:
    if rows is not None:
        digest = hashlib.sha256(rows).hexdigest()
        stored = objects.put_once(inline_uri(asked.entity_id, digest, artifacts_bucket), rows)
        return pinned(stored.uri, buckets=(artifacts_bucket,), objects=objects)
    try:
        return pinned(str(asked.data_uri), buckets=source_buckets, objects=objects)
    except InvalidInput as error:
        raise type(error)(f"data_uri: {error}", (Violation("data_uri", str(error)),)) from error


def _request(
    asked: CreateSplit,
    digest: str,
    look: Callable[[], list[Source]],
    known: Split | None,
) -> SplitRequest:
    """Pin the sources; where an earlier attempt pinned others, the split cannot go on."""
    problem = None
    try:
        sources = look()
    except NotFound as error:
        if known is None:
            raise
        sources, problem = [], error
    if known is not None and problem is None and generation_of(sources) != known.source_generation:
        problem = NotFound(f"{known.source_uri} was replaced after it was asked for")
    return SplitRequest(
        id=content_id("split", ALGORITHM, digest, *([one.uri, one.generation] for one in sources))
        if asked.request_id is None
        else _id_of(asked.request_id),
        entity_id=asked.entity_id,
        source_uri=asked.data_uri or sources[0].uri,
        source_generation=generation_of(sources),
        sources=sources,
        dataset=asked.dataset(),
        labels=asked.labels,
        description=asked.description,
        asked_sha256=digest,
        problem=problem,
    )
