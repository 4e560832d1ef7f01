"""What is stored about models: their versions, the pointer of each name, and its history."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from mlsys.domain.ids import Id
from mlsys.domain.records import File, Record, Time


class Measure(Record):
    """A metric on one part, with its bootstrap interval where there is one."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    level: float | None = None


class PromotionOutcome(Record):
    """What came of an asked-for promotion, and why."""

    stage: str
    promoted: bool
    reasons: list[str] = Field(default_factory=list)


class VersionStatus(StrEnum):
    """RESERVED: the files are being written. READY: they are there. ABANDONED: they never came."""

    RESERVED = "RESERVED"
    READY = "READY"
    ABANDONED = "ABANDONED"


class ModelVersion(Record):
    """One registered model; `id` is `{name}-v{version}`."""

    id: Id
    name: Id
    version: int
    status: VersionStatus
    created_at: Time
    experiment_id: Id
    split_id: Id
    model_type: str
    task: str
    files: dict[str, File] = Field(default_factory=dict)
    val: Measure | None = None
    test: Measure | None = None
    maximize: bool
    promotion: PromotionOutcome | None = None


class ModelHead(Record):
    """The pointer of one model name: which versions there are, and which are served."""

    name: Id
    created_at: Time
    revision: int = 0
    latest_version: int = 0
    staging: int | None = None
    production: int | None = None


class ModelEvent(Record):
    """One change of a head. Replaying the events of a name, by revision, gives its head."""

    revision: int
    kind: Literal["register", "promote"]
    op_id: str
    at: Time
    version: int
    stage: str | None = None
    previous: int | None = None
    reason: str = ""
