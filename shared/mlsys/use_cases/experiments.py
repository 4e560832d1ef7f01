"""Asking for a study, and looking at it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from uuid import uuid4

import structlog

from mlsys.domain.errors import AlreadyExists, InvalidInput, Violation
from mlsys.domain.experiment_records import Experiment, ExperimentStatus
from mlsys.domain.ids import checked_id, content_id
from mlsys.domain.messages import ExperimentRequest
from mlsys.domain.spaces.rules import search_problems
from mlsys.domain.spaces.search import Suggested
from mlsys.domain.split_records import Role, Split, SplitStatus
from mlsys.domain.wishes import wish_problems
from mlsys.ports import Messages, Records
from mlsys.repositories.collection import Stored
from mlsys.repositories.experiments import EXPERIMENTS
from mlsys.repositories.splits import SPLITS
from mlsys.use_cases.warm_start import earlier_trials

log = structlog.get_logger()

MAX_NAMED_COLUMNS = 50
MAX_VIOLATIONS = 100
MAX_IN_MESSAGE = 3


@dataclass(frozen=True)
class Accepted:
    """What a request that can be learnt is learnt from.

    Attributes:
        split: a READY one.
        earlier: trials of an earlier experiment to begin with, the best first.
    """

    split: Split
    earlier: list[Suggested]


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


def check_request(request: ExperimentRequest, *, records: Records) -> Accepted:
    """Hold a request against its split and the experiment that it begins with.

    Raises:
        InvalidInput: it cannot be learnt as asked; everything that can be told before a row is
            read is told at once.
        NotFound: there is no such split.
    """
    split = SPLITS.get(request.split_id, records=records).value
    if split.deleted:
        raise InvalidInput(f"split {split.id} is deleted: undelete it, or learn from another")
    if split.status is not SplitStatus.READY:
        raise InvalidInput(f"split {split.id} is {split.status}; only a READY one can be learnt")
    problems = tuple(islice(_problems(request, split), MAX_VIOLATIONS))
    earlier: list[Suggested] = []
    try:
        earlier = earlier_trials(request, records=records)
    except InvalidInput as error:
        problems = (*problems, *error.violations)
    if problems:
        told = "; ".join(f"{one.field}: {one.description}" for one in problems[:MAX_IN_MESSAGE])
        known = sorted(column.name for column in split.columns)[:MAX_NAMED_COLUMNS]
        raise InvalidInput(f"{told}; split {split.id} has {', '.join(known)}", problems)
    return Accepted(split, earlier)


def get_experiment(id: str, *, records: Records) -> Experiment:
    """Read one. Raises NotFound, InvalidInput."""
    return EXPERIMENTS.get(checked_id(id, what="experiment_id"), records=records).value


def _problems(request: ExperimentRequest, split: Split) -> Iterator[Violation]:
    folded = any(column.role is Role.FOLD for column in split.columns)
    yield from wish_problems(request, split.columns)
    yield from _unfit_folds(request, split, folded=folded)
    yield from search_problems(
        request,
        folded=folded or request.cv_folds is not None,
        folds=request.cv_folds or split.params.get("n_splits"),
    )


def _unfit_folds(request: ExperimentRequest, split: Split, *, folded: bool) -> Iterator[Violation]:
    asked, made = request.cv_folds, split.params.get("n_splits")
    if not folded and asked is None and not split.rows.get("val"):
        yield Violation(
            "split_id", f"split {split.id} has no row in val, and no folds: say cv_folds"
        )
    if folded and None not in {asked, made} and asked != made:
        yield Violation("cv_folds", f"the split has {made} folds already: leave cv_folds out")
    if not folded and asked is not None and split.strategy == "time":
        yield Violation("cv_folds", "folds would mix what was split by time: leave cv_folds out")
