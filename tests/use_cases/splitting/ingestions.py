"""Tables that are too large for a function, and the job that gets them."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlsys.adapters.local.jobs import SubprocessJobs
from mlsys.adapters.local.objects import FileObjects
from mlsys.adapters.local.records import SqliteRecords
from mlsys.domain.errors import NotFound
from mlsys.domain.messages import UploadFinished
from mlsys.domain.split_records import Split
from mlsys.ports import Document, Execution, Jobs, Records, Replace, Write
from mlsys.repositories.splits import SPLITS
from mlsys.use_cases.split import split_upload
from mlsys.use_cases.splitting.workshop import Ingestion, Workshop

LONG = ("sleep", "60")
INGEST = (sys.executable, "-m", "mlsys.handlers.ingest")
CARRIED = {"request_id": "--e 1"}


@dataclass
class Scene:
    """One home whose functions hand over all that is larger than 100 bytes."""

    home: Path
    objects: FileObjects = field(init=False)
    records: SqliteRecords = field(init=False)
    jobs: SubprocessJobs = field(init=False)

    def __post_init__(self) -> None:
        self.objects = FileObjects(self.home)
        self.records = SqliteRecords(self.home / "records.db")
        self.jobs = self.jobs_of(LONG)

    def jobs_of(
        self, command: Sequence[str], *, max_retries: int = 0, lease_seconds: float = 2
    ) -> SubprocessJobs:
        """Make the ingest job of a command."""
        return SubprocessJobs(
            self.home,
            {"ingest": command},
            {"MLSYS_HOME": str(self.home), "MLSYS_LEASE_SECONDS": str(lease_seconds)},
            max_retries=max_retries,
            grace_seconds=10,
        )

    def workshop(
        self,
        *,
        jobs: Jobs | None = None,
        records: Records | None = None,
        lease_seconds: float = 60,
        above_bytes: int = 100,
    ) -> Workshop:
        """Furnish a function."""
        return Workshop(
            objects=self.objects,
            records=records or self.records,
            artifacts_bucket="artifacts",
            lease_seconds=lease_seconds,
            now=lambda: datetime.now(UTC),
            ingestion=Ingestion(jobs or self.jobs, "ingest", above_bytes, CARRIED),
        )

    def job_workshop(self, **changes: Any) -> Workshop:
        """Furnish the job itself."""
        furnished = {"ingestion": None, "execution_id": "ingest-1", **changes}
        return replace(self.workshop(), **furnished)

    def drop(self, name: str, content: bytes) -> UploadFinished:
        """Put a file into the uploads, and return its event."""
        written = self.objects.put(f"gs://uploads/{name}", content)
        return UploadFinished(bucket="uploads", name=name, generation=written.generation)

    def deliver(self, event: UploadFinished, **furnished: Any) -> Split:
        """Let the use case have the event."""
        split = split_upload(
            event,
            workshop=self.workshop(**furnished),
            uploads_bucket="uploads",
            request_id="e-1",
        )
        assert split is not None
        return split

    def split(self) -> Split:
        """Read the only split."""
        [split] = SPLITS.list(records=self.records).values
        return split

    def change(self, **changes: Any) -> None:
        """Write into the only split what another process would have."""
        SPLITS.change(
            self.split().id, lambda there: there.model_copy(update=changes), records=self.records
        )

    def executions(self) -> list[dict[str, Any]]:
        """Return the status of every execution that was ever started."""
        found = (self.home / "jobs").glob("*/status.json")
        return [json.loads(path.read_bytes()) for path in found]


class Killed(BaseException):
    """The process ends here: nothing catches this."""


class FailingJobs(SubprocessJobs):
    """Ends in a given way, before or after the execution started."""

    def __init__(self, scene: Scene, ending: BaseException, *, started: bool = False) -> None:
        super().__init__(scene.home, {"ingest": ["sleep", "60"]}, grace_seconds=0.5)
        self._ending, self._started = ending, started

    def start(self, job: str, *, arguments: Sequence[str], tasks: int = 1) -> Execution:
        if self._started:
            super().start(job, arguments=arguments, tasks=tasks)
        raise self._ending


class QuickJobs(SubprocessJobs):
    """The job claims its split before `start` returns."""

    def __init__(self, scene: Scene, claims: Callable[[str], None]) -> None:
        super().__init__(scene.home, {"ingest": ["sleep", "60"]}, grace_seconds=0.5)
        self._claims = claims

    def start(self, job: str, *, arguments: Sequence[str], tasks: int = 1) -> Execution:
        execution = super().start(job, arguments=arguments, tasks=tasks)
        self._claims(execution.id)
        return execution


class LateRecords(SqliteRecords):
    """Does not see at once what another delivery has just created."""

    def __init__(self, scene: Scene, times: int) -> None:
        super().__init__(scene.home / "records.db")
        self._blind = times

    def get(self, collection: str, id: str) -> Document:
        self._blind -= 1
        if self._blind >= 0:
            raise NotFound(f"{collection}/{id} does not exist")
        return super().get(collection, id)


class InterruptedRecords(SqliteRecords):
    """Lets a whole other delivery happen when the first replacement is about to be written."""

    def __init__(self, scene: Scene, other: Callable[[], object]) -> None:
        super().__init__(scene.home / "records.db")
        self._others = [other]

    def commit(self, writes: Sequence[Write]) -> list[Document | None]:
        if self._others and any(isinstance(write, Replace) for write in writes):
            self._others.pop()()
        return super().commit([self._compared(write) for write in writes])

    def _compared(self, write: Write) -> Write:
        return write


class UnfencedRecords(InterruptedRecords):
    """Replaces whatever stands there: a compare-and-set that does not compare."""

    def _compared(self, write: Write) -> Write:
        if isinstance(write, Replace):
            return Replace(self.get(write.seen.collection, write.seen.id), write.body)
        return write


def ended(execution_id: str | None, jobs: Jobs) -> bool:
    """Whether nothing of an execution runs any more."""
    return jobs.look(str(execution_id)).state.final
