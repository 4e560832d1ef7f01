"""What a user promises about a dataset: the data contract, the split, and what was found."""

from fractions import Fraction
from math import isclose
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from mlsys.domain.errors import InvalidInput, Violation
from mlsys.domain.messages import MAX_COLUMNS, TaskType
from mlsys.domain.records import PARTS, ColumnType, Input, Part, Record, Role

MAX_NAME = 200
MAX_CELLS = 100
MAX_VALUE = 80

ColumnName = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Ratio = Annotated[float, Field(gt=0, lt=1)]


class ColumnRule(Input):
    """What one column must be. Without a type it is told from the values."""

    type: Annotated[ColumnType | None, Field(strict=False)] = None
    nullable: bool = True
    required: bool = True
    role: Annotated[Role, Field(strict=False)] = Role.FEATURE


class Contract(Input):
    """What a table must be to be split. Columns not named here may be there, and are kept."""

    columns: Annotated[dict[ColumnName, ColumnRule], Field(max_length=MAX_COLUMNS)] = Field(
        default_factory=dict
    )
    task_type: Annotated[TaskType | None, Field(strict=False)] = None
    min_rows_per_class: Annotated[int, Field(ge=1)] = 3

    @property
    def target_column(self) -> str | None:
        """The column to be predicted, if one is named."""
        return next((name for name, rule in self.columns.items() if rule.role == Role.TARGET), None)

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        targets = [name for name, rule in self.columns.items() if rule.role == Role.TARGET]
        if len(targets) > 1:
            raise ValueError(f"one column may have the role target, got {', '.join(targets)}")
        return self


class Ratios(Input):
    """How the rows are shared: three fractions that sum to 1."""

    train: Ratio = 0.7
    val: Ratio = 0.15
    test: Ratio = 0.15

    @model_validator(mode="after")
    def _sum_to_one(self) -> Self:
        total = self.train + self.val + self.test
        if not isclose(total, 1, abs_tol=1e-9):
            raise ValueError(f"ratios must sum to 1, got {total:g}")
        return self

    def exact(self) -> dict[Part, Fraction]:
        """The fractions as they were written, free of binary rounding; they sum to exactly 1."""
        written = {part: Fraction(str(getattr(self, part))) for part in PARTS}
        total = sum(written.values())
        return {part: share / total for part, share in written.items()}


class SplitParams(Input):
    """How a table is split. `stratified` needs a target: here, or by its role in the contract."""

    strategy: Literal["random", "stratified"] = "random"
    ratios: Ratios = Ratios()
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    target_column: ColumnName | None = None


class Dataset(Input):
    """`dataset.json` beside the uploads of an entity: drop it before the first table."""

    contract: Contract | None = None
    split: SplitParams = SplitParams()

    @property
    def target_column(self) -> str | None:
        """The column to be predicted, if one is named."""
        return self.split.target_column or self.contract_in_force().target_column

    def contract_in_force(self) -> Contract:
        """The contract, in which the target that the split names has its role too."""
        contract = self.contract or Contract()
        target = self.split.target_column
        if target is None or contract.target_column == target:
            return contract
        rule = contract.columns.get(target, ColumnRule()).model_copy(update={"role": Role.TARGET})
        return contract.model_copy(update={"columns": {**contract.columns, target: rule}})

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        named, promised = self.split.target_column, (self.contract or Contract()).target_column
        if named and promised and named != promised:
            raise ValueError(f"the split's target is {named!r}, the contract's is {promised!r}")
        if self.split.strategy == "stratified":
            if not (named or promised):
                raise ValueError("stratified needs a target: give a column the role target")
            if self.contract and self.contract.task_type is TaskType.REGRESSION:
                raise ValueError("stratified needs classes, and the task is a regression")
        return self


class Cell(Record):
    """One cell that breaks a rule; `row` is counted as in the file, `value` is cut to 80."""

    row: int
    value: str | None = None


class Reason(Record):
    """One broken rule: how often (`count`), and the first cells of it."""

    rule: str
    column: str | None = None
    message: str
    count: int
    cells: Annotated[list[Cell], Field(max_length=MAX_CELLS)] = Field(default_factory=list)


class Report(Record):
    """Every rule that a table breaks. Row 1 is the header of a CSV, else the first row."""

    reasons: list[Reason] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing was broken."""
        return not self.reasons


def read_dataset(content: bytes) -> Dataset:
    """Read a `dataset.json`, naming every problem at once.

    Raises:
        InvalidInput: it is no JSON, or a field is unknown, missing or out of range.

    >>> read_dataset(b'{"split": {"strategy": "random", "seed": 7}}').split.seed
    7

    """
    try:
        return Dataset.model_validate_json(content)
    except ValidationError as error:
        violations = tuple(
            Violation(".".join(map(str, one["loc"])), one["msg"])
            for one in error.errors(include_url=False, include_input=False)
        )
        raise InvalidInput(
            f"dataset.json cannot be used: {len(violations)} problem(s), see the details",
            violations,
        ) from error
