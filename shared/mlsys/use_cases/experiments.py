"""Asking for a study, and looking at it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from uuid import uuid4

import structlog

from mlsys.domain.errors import AlreadyExists, InvalidInput, Violation
from mlsys.domain.ids import checked_id, content_id
from mlsys.domain.learners.base import Task
from mlsys.domain.messages import ExperimentRequest, TaskType
from mlsys.domain.metrics import resolve_metric
from mlsys.domain.records import Experiment, ExperimentStatus, Split, SplitStatus
from mlsys.ports import Messages, Records
from mlsys.repositories import EXPERIMENTS, SPLITS, Stored

log = structlog.get_logger()

MAX_NAMED_COLUMNS = 50
MAX_VIOLATIONS = 100


def request_experiment(
    request: ExperimentRequest,
    *,
    records: Records,
    messages: Messages,
    topic: str,
    attributes: dict[str, str],
    now: datetime,
) -> Experiment:
    """Publish the request and record it.

    The message goes first, so what is recorded will be launched; and a repeated call with the
    same `request_id` is the same experiment. As long as that has not ended, it is published
    again: a study that runs is left alone, and one whose job died goes on.

    Raises:
        InvalidInput: the split lacks a column, or the metric does not fit.
        NotFound: there is no such split.
        AlreadyExists: `request_id` was used for another request.

    """
    if request.request_id is None:
        request = request.model_copy(update={"request_id": uuid4().hex})
    experiment = requested(request, now=now)
    known = EXPERIMENTS.find(experiment.id, records=records)
    if known is None:
        check_request(request, records=records)
    else:
        check_same(request, known.value)
        if known.value.status.final:
            return known.value

    messages.publish(topic, experiment.request, attributes=attributes)
    stored = find_or_create(experiment, records=records)
    log.info("experiment.requested", experiment_id=experiment.id)
    return stored.value


def requested(request: ExperimentRequest, *, now: datetime) -> Experiment:
    """Make the record of a request; its id comes from `request_id`, which must be there."""
    return Experiment(
        id=content_id("exp", request.request_id),
        name=request.name,
        status=ExperimentStatus.REQUESTED,
        created_at=now,
        updated_at=now,
        request=request.model_dump(mode="json"),
        request_id=str(request.request_id),
        split_id=request.split_id,
    )


def find_or_create(experiment: Experiment, *, records: Records) -> Stored[Experiment]:
    """Store the record, unless it already stands; return what stands."""
    try:
        return EXPERIMENTS.create(experiment.id, experiment, records=records)
    except AlreadyExists:
        return EXPERIMENTS.get(experiment.id, records=records)


def check_same(request: ExperimentRequest, experiment: Experiment) -> None:
    """See that an experiment is the one that is asked for. Raises AlreadyExists."""
    if ExperimentRequest.model_validate(experiment.request) != request:
        raise AlreadyExists(f"request_id {request.request_id!r} was used for another request")


def check_request(request: ExperimentRequest, *, records: Records) -> Split:
    """Hold a request against its split, and return the split. Raises InvalidInput, NotFound."""
    split = SPLITS.get(request.split_id, records=records).value
    if split.deleted:
        raise InvalidInput(f"split {split.id} is deleted: undelete it, or learn from another")
    if split.status is not SplitStatus.READY:
        raise InvalidInput(f"split {split.id} is {split.status}; only a READY one can be learnt")
    if not split.rows.get("val"):
        raise InvalidInput(f"split {split.id} has no row in val, which every trial is measured on")
    known = sorted(column.name for column in split.columns)
    problems = tuple(islice(_wrong_columns(request, known), MAX_VIOLATIONS))
    if problems:
        raise InvalidInput(
            f"{problems[0].field}: {problems[0].description}; "
            f"split {split.id} has {', '.join(known[:MAX_NAMED_COLUMNS])}",
            problems,
        )
    _check_metric(request)
    return split


def get_experiment(id: str, *, records: Records) -> Experiment:
    """Read one. Raises NotFound, InvalidInput."""
    return EXPERIMENTS.get(checked_id(id, what="experiment_id"), records=records).value


def _wrong_columns(request: ExperimentRequest, known: Sequence[str]) -> Iterator[Violation]:
    """Hold each named column against those that there are."""
    features = request.feature_columns or []
    named = [("target_column", request.target_column)]
    named += [(f"feature_columns[{place}]", name) for place, name in enumerate(features)]
    for field, name in named:
        if name not in known:
            yield Violation(field, f"there is no column {name!r}")
    for place, name in enumerate(features):
        if name == request.target_column:
            yield Violation(
                f"feature_columns[{place}]", f"{name!r} is the target, so it cannot be a feature"
            )
        if name in features[:place]:
            yield Violation(f"feature_columns[{place}]", f"{name!r} stands twice")


def _check_metric(request: ExperimentRequest) -> None:
    """Refuse a metric that fits no task of this type; binary or multiclass the data will tell."""
    if request.task_type is TaskType.REGRESSION:
        resolve_metric(request.metric_name, Task("regression"))
        return
    try:
        resolve_metric(request.metric_name, Task("multiclass", 3))
    except InvalidInput:
        resolve_metric(request.metric_name, Task("binary", 2))
