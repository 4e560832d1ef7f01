"""A split in real processes, and what may not be wrong with it in the end."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlsys.domain.errors import Busy, MlsysError
from mlsys.domain.messages import UploadFinished
from mlsys.domain.split_records import Split, SplitStatus
from mlsys.repositories.splits import SPLITS
from mlsys.use_cases.split import CHILD
from mlsys.use_cases.splitting.results import Manifest, Quarantine
from tests.faults.processes import processes
from tests.use_cases.splitting.uploads import Platform, csv_rows
from tests.waiting import PATIENCE_SECONDS, wait_for

DELIVERY = "tests.faults.dying_split"
ROWS = 60
LEASE_SECONDS = 0.5

Process = subprocess.Popen[str]


@dataclass
class Scene:
    """One upload in a home of its own, and the processes at it."""

    home: Path
    dataset: Mapping[str, Any]
    platform: Platform = field(init=False)
    event: UploadFinished = field(init=False)

    def __post_init__(self) -> None:
        (self.home / "tmp").mkdir(parents=True)
        self.platform = Platform(self.home)
        self.platform.drop("churn/dataset.json", self.dataset)
        self.event = self.platform.drop("churn/rows.csv", csv_rows(ROWS))

    @contextmanager
    def delivery(
        self, point: str = "", *, signal: str = "SIGKILL", fenced: bool = True
    ) -> Iterator[Process]:
        """Start a delivery that gets a signal at a point; it is dead when the block ends."""
        asked = {
            "event": self.event.model_dump(),
            "point": point,
            "signal": signal,
            "fenced": fenced,
            "lease_seconds": LEASE_SECONDS,
        }
        with subprocess.Popen(
            [sys.executable, "-m", DELIVERY, str(self.home)],
            env={**os.environ, "TMPDIR": str(self.home / "tmp"), "PYTHONPATH": "shared:."},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            assert process.stdin is not None
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.flush()
            try:
                yield process
            finally:
                process.kill()

    def killed_at(self, point: str) -> bool:
        """Let one delivery come so far and no further; False if it never came there."""
        with self.delivery(point) as process:
            return process.wait(PATIENCE_SECONDS) < 0

    def redelivered(self) -> Split:
        """Deliver again and again, as Pub/Sub does, until it is acknowledged."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                split = self.platform.deliver(self.event, lease_seconds=LEASE_SECONDS)
            except Busy:
                time.sleep(0.05)
            else:
                assert split is not None
                return split
        raise TimeoutError

    def remains(self) -> list[object]:
        """Return all that must not change any more once the split has ended."""
        splits = SPLITS.list(records=self.platform.records).values
        return [splits, self.platform.artifacts()]

    def violations(self) -> list[str]:
        """Return what is wrong with a split that should have ended READY."""
        splits = SPLITS.list(records=self.platform.records).values
        if [one.status for one in splits] != [SplitStatus.READY]:
            return [f"want one READY split, got {[one.status for one in splits]}"]
        [split] = splits
        try:
            return [*self._wrong_rows(split), *self._wrong_objects(split)]
        except MlsysError as error:
            return [f"a file cannot be read: {error}"]

    def children(self) -> list[int]:
        """Return the confined children of this home that live, whoever started them."""
        return processes(
            lambda words: CHILD in words and any(word.startswith(f"{self.home}/") for word in words)
        )

    def all_children_end(self) -> None:
        """Wait until none is left."""
        wait_for(lambda: not self.children())

    def _wrong_rows(self, split: Split) -> list[str]:
        there = {part: one.height for part, one in self.platform.parts(split).items()}
        found = []
        if there != split.rows:
            found.append(f"the files have {there} rows, the record says {split.rows}")
        total = sum(split.rows.values()) + split.rows_left_out + split.rows_quarantined
        if total != ROWS:
            found.append(f"{total} rows are accounted for, {ROWS} were dropped")
        ids = self.platform.table(split)["id"].to_list()
        if len(set(ids)) != len(ids) or not set(ids) <= set(range(ROWS)):
            found.append("a row is there twice, or is none of the upload")
        return found

    def _wrong_objects(self, split: Split) -> list[str]:
        """Find what nothing names, and what is named and not there."""
        manifest = Manifest.model_validate(self.platform.json(split.manifest_uri))
        named = {one.uri for one in [*manifest.files.values(), manifest.profile]}
        named |= {str(split.manifest_uri)}
        if manifest.drafted_contract is not None:
            named.add(str(split.manifest_uri).replace("manifest", "drafted_dataset"))
        if split.quarantine_uri is not None:
            told = Quarantine.model_validate(self.platform.json(split.quarantine_uri))
            named |= {split.quarantine_uri, split.quarantine_uri.replace(".json", ".html")}
            if told.rows is not None:
                named.add(told.rows.uri)
                if self.platform.parquet(told.rows).height != split.rows_quarantined:
                    return ["the quarantine has another number of rows"]
        stored = set(self.platform.artifacts())
        return [f"nothing names {uri}" for uri in sorted(stored - named)] + [
            f"{uri} is not there" for uri in sorted(named - stored)
        ]
