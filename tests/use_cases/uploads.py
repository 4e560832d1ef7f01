"""A platform in a folder: what the tests of a split drop files into."""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import polars as pl

from mlsys.adapters.local.objects import FileObjects
from mlsys.adapters.local.records import SqliteRecords
from mlsys.domain.formats import Limits
from mlsys.domain.messages import UploadFinished
from mlsys.domain.records import PARTS, Split, SplitStatus
from mlsys.ports import Json, Objects, Records
from mlsys.use_cases.split import split_upload

TARGET = {"contract": {"columns": {"y": {"role": "target"}}, "task_type": "classification"}}
STRATIFIED = TARGET | {"split": {"strategy": "stratified", "seed": 7}}


def csv_rows(rows: int = 60) -> bytes:
    """Write a table of two classes."""
    lines = [f"{n},{n / 7:.3f},{'yes' if n % 3 else 'no'}" for n in range(rows)]
    return ("id,x,y\n" + "\n".join(lines) + "\n").encode()


@dataclass
class Platform:
    """One home, with adapters that a test may replace by wilder ones."""

    home: Path
    objects: FileObjects = field(init=False)
    records: SqliteRecords = field(init=False)

    def __post_init__(self) -> None:
        self.objects = FileObjects(self.home)
        self.records = SqliteRecords(self.home / "records.db")

    def drop(self, name: str, content: bytes | Mapping[str, Any]) -> UploadFinished:
        """Put a file into the uploads, and return its event."""
        stored = content if isinstance(content, bytes) else json.dumps(content).encode()
        written = self.objects.put(f"gs://uploads/{name}", stored)
        return UploadFinished(bucket="uploads", name=name, generation=written.generation)

    def deliver(
        self,
        event: UploadFinished,
        *,
        objects: Objects | None = None,
        records: Records | None = None,
        lease_seconds: float = 60,
        limits: Limits | None = None,
        stopping: Event | None = None,
    ) -> Split | None:
        """Let the use case have the event."""
        return split_upload(
            event,
            objects=objects or self.objects,
            records=records or self.records,
            uploads_bucket="uploads",
            artifacts_bucket="artifacts",
            lease_seconds=lease_seconds,
            now=lambda: datetime.now(UTC),
            limits=limits or Limits(),
            stopping=stopping,
        )

    def split(self, name: str, content: bytes, *, limits: Limits | None = None) -> Split:
        """Drop a file and deliver its event once."""
        done = self.deliver(self.drop(name, content), limits=limits)
        assert done is not None
        return done

    def json(self, uri: str | None) -> Json:
        """Read a stored JSON object."""
        assert uri is not None
        found: Json = json.loads(self.objects.read(uri))
        return found

    def table(self, split: Split) -> pl.DataFrame:
        """Read the three parts again, one after the other."""
        return pl.concat(
            pl.read_parquet(
                io.BytesIO(
                    self.objects.read(split.files[part].uri, sha256=split.files[part].sha256)
                )
            )
            for part in PARTS
        )

    def artifacts(self) -> dict[str, str]:
        """List everything that was stored, by name, with its sha256."""
        return {
            one.uri: hashlib.sha256(self.objects.read(one.uri)).hexdigest()
            for one in self.objects.list("gs://artifacts/")
        }


def ready(split: Split | None) -> Split:
    """Return a split that must be ready."""
    assert split is not None
    assert split.status is SplitStatus.READY, split.failure
    return split
