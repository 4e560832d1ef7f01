"""Looking at splits, describing, deleting and undeleting them."""

from datetime import datetime
from typing import Annotated

import structlog
from pydantic import Field

from mlsys.domain.errors import InvalidInput, Refused, Violation
from mlsys.domain.experiment_records import ExperimentStatus
from mlsys.domain.ids import Id, checked_id
from mlsys.domain.places import quarantine_folder, split_folder
from mlsys.domain.records import Input
from mlsys.domain.split_records import Split, SplitStatus
from mlsys.ports import Objects, Records
from mlsys.repositories.experiments import EXPERIMENTS
from mlsys.repositories.splits import SPLITS

log = structlog.get_logger()

MAX_LABELS = 64
MAX_NAMED = 100

LabelValue = Annotated[str, Field(max_length=63, pattern=r"^[^\x00-\x1f\x7f]*$")]
Labels = Annotated[dict[Id, LabelValue], Field(max_length=MAX_LABELS)]
Description = Annotated[str, Field(max_length=2_000)]


class UpdateSplit(Input):
    """The body of `PATCH /v1/splits/{split_id}`: a JSON merge patch (RFC 7396).

    What is not named stays; a label that is null goes away, and so do all if `labels` is null.
    """

    labels: Annotated[dict[Id, LabelValue | None], Field(max_length=2 * MAX_LABELS)] | None = None
    description: Description | None = None


def get_split(id: str, *, records: Records) -> Split:
    """Read one, deleted or not. Raises NotFound, InvalidInput."""
    return SPLITS.get(checked_id(id, what="split_id"), records=records).value


def update_split(id: str, patch: UpdateSplit, *, records: Records, now: datetime) -> Split:
    """Change labels and description, whoever changes others meanwhile.

    Raises:
        NotFound: there is no such split.
        InvalidInput: it would have more than 64 labels.
        Conflict: others were quicker again and again.
    """

    def patched(split: Split) -> Split:
        labels, description = split.labels, split.description
        if "labels" in patch.model_fields_set:
            changed = {} if patch.labels is None else {**labels, **patch.labels}
            labels = {name: value for name, value in changed.items() if value is not None}
        if "description" in patch.model_fields_set:
            description = patch.description or ""
        if len(labels) > MAX_LABELS:
            wrong = f"want at most {MAX_LABELS}, got {len(labels)} with those that are there"
            raise InvalidInput(f"labels: {wrong}", (Violation("labels", wrong),))
        if (labels, description) == (split.labels, split.description):
            return split
        change = {"labels": labels, "description": description, "updated_at": now}
        return split.model_copy(update=change)

    return SPLITS.change(checked_id(id, what="split_id"), patched, records=records)


def delete_split(
    id: str,
    *,
    delete_artifacts: bool,
    objects: Objects,
    records: Records,
    artifacts_bucket: str,
    now: datetime,
) -> Split:
    """Hide a split, and on request remove its files; repeated, it gives the same answer.

    An experiment is recorded before its launch looks at the split, and a split is marked before
    the experiments are looked at once more. So an experiment that meets a delete is either seen
    here, and the mark taken back, or it sees the mark, and FAILED. Files go last: a study that was
    launched never loses them. Interrupted, the same call goes on with it.

    Args:
        id: of the split.
        delete_artifacts: remove the three files, what lies beside them, and the quarantine; what
            was split, the upload or the inline rows, stays.
        objects: holds the files.
        records: holds the split and the experiments.
        artifacts_bucket: where the files are.
        now: when it was deleted.

    Raises:
        NotFound: there is no such split.
        Refused: it is RUNNING, or an experiment that is not finished uses it.
        Conflict: others were quicker again and again.
    """
    id = checked_id(id, what="split_id")
    split = SPLITS.get(id, records=records).value
    if split.deleted and not delete_artifacts:
        return split
    _check_unused(id, records=records)
    marked = SPLITS.change(id, lambda seen: _marked(seen, now), records=records)
    try:
        _check_unused(id, records=records)
    except Refused:
        SPLITS.change(
            id,
            lambda seen: _restored(seen, now) if seen.deleted_at == now else seen,
            records=records,
        )
        raise
    if not split.deleted:
        log.info("split.deleted", split_id=id)
    if not delete_artifacts:
        return marked

    gone = SPLITS.change(id, lambda seen: _emptied(seen, now), records=records)
    for folder in (split_folder(gone, artifacts_bucket), quarantine_folder(gone, artifacts_bucket)):
        for uri in [one.uri for one in objects.list(folder)]:
            objects.delete(uri)
    log.info("split.artifacts_deleted", split_id=id)
    return gone


def undelete_split(id: str, *, records: Records, now: datetime) -> Split:
    """Bring a deleted split back; nothing happens to one that is not deleted.

    Raises:
        NotFound: there is no such split.
        Refused: its files were deleted.
        Conflict: others were quicker again and again.
    """

    def restored(split: Split) -> Split:
        if split.artifacts_deleted:
            raise Refused(f"split {split.id} cannot come back: its files were deleted")
        return _restored(split, now)

    split = SPLITS.change(checked_id(id, what="split_id"), restored, records=records)
    log.info("split.undeleted", split_id=split.id)
    return split


def _check_unused(id: str, *, records: Records) -> None:
    reasons = [
        f"experiment {one.id} is {one.status}"
        for status in ExperimentStatus
        if not status.final
        for one in EXPERIMENTS.list(
            records=records, where={"split_id": id, "status": status}, limit=MAX_NAMED
        ).values
    ]
    if reasons:
        raise Refused(
            f"split {id} is used by {len(reasons)} experiment(s) that are not finished",
            tuple(reasons[:MAX_NAMED]),
        )


def _marked(split: Split, now: datetime) -> Split:
    if split.status is SplitStatus.RUNNING:
        raise Refused(f"split {split.id} is RUNNING: delete it when that has ended")
    if split.deleted:
        return split
    return split.model_copy(update={"deleted": True, "deleted_at": now, "updated_at": now})


def _emptied(split: Split, now: datetime) -> Split:
    if not split.deleted:
        raise Refused(f"split {split.id} was undeleted meanwhile")
    if split.artifacts_deleted:
        return split
    return split.model_copy(update={"artifacts_deleted": True, "updated_at": now})


def _restored(split: Split, now: datetime) -> Split:
    if not split.deleted or split.artifacts_deleted:
        return split
    return split.model_copy(update={"deleted": False, "deleted_at": None, "updated_at": now})
