"""Where splits are made: in a function, or, of what is too large for it, in a Cloud Run Job."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event

from mlsys.domain.formats import Limits, expected_bytes
from mlsys.domain.split_records import Split
from mlsys.ports import Jobs, Objects, Records
from mlsys.use_cases.splitting.claims import Clock

LIMITS = Limits()
JOB_LIMITS = Limits(memory_mib=6144, seconds=6 * 3600)
MAX_DEATHS = 2


@dataclass(frozen=True)
class Ingestion:
    """The job for large tables.

    Attributes:
        jobs: where it runs.
        job: its name.
        above_bytes: it takes tables of more than this, as they are expected to be unpacked.
        carried: what it writes into each line of its log: `request_id`, `traceparent`.
    """

    jobs: Jobs
    job: str
    above_bytes: int
    carried: Mapping[str, str] = field(default_factory=dict)

    def takes(self, split: Split) -> bool:
        """Whether a table is too large for a function, was too large for one, or killed two."""
        total = sum(expected_bytes(source.uri, source.size_bytes) for source in split.sources)
        killed = split.attempt.number >= MAX_DEATHS
        return split.launches > 0 or killed or total > self.above_bytes


@dataclass(frozen=True)
class Workshop:
    """Where splits are made.

    Attributes:
        objects: holds the tables, and gets three Parquet files, a profile and a manifest for each.
        records: holds the splits' records.
        artifacts_bucket: where the results go.
        lease_seconds: after how long without a sign of life an attempt is taken over.
        now: the time that people read in the record.
        stopping: set when this process ends; the work is then given back at once.
        limits: how large a table may be.
        ingestion: the job that gets what is too large for this process; None where all is done.
        execution_id: of the job's execution that this process belongs to; None in a function.
    """

    objects: Objects
    records: Records
    artifacts_bucket: str
    lease_seconds: float
    now: Clock
    stopping: Event = field(default_factory=Event)
    limits: Limits = LIMITS
    ingestion: Ingestion | None = None
    execution_id: str | None = None
