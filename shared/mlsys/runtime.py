"""Which adapter stands behind which port. The only file that says so."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, cached_property
from threading import Event, RLock
from typing import TYPE_CHECKING, Any, TypeVar

from mlsys import logs
from mlsys.ports import Jobs, Messages, ObjectReader, Objects, RecordReader, Records
from mlsys.settings import Settings, settings_from

if TYPE_CHECKING:  # only what serves models pays for numpy
    from mlsys.use_cases.serving.loaded_models import LoadedModels
    from mlsys.use_cases.serving.rankings import Rankings
    from mlsys.use_cases.splitting.workshop import Workshop


T = TypeVar("T")


class made_once(cached_property[T]):  # noqa: N801  # it decorates
    """A cached property that is made once for all threads; since 3.12 Python's own may not be."""

    _making = RLock()

    def __get__(self, instance: object, owner: type[Any] | None = None) -> T:  # type: ignore[override]
        """Make it, unless somebody has meanwhile; nobody comes here once it was made."""
        with self._making:
            return super().__get__(instance, owner)


@dataclass(frozen=True)
class Runtime:
    """The ports of one installation; each is built when it is first used."""

    settings: Settings
    stopping: Event = field(default_factory=Event, compare=False)
    """Set when this process ends; what takes long then gives its work back."""

    @made_once
    def objects(self) -> Objects:
        """Cloud Storage, or files."""
        if self.settings.backend == "local":
            from mlsys.adapters.local.objects import FileObjects

            return FileObjects(self.settings.home)
        from mlsys.adapters.gcp.objects import cloud_objects

        return cloud_objects(self.settings.project)

    @made_once
    def records(self) -> Records:
        """Firestore, or SQLite."""
        if self.settings.backend == "local":
            from mlsys.adapters.local.records import SqliteRecords

            return SqliteRecords(self.settings.home / "records.db")
        from mlsys.adapters.gcp.records import firestore_records

        return firestore_records(self.settings.project, self.settings.firestore_database)

    @made_once
    def object_reader(self) -> ObjectReader:
        """Cloud Storage without Google's client, or files."""
        if self.settings.backend == "local":
            return self.objects
        from mlsys.adapters.gcp.reading import cloud_object_reader

        return cloud_object_reader()

    @made_once
    def record_reader(self) -> RecordReader:
        """Firestore without Google's client, or SQLite."""
        if self.settings.backend == "local":
            return self.records
        from mlsys.adapters.gcp.reading import firestore_record_reader

        return firestore_record_reader(self.settings.project, self.settings.firestore_database)

    @made_once
    def messages(self) -> Messages:
        """Pub/Sub, or an outbox in SQLite."""
        if self.settings.backend == "local":
            from mlsys.adapters.local.messages import SqliteMessages

            return SqliteMessages(self.settings.home / "messages.db")
        from mlsys.adapters.gcp.messages import pubsub_messages

        return pubsub_messages(self.settings.project)

    @made_once
    def jobs(self) -> Jobs:
        """Cloud Run Jobs, or subprocesses."""
        if self.settings.backend == "local":
            from mlsys.adapters.local.jobs import SubprocessJobs

            return SubprocessJobs(
                self.settings.home,
                {
                    self.settings.study_job: [sys.executable, "-m", "mlsys.handlers.study"],
                    self.settings.ingest_job: [sys.executable, "-m", "mlsys.handlers.ingest"],
                },
                environment={"MLSYS_HOME": str(self.settings.home.resolve())},
            )
        from mlsys.adapters.gcp.jobs import cloud_run_jobs

        return cloud_run_jobs(
            self.settings.project, self.settings.region, endpoint=self.settings.run_endpoint
        )

    @made_once
    def models(self) -> "LoadedModels":
        """The models this process serves."""
        from mlsys.use_cases.serving.loaded_models import LoadedModels

        return LoadedModels(
            records=self.record_reader,
            objects=self.object_reader,
            pointer_ttl_seconds=self.settings.pointer_ttl_seconds,
            max_bytes=self.settings.model_cache_mib * 2**20,
        )

    @made_once
    def rankings(self) -> "Rankings":
        """The importances this process found last."""
        from mlsys.use_cases.serving.rankings import Rankings

        return Rankings()

    def workshop(self, carried: Mapping[str, str]) -> "Workshop":
        """Where a function makes splits; the job that gets what is too large for it logs `carried`.

        `carried` is what there is of `request_id` and `traceparent`.
        """
        from mlsys.use_cases.splitting.workshop import Ingestion, Workshop

        return Workshop(
            objects=self.objects,
            records=self.records,
            artifacts_bucket=self.settings.artifacts_bucket,
            lease_seconds=self.settings.lease_seconds,
            now=self.now,
            stopping=self.stopping,
            ingestion=Ingestion(
                jobs=self.jobs,
                job=self.settings.ingest_job,
                above_bytes=self.settings.split_budget_mib * 2**20,
                carried=carried,
            ),
        )

    def close(self) -> None:
        """Let nothing go on behind the requests; what is loaded answers as before."""
        if "models" in vars(self):  # else nobody asked for one, and nothing need be built
            self.models.close()

    def now(self) -> datetime:
        """Tell the time, aware and in UTC."""
        return datetime.now(UTC)


@cache
def runtime_from_env() -> Runtime:
    """Build this process's runtime from its environment, once, and configure its log."""
    settings = settings_from()
    logs.configure(settings.log_level)
    return Runtime(settings)
