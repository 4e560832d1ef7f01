"""The registry's rules: what an operation makes of a head, and what a gate says of a version."""

from datetime import datetime

from mlsys.domain.choices import Stage
from mlsys.domain.messages import Gates
from mlsys.domain.model_records import Measure, ModelEvent, ModelHead, ModelVersion, VersionStatus

Change = tuple[ModelHead, ModelEvent]


def register(head: ModelHead, *, op_id: str, at: datetime) -> Change:
    """Take the next version number.

    >>> from datetime import UTC
    >>> now = datetime(2026, 1, 1, tzinfo=UTC)
    >>> new = ModelHead(name="churn", created_at=now)
    >>> head, event = register(new, op_id="exp-1", at=now)
    >>> head.latest_version, event.revision
    (1, 1)

    """
    event = ModelEvent(
        revision=head.revision + 1,
        kind="register",
        op_id=op_id,
        at=at,
        version=head.latest_version + 1,
    )
    return replay(head, event), event


def promote(
    head: ModelHead, *, version: int, stage: Stage, op_id: str, at: datetime, reason: str
) -> Change:
    """Point a stage at a version."""
    event = ModelEvent(
        revision=head.revision + 1,
        kind="promote",
        op_id=op_id,
        at=at,
        version=version,
        stage=stage,
        previous=getattr(head, stage),
        reason=reason,
    )
    return replay(head, event), event


def replay(head: ModelHead, event: ModelEvent) -> ModelHead:
    """Return the head after an event; a head is nothing but its events."""
    if event.kind == "register":
        change: dict[str, int] = {"latest_version": event.version}
    else:
        change = {str(event.stage): event.version}
    return head.model_copy(update={"revision": event.revision, **change})


def objections(
    contender: ModelVersion, incumbent: ModelVersion | None, gates: Gates | None
) -> tuple[str, ...]:
    """Return why `contender` may not be promoted, one sentence each; none if it may.

    Gates read the test metric: val chose the winner, so it flatters. Without gates only what
    every version needs is asked: that its files are there.
    """
    if contender.status is not VersionStatus.READY:
        return (f"{contender.id} is {contender.status}: its files are not all written",)
    if gates is None:
        return ()
    if contender.test is None:
        return (f"{contender.id} has no test metric",)

    found = []
    measured = f"{contender.test.name} {contender.test.value:.6g} on test"
    if gates.min_value is not None and contender.test.value < gates.min_value:
        found.append(f"{contender.id} has {measured}, under the minimum {gates.min_value:g}")
    if gates.max_value is not None and contender.test.value > gates.max_value:
        found.append(f"{contender.id} has {measured}, over the maximum {gates.max_value:g}")
    if gates.must_improve and incumbent is not None:
        found.extend(_not_better(contender, contender.test, incumbent))
    return tuple(found)


def _not_better(contender: ModelVersion, test: Measure, incumbent: ModelVersion) -> list[str]:
    if incumbent.test is None or incumbent.test.name != test.name:
        other = "nothing" if incumbent.test is None else incumbent.test.name
        return [f"{contender.id} was measured by {test.name}, {incumbent.id} by {other}"]
    gain = test.value - incumbent.test.value
    if (gain if contender.maximize else -gain) > 0:
        return []
    than = f"no better than {incumbent.test.value:.6g} of {incumbent.id}"
    return [f"{contender.id} has {test.name} {test.value:.6g} on test, {than}"]
