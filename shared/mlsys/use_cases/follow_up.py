"""From a ready split to the experiment that its `dataset.json` asks for, once."""

from collections.abc import Mapping
from datetime import datetime

import structlog

from mlsys.domain.errors import InvalidInput
from mlsys.domain.experiment_records import Experiment, ExperimentStatus
from mlsys.domain.messages import ExperimentRequest
from mlsys.domain.records import Failure
from mlsys.domain.split_records import Split, SplitStatus
from mlsys.ports import Messages, Records
from mlsys.repositories.splits import SPLITS
from mlsys.use_cases.experiments import find_or_create, request_experiment, requested

log = structlog.get_logger()


def follow_up(
    split: Split,
    *,
    records: Records,
    messages: Messages,
    topic: str,
    attributes: Mapping[str, str],
    now: datetime,
) -> Split:
    """Ask for the experiment of a READY split, and note it; call it whenever a split was made.

    Its request id comes from the split's, so whatever is interrupted and repeated is one
    experiment. A wish that does not fit the split becomes a FAILED experiment that says why.

    Returns:
        The split with its `experiment_id`; as it was, if it asks for none, is not READY or is
        deleted.

    Raises:
        AlreadyExists: somebody used this split's request id for another experiment.
        Unavailable: a backend did not answer; another call goes on.
        Conflict: others changed the split again and again.
    """
    wanted = split.experiment_wish is not None and split.status is SplitStatus.READY
    if not wanted or split.experiment_id is not None or split.deleted:
        return split
    request = ExperimentRequest.model_validate(
        {
            **(split.experiment_wish or {}),
            "split_id": split.id,
            "request_id": f"{split.id}/dataset.json",
        }
    )
    try:
        experiment = request_experiment(
            request,
            records=records,
            messages=messages,
            topic=topic,
            attributes=dict(attributes),
            now=now,
        )
    except InvalidInput as error:
        experiment = _refused(request, Failure.of(error), records=records, now=now)
        log.warning("experiment.failed", experiment_id=experiment.id, code=error.code)
    return SPLITS.change(
        split.id,
        lambda seen: seen.model_copy(update={"experiment_id": experiment.id}),
        records=records,
    )


def _refused(
    request: ExperimentRequest, failure: Failure, *, records: Records, now: datetime
) -> Experiment:
    """Keep what cannot be learnt, for who asked."""
    failed = requested(request, now=now).model_copy(
        update={"status": ExperimentStatus.FAILED, "failure": failure, "finished_at": now}
    )
    return find_or_create(failed, records=records).value
