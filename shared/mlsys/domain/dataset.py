"""`dataset.json` beside the uploads of an entity: how its tables are read, checked and split."""

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from mlsys.domain.choices import TaskType
from mlsys.domain.contract import ColumnRule, Contract
from mlsys.domain.errors import InvalidInput, Violation
from mlsys.domain.messages import ExperimentWish
from mlsys.domain.records import Input
from mlsys.domain.split_params import SplitParams
from mlsys.domain.split_records import Role

MAX_IN_MESSAGE = 3


class ReadOptions(Input):
    """How a text is read; what is not said is told from the file and written into the manifest.

    Attributes:
        delimiter: what stands between two cells of a CSV.
        quote: what stands around a cell of a CSV that holds the delimiter or a line's end.
        encoding: how the characters are written as bytes.
        decimal: what stands between a number and its fraction.
    """

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    quote: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    encoding: Literal["utf-8", "utf-16", "cp1250", "cp1252", "iso-8859-1", "iso-8859-15"] | None = (
        None
    )
    decimal: Literal[".", ","] | None = None


class Dataset(Input):
    """`dataset.json`: how the tables of an entity are read, checked and split.

    Attributes:
        json_schema: where the schema of this file is; an editor reads it, mlsys does not.
        read: how a text is read.
        contract: what a table must be to be split.
        split: how a table is divided into train, val and test.
        experiment: what is asked for as soon as a table is split.
    """

    json_schema: Annotated[str | None, Field(alias="$schema", exclude=True)] = None
    read: ReadOptions = ReadOptions()
    contract: Contract | None = None
    split: SplitParams = SplitParams()
    experiment: ExperimentWish | None = None

    @property
    def target_column(self) -> str | None:
        """The column to be predicted, if one is named."""
        return self.contract_in_force().target_column

    @property
    def group_column(self) -> str | None:
        """The column that `group` keeps together."""
        return self.split.group_column or self.contract_in_force().column_with(Role.GROUP)

    @property
    def time_column(self) -> str | None:
        """The column that `time` goes by."""
        return self.split.time_column or self.contract_in_force().column_with(Role.TIME)

    @property
    def key_columns(self) -> list[str]:
        """The columns that name a row."""
        return self.split.key_columns or self.contract_in_force().columns_with(Role.KEY)

    def contract_in_force(self) -> Contract:
        """The contract, in which the columns that the split names have their roles too."""
        contract = self.contract or Contract()
        named = {
            self.split.target_column: Role.TARGET,
            self.split.group_column: Role.GROUP,
            self.split.time_column: Role.TIME,
            self.split.split_column: Role.IGNORE,
        }
        columns = dict(contract.columns)
        for name, role in named.items():
            rule = columns.get(name or "", ColumnRule())
            if name is not None and rule.role is Role.FEATURE:
                columns[name] = rule.model_copy(update={"role": role})
        return contract.model_copy(update={"columns": columns})

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        contract, split = self.contract or Contract(), self.split
        self.contract_in_force().check_roles()
        named, promised = split.target_column, contract.target_column
        if named and promised and named != promised:
            raise ValueError(f"the split's target is {named!r}, the contract's is {promised!r}")
        lacking = {
            "stratified": (self.target_column, "a target: give a column the role target"),
            "stratified_kfold": (self.target_column, "a target: give a column the role target"),
            "group": (self.group_column, "group_column, or a column with the role group"),
            "group_kfold": (self.group_column, "group_column, or a column with the role group"),
            "time": (self.time_column, "time_column, or a column with the role time"),
            "hash": (self.key_columns, "key_columns, or columns with the role key"),
        }
        there, wanted = lacking.get(split.strategy, (True, ""))
        if not there:
            raise ValueError(f"{split.strategy} needs {wanted}")
        if split.bins and contract.task_type is TaskType.CLASSIFICATION:
            raise ValueError("bins are for a numeric target, and the task is a classification")
        return self


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
            Violation(".".join(map(str, one["loc"])), one["msg"].removeprefix("Value error, "))
            for one in error.errors(include_url=False, include_input=False)
        )
        told = "; ".join(f"{one.field}: {one.description}" for one in violations[:MAX_IN_MESSAGE])
        raise InvalidInput(
            f"dataset.json cannot be used, {len(violations)} problem(s): {told}", violations
        ) from error
