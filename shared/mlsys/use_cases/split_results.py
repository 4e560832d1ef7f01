"""What a split leaves behind: three Parquet files and a manifest, or the reasons of a quarantine.

Every object is written once, under a name that only this content may have, so that an attempt
which was taken over does no harm.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from mlsys.domain.contract import Contract, Dataset, Report
from mlsys.domain.records import (
    PARTS,
    Column,
    Failure,
    File,
    Json,
    Part,
    Record,
    Split,
    SplitStatus,
)
from mlsys.ports import Objects
from mlsys.use_cases.claims import Claim
from mlsys.use_cases.division import Outcome, part_path

MAX_REASONS = 20


@dataclass(frozen=True)
class Divided:
    """What was fetched, what was wanted, and what the child process made of it in `folder`."""

    source: File
    dataset: Dataset
    algorithm: str
    outcome: Outcome
    folder: Path


class Manifest(Record):
    """What `manifest.json` beside the three files says about them."""

    split_id: str
    entity_id: str
    algorithm: str
    source: File
    source_generation: str
    strategy: str
    params: Json
    seed: int
    target_column: str | None
    columns: list[Column]
    rows: dict[Part, int]
    files: dict[Part, File]
    contract: Contract | None
    drafted_contract: Contract | None
    report: Report
    duplicates_across_parts: int
    versions: dict[str, str]


class Quarantine(Record):
    """What `reasons.json` says: why a whole upload was refused, row by row."""

    split_id: str
    entity_id: str
    source: File
    source_generation: str
    contract: Contract
    report: Report


def keep_parts(claimed: Claim, divided: Divided, bucket: str, *, objects: Objects) -> Split:
    """Store the files, then the manifest, then say READY. Raises Busy (it was taken over)."""
    split, outcome = claimed.seen.value, divided.outcome
    prefix = f"gs://{bucket}/splits/{split.id}"
    files: dict[Part, File] = {}
    for part in PARTS:
        content = part_path(divided.folder, part).read_bytes()
        files[part] = File(
            uri=f"{prefix}/{part}.parquet",
            sha256=hashlib.sha256(content).hexdigest(),
            size_bytes=len(content),
        )
        objects.put_once(files[part].uri, content)
        claimed.beat()
    manifest = Manifest(
        split_id=split.id,
        entity_id=split.entity_id,
        algorithm=divided.algorithm,
        source=divided.source,
        source_generation=split.source_generation,
        strategy=split.strategy,
        params=split.params,
        seed=split.seed,
        target_column=split.target_column,
        columns=outcome.columns,
        rows=outcome.rows,
        files=files,
        contract=divided.dataset.contract,
        drafted_contract=outcome.drafted_contract,
        report=outcome.report,
        duplicates_across_parts=outcome.duplicates_across_parts,
        versions=outcome.versions,
    )
    manifest_uri = f"{prefix}/manifest.json"
    objects.put_once(manifest_uri, manifest.model_dump_json(indent=1).encode())
    return claimed.note(
        status=SplitStatus.READY,
        columns=outcome.columns,
        rows=outcome.rows,
        files=files,
        manifest_uri=manifest_uri,
        warnings=outcome.report.warnings,
    )


def keep_reasons(claimed: Claim, divided: Divided, bucket: str, *, objects: Objects) -> Split:
    """Store which rows break the contract, then say QUARANTINED. Raises Busy."""
    split, report = claimed.seen.value, divided.outcome.report
    quarantine = Quarantine(
        split_id=split.id,
        entity_id=split.entity_id,
        source=divided.source,
        source_generation=split.source_generation,
        contract=divided.dataset.contract_in_force(),
        report=report,
    )
    folder = f"gs://{bucket}/quarantine/{split.entity_id}/{split.source_generation}"
    uri = f"{folder}/{split.id}/reasons.json"
    objects.put_once(uri, quarantine.model_dump_json(indent=1).encode())
    return claimed.note(
        status=SplitStatus.QUARANTINED,
        columns=divided.outcome.columns,
        warnings=report.warnings,
        quarantine_uri=uri,
        failure=Failure(
            code="contract_broken",
            message=f"{len(report.reasons)} promise(s) of the contract are broken: see {uri}",
            details=[reason.message for reason in report.reasons[:MAX_REASONS]],
        ),
    )
