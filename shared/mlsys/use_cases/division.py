"""What `split` and its child process `divide` say to each other, in one private folder.

It is apart from both so that the parent need not load Polars.
"""

from pathlib import Path

from pydantic import Field

from mlsys.domain.contract import Contract, Dataset, Report
from mlsys.domain.formats import Limits
from mlsys.domain.records import Column, Failure, Input, Part, Record

SOURCE = "source"
WORK = "work.json"
OUTCOME = "outcome.json"


class Work(Input):
    """What to do with the file `source` in the same folder. `file` is the name it was given."""

    file: str
    dataset: Dataset
    limits: Limits


class Outcome(Record):
    """What became of it: a failure, or a report of broken rules, or three files in the folder."""

    failure: Failure | None = None
    report: Report = Report()
    columns: list[Column] = Field(default_factory=list)
    rows: dict[Part, int] = Field(default_factory=dict)
    duplicates_across_parts: int = 0
    drafted_contract: Contract | None = None
    versions: dict[str, str] = Field(default_factory=dict)


def part_path(folder: Path, part: Part) -> Path:
    """Say where the child writes a part."""
    return folder / f"{part}.parquet"
