"""The ways to split a CSV file that tests/benchmarks/split.py compares, one a process.

Each imports its own libraries, because the environment of one lacks those of the others.
"""

import shutil
import sys
from pathlib import Path


def ours(file: Path, out: Path) -> None:
    """Drop the file into a local home and split it, as an event does."""
    from datetime import UTC, datetime

    from mlsys.adapters.local.objects import FileObjects
    from mlsys.adapters.local.records import SqliteRecords
    from mlsys.domain.messages import UploadFinished
    from mlsys.use_cases.split import split_upload
    from mlsys.use_cases.splitting.workshop import Workshop

    objects = FileObjects(out)
    (out / "uploads" / "bench").mkdir(parents=True)
    (out / "uploads" / "bench" / "table.csv").hardlink_to(file)
    found = objects.stat("gs://uploads/bench/table.csv")
    workshop = Workshop(
        objects=objects,
        records=SqliteRecords(out / "records.db"),
        artifacts_bucket="artifacts",
        lease_seconds=120,
        now=lambda: datetime.now(UTC),
    )
    upload = UploadFinished(bucket="uploads", name="bench/table.csv", generation=found.generation)
    split = split_upload(upload, workshop=workshop, uploads_bucket="uploads")
    if split is None or split.status != "READY":
        sys.exit(f"not split: {split and split.failure}")


def polars(file: Path, out: Path) -> None:
    """Turn the file into Parquet without splitting it."""
    import polars as pl

    pl.scan_csv(file).sink_parquet(out / "table.parquet")


def pandas(file: Path, out: Path) -> None:
    """Do what the tutorials do."""
    import pandas as pd
    from sklearn.model_selection import train_test_split

    table = pd.read_csv(file)
    train, rest = train_test_split(table, test_size=0.3, random_state=0)
    val, test = train_test_split(rest, test_size=0.5, random_state=0)
    for name, part in (("train", train), ("val", val), ("test", test)):
        part.to_parquet(out / f"{name}.parquet")


if __name__ == "__main__":
    folder = Path(sys.argv[3])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    {"ours": ours, "polars": polars, "pandas": pandas}[sys.argv[1]](Path(sys.argv[2]), folder)
