"""What is stored about splits: where they come from, how they stand, and what they hold."""

from enum import StrEnum

from pydantic import Field

from mlsys.domain.ids import Id
from mlsys.domain.records import Failure, File, Json, Part, Record, Time


class Attempt(Record):
    """Who is at the work now. A later attempt has a higher number, and fences the earlier."""

    number: int = 0
    token: str = ""


class SplitStatus(StrEnum):
    """How a split stands; all but the first are final."""

    RUNNING = "RUNNING"
    READY = "READY"
    QUARANTINED = "QUARANTINED"
    FAILED = "FAILED"


class ColumnType(StrEnum):
    """mlsys's own names of types; domain/tables.py says what they are in Polars."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    FLOAT = "float"
    DECIMAL = "decimal"
    TEXT = "text"
    DATE = "date"
    DATETIME = "datetime"


class Role(StrEnum):
    """What a column is for. All are stored; by default only features are learnt from."""

    FEATURE = "feature"
    TARGET = "target"
    KEY = "key"
    GROUP = "group"
    TIME = "time"
    WEIGHT = "weight"
    FOLD = "fold"
    IGNORE = "ignore"


class Column(Record):
    """One column of a table.

    Here `nullable` is whether a cell really is missing. Of a `sensitive` one no value is shown; in
    records of releases that did not note it, none is.
    """

    name: str
    type: ColumnType
    nullable: bool
    role: Role = Role.FEATURE
    sensitive: bool = False


class Source(Record):
    """One object that a split is made of; `sha256` is there once all of it was read."""

    uri: str
    generation: str
    size_bytes: int
    updated_at: Time
    sha256: str | None = None


class Progress(Record):
    """How far the reading of a table has come; one that is read twice counts twice."""

    bytes_read: int
    bytes_total: int


class Split(Record):
    """A table, divided into train, val and test.

    `source_uri` is what was dropped: the table itself, or the `_SUCCESS` beside the objects that
    make it up. `failure` says why it FAILED, or in short why it is QUARANTINED; `quarantine_uri`
    has the rows. `experiment_wish` is the `experiment` section of its `dataset.json`,
    `experiment_id` what came of it. `asked_sha256` is of what a client sent.
    """

    id: Id
    entity_id: Id
    status: SplitStatus
    created_at: Time
    updated_at: Time
    source_uri: str
    source_generation: str
    sources: list[Source] = Field(default_factory=list)
    strategy: str
    params: Json = Field(default_factory=dict)
    seed: int
    target_column: str | None = None
    columns: list[Column] = Field(default_factory=list)
    rows: dict[Part, int] = Field(default_factory=dict)
    files: dict[Part, File] = Field(default_factory=dict)
    manifest_uri: str | None = None
    profile_uri: str | None = None
    quarantine_uri: str | None = None
    rows_left_out: int = 0
    rows_quarantined: int = 0
    warnings: list[str] = Field(default_factory=list)
    failure: Failure | None = None
    progress: Progress | None = None
    execution_id: str | None = None
    launches: int = 0
    experiment_wish: Json | None = None
    experiment_id: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    description: str = ""
    deleted: bool = False
    deleted_at: Time | None = None
    artifacts_deleted: bool = False
    attempt: Attempt = Attempt()
    request_id: str = ""
    asked_sha256: str = ""
