"""What was found wrong with a table: every broken rule, with the first cells that break it."""

from typing import Annotated, Literal

from pydantic import Field

from mlsys.domain.records import Record

MAX_CELLS = 100
MAX_VALUE = 80


RowRule = Literal[
    "type",
    "not_null",
    "target_not_null",
    "no_nulls",
    "target_finite",
    "range",
    "allowed_values",
    "pattern",
    "unique",
    "unique_keys",
]
TableRule = Literal[
    "missing_column",
    "required_columns_present",
    "min_rows",
    "max_null_share",
    "max_age",
    "target_numeric",
    "target_constant",
    "target_binary",
    "too_many_classes",
    "min_rows_per_class",
    "min_class_share",
]

LeakKind = Literal[
    "duplicate_rows",
    "copy_of_target",
    "predicts_target",
    "id_like",
    "constant",
    "free_text",
    "class_shares",
    "class_absent",
    "time_overlap",
]


class Cell(Record):
    """One cell that breaks a rule.

    `row` is counted as in the file. `value` is cut to 80 characters, and None where the column is
    marked sensitive; `key` has the values of the row's key columns that are not sensitive.
    """

    row: int
    value: str | None = None
    key: dict[str, str | None] = Field(default_factory=dict)


class Reason(Record):
    """One broken rule: how often (`count`), and the first cells of it.

    What breaks a rule about `rows` can be left out; a rule about the `table` is kept or broken by
    all of it.
    """

    rule: RowRule | TableRule | LeakKind
    scope: Literal["rows", "table"] = "rows"
    column: str | None = None
    message: str
    count: int
    cells: Annotated[list[Cell], Field(max_length=MAX_CELLS)] = Field(default_factory=list)


class Leak(Record):
    """Something about the parts that would make a test too good to be true, or of no use."""

    kind: LeakKind
    columns: list[str] = Field(default_factory=list)
    message: str


class Report(Record):
    """Every rule that a table breaks. Row 1 is the header of a CSV, else the first row.

    `bad_rows` counts the rows that break a rule about rows, each once.
    """

    rows: int = 0
    bad_rows: int = 0
    reasons: list[Reason] = Field(default_factory=list)
    leaks: list[Leak] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing was broken."""
        return not self.reasons
