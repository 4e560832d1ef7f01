"""The data contract: what a user promises about the columns and the rows of a table."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema, model_validator

from mlsys.domain.choices import TaskType
from mlsys.domain.literals import Limit, allowed_as, check_order, limit_as, parse_limit, written
from mlsys.domain.messages import MAX_COLUMNS
from mlsys.domain.records import Input
from mlsys.domain.split_records import ColumnType, Role

MAX_NAME = 200
MAX_ALLOWED = 10_000
MAX_PATTERN = 1_000
MAX_KEYS = 50

ColumnName = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Duration = Annotated[
    timedelta,
    Field(strict=False, gt=timedelta(0)),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": "duration"}, {"type": "number"}]},
        mode="validation",
    ),
]
"""ISO 8601 ("P7D", "PT12H"), or a number of seconds."""
Bound = Annotated[
    Limit,
    PlainValidator(parse_limit),
    PlainSerializer(
        lambda one: one if isinstance(one, int | float) else written(one), when_used="json"
    ),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number"},
                {"type": "string", "format": "date"},
                {"type": "string", "format": "date-time"},
            ]
        }
    ),
]
"""A number, a date, or a time in RFC 3339, as the column's type wants it."""

Check = Literal["required_columns_present", "no_nulls", "target_binary"]
OnViolation = Literal["reject", "quarantine_rows", "warn"]

ONE_OF_A_KIND = (Role.TARGET, Role.GROUP, Role.TIME, Role.WEIGHT)
NOT_LEARNT = frozenset({Role.KEY, Role.IGNORE, Role.GROUP, Role.TIME, Role.WEIGHT, Role.FOLD})


class ColumnRule(Input):
    """What one column must be. Missing cells break no rule but `nullable` and `max_null_share`.

    Attributes:
        type: what its cells are. Not said, it is told from the values; a `pattern`, or
            `allowed_values` that are all text, make it text.
        nullable: whether cells may be missing. A target never may.
        required: whether the table must have the column.
        role: what it is for.
        min: the least value that is allowed: a number, a date, or a time in RFC 3339.
        max: the greatest value that is allowed. For times, a date lasts to its end.
        allowed_values: nothing else may stand there. Dates and times are written as text.
        pattern: a regular expression that every whole text matches, in the syntax of Rust's regex.
        unique: no value may stand there twice.
        max_null_share: the largest share of cells that may be missing, from 0 to 1.
        sensitive: its values are never shown where broken rules are reported.
    """

    type: Annotated[ColumnType, Field(strict=False)] | None = None
    nullable: bool = True
    required: bool = True
    role: Annotated[Role, Field(strict=False)] = Role.FEATURE
    min: Bound | None = None
    max: Bound | None = None
    allowed_values: (
        Annotated[list[str | int | float | bool], Field(min_length=1, max_length=MAX_ALLOWED)]
        | None
    ) = None
    pattern: Annotated[str, Field(max_length=MAX_PATTERN)] | None = None
    unique: bool = False
    max_null_share: Share | None = None
    sensitive: bool = False

    @property
    def wanted_type(self) -> ColumnType | None:
        """The type that the rule asks for, by name or by what only a text can be held against."""
        values = self.allowed_values
        only_texts = values is not None and all(isinstance(one, str) for one in values)
        if self.type is None and (self.pattern is not None or only_texts):
            return ColumnType.TEXT
        return self.type

    def check_fit(self, type: ColumnType) -> None:
        """Refuse rules that a column of this type cannot be held against. Raises ValueError."""
        if self.min is not None:
            limit_as(type, self.min, upper=False)
        if self.max is not None:
            limit_as(type, self.max, upper=True)
        if self.allowed_values is not None:
            allowed_as(type, self.allowed_values)
        if self.pattern is not None and type is not ColumnType.TEXT:
            raise ValueError(f"a pattern is for text, and this is a column of type {type}")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.min is not None and self.max is not None:
            check_order(self.min, self.max)
        if self.wanted_type is not None:
            self.check_fit(self.wanted_type)
        return self


class Contract(Input):
    """What a table must be to be split. Columns not named here may be there, and are kept.

    Attributes:
        columns: one rule per column.
        task_type: what will be learnt, so that the target is held to it.
        min_rows_per_class: of a target that has classes.
        min_class_share: of all rows, that the rarest class of the target must have.
        min_rows: of the whole table.
        unique_keys: columns whose values together name one row; if one is missing, they name none.
        max_null_share: of every column that does not say otherwise.
        max_age: how old the newest value of the time column may be when the file is dropped.
        checks: named checks; `required_columns_present`: every column named here is there,
            `required` or not; `no_nulls`: no cell is missing; `target_binary`: the target has
            exactly two values.
        on_violation: refuse the upload; leave the bad rows out, or keep them, and tell. A rule
            about the whole table is never mended by leaving rows out: it refuses, or warns.
    """

    columns: Annotated[dict[ColumnName, ColumnRule], Field(max_length=MAX_COLUMNS)] = Field(
        default_factory=dict
    )
    task_type: Annotated[TaskType, Field(strict=False)] | None = None
    min_rows_per_class: Count = 3
    min_class_share: Share | None = None
    min_rows: Count | None = None
    unique_keys: Annotated[list[ColumnName], Field(max_length=MAX_KEYS)] = Field(
        default_factory=list
    )
    max_null_share: Share | None = None
    max_age: Duration | None = None
    checks: list[Check] = Field(default_factory=list)
    on_violation: OnViolation = "reject"

    @property
    def target_column(self) -> str | None:
        """The column to be predicted, if one is named."""
        return self.column_with(Role.TARGET)

    @property
    def wanted_types(self) -> dict[str, ColumnType]:
        """The types that the rules ask for, by column; the others are told from the values."""
        wanted = {name: rule.wanted_type for name, rule in self.columns.items()}
        return {name: type for name, type in wanted.items() if type is not None}

    def rule(self, column: str) -> ColumnRule:
        """Return what is promised about a column; of one that is not named, nothing."""
        return self.columns.get(column, NO_RULE)

    def column_with(self, role: Role) -> str | None:
        """Name the first column of a role."""
        return next(iter(self.columns_with(role)), None)

    def columns_with(self, *roles: Role) -> list[str]:
        """Name the columns of these roles."""
        return [name for name, rule in self.columns.items() if rule.role in roles]

    def check_roles(self) -> None:
        """Refuse rules about a column of a role that no column has. Raises ValueError."""
        about_target = {
            "target_binary": "target_binary" in self.checks,
            "min_class_share": self.min_class_share is not None,
        }
        for rule in (name for name, asked in about_target.items() if asked):
            if self.target_column is None:
                raise ValueError(f"{rule} needs a target: give a column the role target")
            if self.task_type is TaskType.REGRESSION:
                raise ValueError(f"{rule} is about classes, and the task is a regression")
        if self.max_age is not None and self.column_with(Role.TIME) is None:
            raise ValueError("max_age needs a time column: give a column the role time")

    @model_validator(mode="after")
    def _one_of_a_kind(self) -> Self:
        for role in ONE_OF_A_KIND:
            named = self.columns_with(role)
            if len(named) > 1:
                raise ValueError(f"one column may have the role {role}, got {', '.join(named)}")
        return self


NO_RULE = ColumnRule()
