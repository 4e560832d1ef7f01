"""What `split` and its child process `divide` say to each other, in one private folder.

It is apart from both so that the parent need not load Polars. The rows themselves go through
pipes, see confined/streams.py.
"""

from collections.abc import Sequence

from pydantic import AwareDatetime, Field

from mlsys.domain.contract import Contract
from mlsys.domain.dataset import Dataset
from mlsys.domain.formats import Limits
from mlsys.domain.records import (
    Failure,
    Input,
    Json,
    Part,
    Record,
)
from mlsys.domain.report import Report
from mlsys.domain.split_records import Column

WORK = "work.json"
OUTCOME = "outcome.json"
PROFILE = "profile.json"
LEFT_OUT = "rows.parquet"


class Work(Input):
    """What to do. `files` are the names that the source's objects were given, in their order."""

    files: Sequence[str]
    bytes_total: int
    uploaded_at: AwareDatetime
    dataset: Dataset
    limits: Limits


class Outcome(Record):
    """What became of it: a failure, or a report and, unless it is `refused`, three files.

    Attributes:
        failure: why nothing came of it.
        refused: whether the contract (or `strict`) forbids to use the table.
        report: what was found, also of a table that is used.
        columns: of the three files.
        rows: of each file.
        rows_left_out: in the gaps between the parts, and so in no file.
        rows_quarantined: that broke the contract, and lie in `rows.parquet`.
        read_as: format, encoding and so on, as they were told.
        settled: what the strategy found out, to do the same elsewhere.
        drafted_contract: what a table without a contract keeps.
        versions: of the libraries that shape the bytes.
    """

    failure: Failure | None = None
    refused: bool = False
    report: Report = Report()
    columns: list[Column] = Field(default_factory=list)
    rows: dict[Part, int] = Field(default_factory=dict)
    rows_left_out: int = 0
    rows_quarantined: int = 0
    read_as: Json = Field(default_factory=dict)
    settled: Json = Field(default_factory=dict)
    drafted_contract: Contract | None = None
    versions: dict[str, str] = Field(default_factory=dict)


def part_file(part: Part) -> str:
    """Name the file of a part.

    >>> part_file("train")
    'train.parquet'

    """
    return f"{part}.parquet"
