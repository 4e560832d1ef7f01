"""`profile.json`: how each part of a split looked, for later data to be compared with."""

from typing import Any

from pydantic import Field

from mlsys.domain.records import Part, Record
from mlsys.domain.split_records import Column

SCHEMA_VERSION = 1
LEVELS = ("0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99")
"""Of the quantiles that are kept."""

Value = bool | int | float | str
"""A cell; dates and times are RFC 3339."""


class Category(Record):
    """A value, and how many of the sampled rows have it."""

    value: Value
    count: int


class Lengths(Record):
    """How long texts are, in characters."""

    min: int
    max: int
    mean: float


class ColumnPart(Record):
    """The cells of one column in one part. Sensitive columns have the first five fields only.

    Exact, of all rows:
        count: cells that are there.
        missing: cells that are not.
        not_finite: cells that are infinite; they are in `count`, and in no other figure.
        min, max: numbers; dates and times, the nearest that RFC 3339 has.
        mean, std: of numbers; `std` is divided by n - 1. None where they do not exist.
        lengths: of texts.

    Of the sampled rows, and so exact too where all rows are:
        distinct: different values; if `distinct_is_exact` is false there are at least so many.
        quantiles: by level; each is the least value that so many of the cells do not exceed.
        histogram: cells per bin, see `ProfiledColumn.edges`.
        top: the 50 most frequent values, those cut to the same beginning being one.
    """

    count: int
    missing: int
    not_finite: int = 0
    distinct: int
    distinct_is_exact: bool
    min: Value | None = None
    max: Value | None = None
    mean: float | None = None
    std: float | None = None
    lengths: Lengths | None = None
    quantiles: dict[str, Value] = Field(default_factory=dict)
    histogram: list[int] = Field(default_factory=list)
    top: list[Category] = Field(default_factory=list)


class ProfiledColumn(Column):
    """A column in all parts.

    Attributes:
        edges: of the bins of every part's histogram. Bin 0 has what is at most edge 0, bin i what
            is above edge i - 1 and at most edge i, the last what is above all edges.
        parts: the cells, by part.
    """

    edges: list[Value] = Field(default_factory=list)
    parts: dict[Part, ColumnPart]


class ProfiledPart(Record):
    """How many rows a part has, and how many of them the sample has."""

    rows: int
    sampled_rows: int


class Profile(Record):
    """`profile.json` of a split; docs/profile.md says how to use it."""

    schema_version: int = SCHEMA_VERSION
    parts: dict[Part, ProfiledPart]
    columns: list[ProfiledColumn]

    def document(self) -> dict[str, Any]:
        """Return what is stored: JSON without fields that are None."""
        return self.model_dump(mode="json", exclude_none=True)
