"""What a split leaves behind: three Parquet files, a profile and a manifest, and what broke rules.

Every object is written once, under a name that only this content may have, so that an attempt
which was taken over does no harm.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from mlsys.domain.contract import Contract
from mlsys.domain.dataset import Dataset
from mlsys.domain.places import quarantine_folder, split_folder
from mlsys.domain.reasons_page import reasons_page
from mlsys.domain.records import (
    PARTS,
    Failure,
    File,
    Json,
    Part,
    Record,
)
from mlsys.domain.report import Report
from mlsys.domain.split_records import (
    Column,
    Source,
    Split,
    SplitStatus,
)
from mlsys.ports import Objects
from mlsys.use_cases.confined.pumps import Moved
from mlsys.use_cases.splitting.claims import Claim
from mlsys.use_cases.splitting.division import LEFT_OUT, PROFILE, Outcome, part_file
from mlsys.use_cases.splitting.request import ALGORITHM

DRAFTED = "drafted_dataset.json"
MAX_REASONS = 20


@dataclass(frozen=True)
class Divided:
    """What was wanted, what the child process made of it in `folder`, and what went by."""

    dataset: Dataset
    outcome: Outcome
    moved: Moved
    folder: Path

    def sources_of(self, split: Split) -> list[Source]:
        """Return the sources with the sha256 of what was read."""
        return [
            source.model_copy(update={"sha256": read and read.sha256})
            for source, read in zip(split.sources, self.moved.sources, strict=True)
        ]


class Manifest(Record):
    """What `manifest.json` beside the three files says about them."""

    split_id: str
    entity_id: str
    algorithm: str
    source_uri: str
    source_generation: str
    sources: list[Source]
    read_as: Json
    strategy: str
    params: Json
    settled: Json
    seed: int
    target_column: str | None
    columns: list[Column]
    rows: dict[Part, int]
    rows_left_out: int
    rows_quarantined: int
    files: dict[Part, File]
    profile: File
    contract: Contract | None
    drafted_contract: Contract | None
    report: Report
    versions: dict[str, str]


class Quarantine(Record):
    """What `reasons.json` says: which rows broke the contract, and how.

    `rows` is where they lie if they alone were left out; None if the whole upload was refused.
    """

    split_id: str
    entity_id: str
    sources: list[Source]
    source_generation: str
    contract: Contract
    report: Report
    rows: File | None


def writable(split: Split, bucket: str) -> dict[str, str]:
    """Say where each file that the child process may write is stored."""
    parts = {part_file(part): f"{split_folder(split, bucket)}{part_file(part)}" for part in PARTS}
    return parts | {LEFT_OUT: f"{quarantine_folder(split, bucket)}{LEFT_OUT}"}


def keep_parts(claimed: Claim, divided: Divided, bucket: str, *, objects: Objects) -> Split:
    """Store what belongs to the parts, the manifest last, then say READY.

    Raises:
        Busy: the work was taken over.
    """
    split, outcome = claimed.seen.value, divided.outcome
    quarantine_uri = None
    if outcome.report.reasons:
        quarantine_uri = _keep_quarantine(split, divided, bucket, objects=objects)
    profile = (divided.folder / PROFILE).read_bytes()
    profile_uri = f"{split_folder(split, bucket)}{PROFILE}"
    objects.put_once(profile_uri, profile)
    files = {part: divided.moved.parts[part_file(part)] for part in PARTS}
    manifest = Manifest(
        split_id=split.id,
        entity_id=split.entity_id,
        algorithm=ALGORITHM,
        source_uri=split.source_uri,
        source_generation=split.source_generation,
        sources=divided.sources_of(split),
        read_as=outcome.read_as,
        strategy=split.strategy,
        params=split.params,
        settled=outcome.settled,
        seed=split.seed,
        target_column=split.target_column,
        columns=outcome.columns,
        rows=outcome.rows,
        rows_left_out=outcome.rows_left_out,
        rows_quarantined=outcome.rows_quarantined,
        files=files,
        profile=File(
            uri=profile_uri, sha256=hashlib.sha256(profile).hexdigest(), size_bytes=len(profile)
        ),
        contract=divided.dataset.contract,
        drafted_contract=outcome.drafted_contract,
        report=outcome.report,
        versions=outcome.versions,
    )
    if outcome.drafted_contract is not None:
        drafted = Dataset(contract=outcome.drafted_contract)
        content = drafted.model_dump_json(indent=1, exclude_defaults=True).encode()
        objects.put_once(f"{split_folder(split, bucket)}{DRAFTED}", content)
    manifest_uri = f"{split_folder(split, bucket)}manifest.json"
    objects.put_once(manifest_uri, manifest.model_dump_json(indent=1).encode())
    return claimed.note(
        status=SplitStatus.READY,
        sources=divided.sources_of(split),
        columns=outcome.columns,
        rows=outcome.rows,
        rows_left_out=outcome.rows_left_out,
        rows_quarantined=outcome.rows_quarantined,
        files=files,
        manifest_uri=manifest_uri,
        profile_uri=profile_uri,
        quarantine_uri=quarantine_uri,
        warnings=outcome.report.warnings,
        progress=None,
    )


def keep_reasons(claimed: Claim, divided: Divided, bucket: str, *, objects: Objects) -> Split:
    """Store which rows break the contract, then say QUARANTINED. Raises Busy."""
    split, report = claimed.seen.value, divided.outcome.report
    uri = _keep_quarantine(split, divided, bucket, objects=objects)
    return claimed.note(
        status=SplitStatus.QUARANTINED,
        sources=divided.sources_of(split),
        columns=divided.outcome.columns,
        warnings=report.warnings,
        quarantine_uri=uri,
        progress=None,
        failure=Failure(
            code="contract_broken",
            message=f"{len(report.reasons)} promise(s) of the contract are broken: see {uri}",
            details=[reason.message for reason in report.reasons[:MAX_REASONS]],
        ),
    )


def _keep_quarantine(split: Split, divided: Divided, bucket: str, *, objects: Objects) -> str:
    """Store what broke the contract, for programs and as a page for people."""
    quarantine = Quarantine(
        split_id=split.id,
        entity_id=split.entity_id,
        sources=divided.sources_of(split),
        source_generation=split.source_generation,
        contract=divided.dataset.contract_in_force(),
        report=divided.outcome.report,
        rows=divided.moved.parts.get(LEFT_OUT),
    )
    folder = quarantine_folder(split, bucket)
    uri = f"{folder}reasons.json"
    objects.put_once(uri, quarantine.model_dump_json(indent=1).encode())
    page = reasons_page(
        divided.outcome.report,
        title=split.source_uri,
        left_out=divided.outcome.rows_quarantined > 0,
    )
    objects.put_once(f"{folder}reasons.html", page.encode())
    return uri
