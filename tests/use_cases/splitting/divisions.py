"""The work of the child process in this one: real streams, and a store in a folder."""

import io
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from mlsys.adapters.local.objects import FileObjects
from mlsys.domain.dataset import Dataset
from mlsys.domain.formats import Limits
from mlsys.domain.records import PARTS, Part
from mlsys.ports import Json
from mlsys.use_cases.confined.pumps import Moved, Pumps, Traffic
from mlsys.use_cases.confined.streams import Streams
from mlsys.use_cases.splitting.divide import divide
from mlsys.use_cases.splitting.division import LEFT_OUT, PROFILE, Outcome, Work, part_file

NEW = datetime(2026, 11, 1, tzinfo=UTC)

FILES = ["test.parquet", "train.parquet", "val.parquet"]
TARGET = {"columns": {"y": {"role": "target"}}, "task_type": "classification"}


@dataclass(frozen=True)
class Division:
    """What was said, and what was stored."""

    outcome: Outcome
    moved: Moved
    folder: Path
    objects: FileObjects

    @property
    def names(self) -> list[str]:
        """The files that were stored."""
        return sorted(one.uri.rpartition("/")[2] for one in self.objects.list("gs://artifacts/"))

    @property
    def parts(self) -> dict[Part, pl.DataFrame]:
        """The three parts."""
        return {part: self.file(part_file(part)) for part in PARTS}

    @property
    def table(self) -> pl.DataFrame:
        """The three parts, one after the other."""
        return pl.concat(self.parts.values())

    @property
    def quarantined(self) -> pl.DataFrame:
        """The rows that were left out because they broke the contract."""
        return self.file(LEFT_OUT)

    @property
    def profile(self) -> Json:
        """What `profile.json` will be."""
        found: Json = json.loads((self.folder / PROFILE).read_bytes())
        return found

    def file(self, name: str) -> pl.DataFrame:
        """Read one file."""
        return pl.read_parquet(io.BytesIO(self.objects.read(f"gs://artifacts/{name}")))


def divided(folder: Path, contents: bytes | Mapping[str, bytes], **dataset: Any) -> Division:
    """Divide a `rows.csv`, or several files, as a `dataset.json` of these sections wants it.

    Raises:
        InvalidInput: as `divide`.
    """
    files = {"rows.csv": contents} if isinstance(contents, bytes) else contents
    objects = FileObjects(folder / "objects")
    traffic = Traffic(
        sources=[objects.put(f"gs://uploads/{name}", one) for name, one in files.items()],
        parts={name: f"gs://artifacts/{name}" for name in [*map(part_file, PARTS), LEFT_OUT]},
        objects=objects,
        spool_bytes=2**30,
    )
    work = Work(
        files=list(files),
        bytes_total=sum(map(len, files.values())),
        uploaded_at=NEW,
        dataset=Dataset.model_validate_json(json.dumps(dataset)),
        limits=Limits(),
    )
    with ThreadPoolExecutor(1) as child, Pumps(traffic, folder) as pumps:
        streams = Streams(list(files), folder, channel=pumps.theirs)
        dividing = child.submit(divide, work, streams, folder)
        while not dividing.done():
            pumps.attend(0.02)
        outcome = dividing.result()
        return Division(outcome, pumps.settle(lambda: None), folder, objects)


def numbers(rows: int) -> bytes:
    return b"x\n" + b"".join(b"%d\n" % n for n in range(rows))


def classes(rows: int) -> bytes:
    """Write columns of each type; `part` says where the rows go, `group` has ten values."""
    lines = [
        f"{n:03},{n % 10},{n / 4},{'no' if n % 3 else 'yes'},{PARTS[(n % 5) % 3]}"
        for n in range(rows)
    ]
    return ("id,group,x,y,part\n" + "\n".join(lines) + "\n").encode()
