"""Changes of what a model name points at: versions are reserved and promoted, each by an event."""

from datetime import datetime
from typing import Annotated
from uuid import uuid4

import structlog
from pydantic import BaseModel, Field

from mlsys.domain import promotion
from mlsys.domain.choices import Stage
from mlsys.domain.errors import AlreadyExists, Conflict, LostRace, Refused
from mlsys.domain.messages import Gates
from mlsys.domain.model_records import ModelEvent, ModelHead, ModelVersion
from mlsys.domain.records import Input
from mlsys.ports import Records, Write
from mlsys.repositories.collection import Stored
from mlsys.repositories.models import MODEL_HEADS, model_events
from mlsys.use_cases.registry import get_version, model_id_of

log = structlog.get_logger()

RACES = 10


class PromoteRequest(Input):
    """The body of `POST /v1/models/{model_id}/promote`."""

    stage: Stage
    expected_production: str | None = None
    validate_only: bool = False
    reason: Annotated[str, Field(max_length=1000)] = ""
    gates: Gates | None = None


class Promotion(BaseModel):
    """What a promotion did, or with `validate_only` would have done."""

    model: str
    model_id: str
    version: int
    stage: Stage
    previous_model_id: str | None
    promoted: bool


def registering(
    name: str, *, op_id: str, at: datetime, records: Records
) -> tuple[int, list[Write]]:
    """Return the next version number, and the writes that take it, for the caller's commit."""
    seen = MODEL_HEADS.find(name, records=records)
    head = ModelHead(name=name, created_at=at) if seen is None else seen.value
    changed, event = promotion.register(head, op_id=op_id, at=at)
    return event.version, _changing(seen, changed, event)


def promote(
    model_id: str, request: PromoteRequest, *, records: Records, now: datetime
) -> Promotion:
    """Point a stage at a version, if the gates let it pass.

    One compare-and-set of the head decides among racing promotions; its event is in the same
    commit. A promotion to where the stage points already changes nothing.

    Raises:
        NotFound: no such version.
        Refused: a gate said no, with its reasons.
        LostRace: production is not what `expected_production` says.

    """
    contender = get_version(model_id, records=records)
    op_id = uuid4().hex
    for _ in range(RACES):
        seen = MODEL_HEADS.get(contender.name, records=records)
        answer = _judge(contender, request, seen.value, records)
        if request.validate_only or answer.previous_model_id == contender.id:
            return answer
        changed, event = promotion.promote(
            seen.value,
            version=contender.version,
            stage=request.stage,
            op_id=op_id,
            at=now,
            reason=request.reason,
        )
        try:
            records.commit(_changing(seen, changed, event))
        except (Conflict, AlreadyExists):
            continue
        log.info("model.promoted", model_id=contender.id, stage=request.stage)
        return answer.model_copy(update={"promoted": True})
    raise LostRace(f"{contender.name} changes too often: look, then promote again")


def _judge(
    contender: ModelVersion, request: PromoteRequest, head: ModelHead, records: Records
) -> Promotion:
    production = None if head.production is None else model_id_of(head.name, head.production)
    if request.expected_production is not None and request.expected_production != production:
        raise LostRace(
            f"production of {head.name} is {production or 'empty'}, "
            f"not {request.expected_production}"
        )
    current = getattr(head, request.stage)
    incumbent_id = None if current is None else model_id_of(head.name, current)
    incumbent = None if incumbent_id is None else get_version(incumbent_id, records=records)
    if incumbent is None or incumbent.id != contender.id:
        reasons = promotion.objections(contender, incumbent, request.gates)
        if reasons:
            log.warning("model.refused", model_id=contender.id, stage=request.stage)
            raise Refused(f"{contender.id} was not promoted to {request.stage}", reasons)
    return Promotion(
        model=head.name,
        model_id=contender.id,
        version=contender.version,
        stage=request.stage,
        previous_model_id=incumbent_id,
        promoted=False,
    )


def _changing(seen: Stored[ModelHead] | None, head: ModelHead, event: ModelEvent) -> list[Write]:
    return [
        MODEL_HEADS.creation(head.name, head)
        if seen is None
        else MODEL_HEADS.replacement(seen, head),
        model_events(head.name).creation(f"{event.revision:08d}", event),
    ]
