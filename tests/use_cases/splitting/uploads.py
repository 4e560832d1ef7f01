"""A platform in a folder: what the tests of a split drop files into."""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from mlsys.adapters.local.objects import FileObjects
from mlsys.adapters.local.records import SqliteRecords
from mlsys.domain.messages import UploadFinished
from mlsys.domain.records import (
    PARTS,
    Failure,
    File,
    Part,
)
from mlsys.domain.split_records import Split, SplitStatus
from mlsys.ports import Json
from mlsys.use_cases.split import split_upload
from mlsys.use_cases.splitting.workshop import Workshop

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

    def workshop(self, **furnished: Any) -> Workshop:
        """Furnish what does the work; `furnished` are its fields, by default this home's."""
        usual: dict[str, Any] = {
            "objects": self.objects,
            "records": self.records,
            "artifacts_bucket": "artifacts",
            "lease_seconds": 60,
            "now": lambda: datetime.now(UTC),
        }
        return Workshop(**{**usual, **furnished})

    def deliver(self, event: UploadFinished, **furnished: Any) -> Split | None:
        """Let the use case have the event."""
        return split_upload(
            event, workshop=self.workshop(**furnished), uploads_bucket="uploads", request_id="e-1"
        )

    def split(self, name: str, content: bytes, **furnished: Any) -> Split:
        """Drop a file and deliver its event once."""
        done = self.deliver(self.drop(name, content), **furnished)
        assert done is not None
        return done

    def json(self, uri: str | None) -> Json:
        """Read a stored JSON object."""
        assert uri is not None
        found: Json = json.loads(self.objects.read(uri))
        return found

    def parquet(self, file: File) -> pl.DataFrame:
        """Read a stored file whose bytes must be those that were recorded."""
        return pl.read_parquet(io.BytesIO(self.objects.read(file.uri, sha256=file.sha256)))

    def parts(self, split: Split) -> dict[Part, pl.DataFrame]:
        """Read the three parts again."""
        return {part: self.parquet(split.files[part]) for part in PARTS}

    def table(self, split: Split) -> pl.DataFrame:
        """Read the three parts again, one after the other."""
        return pl.concat(self.parts(split).values())

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


def failure_of(split: Split | None) -> Failure:
    """Return why a split that must have failed did."""
    assert split is not None
    assert split.status is SplitStatus.FAILED, split
    assert split.failure is not None
    return split.failure
