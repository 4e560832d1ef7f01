"""MLflow's scoring server: data frames as JSON or CSV in, `predictions` out."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, model_validator

from mlsys.domain.errors import Violation
from mlsys.domain.features import Kind, Plan
from mlsys.domain.predict_parameters import MAX_INSTANCES, PredictParameters
from mlsys.domain.records import Input
from mlsys.domain.written import JSON_NUMBER
from mlsys.edge.csv_cells import read_cells
from mlsys.edge.formats.sent_rows import (
    SentRows,
    check_count,
    refuse,
    sent_columns,
    sent_rows,
)

FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
TRUTHS = {"true": True, "false": False}

# https://mlflow.org/docs/latest: the names of its error codes
CODES: Mapping[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: "BAD_REQUEST",
    HTTPStatus.NOT_FOUND: "RESOURCE_DOES_NOT_EXIST",
    HTTPStatus.METHOD_NOT_ALLOWED: "BAD_REQUEST",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "REQUEST_LIMIT_EXCEEDED",
    HTTPStatus.TOO_MANY_REQUESTS: "REQUEST_LIMIT_EXCEEDED",
    HTTPStatus.SERVICE_UNAVAILABLE: "TEMPORARILY_UNAVAILABLE",
}


class SplitFrame(Input):
    """A data frame as `to_dict(orient="split")` gives it; the index says nothing here."""

    columns: list[str]
    data: list[list[Any]]
    index: list[Any] | None = None


class Invocation(Input):
    """One of four forms of the same rows, and how to answer."""

    dataframe_split: SplitFrame | None = None
    dataframe_records: list[Any] | None = None
    instances: list[Any] | None = None
    inputs: dict[str, list[Any]] | list[Any] | None = None
    params: PredictParameters | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = [name for name in FORMS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"expected one of {', '.join(FORMS)}, got {len(given)} of them")
        return self


class MlflowError(BaseModel):
    """What went wrong, as MLflow's server says it."""

    error_code: Annotated[str, Field(examples=["BAD_REQUEST"])]
    message: str


class Pong(BaseModel):
    """The server answers, and so does the default model, if one is set."""

    status: str = "ok"


def mlflow_error(status: HTTPStatus, message: str) -> MlflowError:
    """Say what went wrong in MLflow's form."""
    return MlflowError(error_code=CODES.get(status, "INTERNAL_ERROR"), message=message)


def read_invocation(sent: Invocation, plan: Plan) -> SentRows:
    """Turn any of the four forms into rows. Raises InvalidInput."""
    names = [feature.name for feature in plan.features]
    if sent.dataframe_split is not None:
        return _from_split(sent.dataframe_split)
    if isinstance(sent.inputs, dict):
        return _from_columns(sent.inputs)
    [(within, rows)] = [
        (name, rows) for name in FORMS if isinstance(rows := getattr(sent, name), list)
    ]
    return sent_rows(rows, names, within=within)


def read_csv(content: bytes, plan: Plan) -> SentRows:
    """Turn CSV with a header into rows, cells read as the model's features want them.

    An empty cell is missing. What does not fit stays text, for the engine to refuse.

    Raises:
        InvalidInput: it is no CSV.

    """
    header, lines = read_cells(content, at_most=MAX_INSTANCES + 1)
    check_count(len(lines), within="csv")
    readers = {feature.name: _READERS[feature.kind] for feature in plan.features}
    columns = {
        name: [readers.get(name, _text)(cell) if cell else None for cell in cells]
        for name, cells in zip(header, zip(*lines, strict=True), strict=True)
    }

    def place(row: int, name: str | None) -> str:
        return f"csv[{row}].{name}" if name in columns else f"csv.{name}"

    return sent_columns(columns, place)


def _from_split(frame: SplitFrame) -> SentRows:
    names, within = frame.columns, "dataframe_split"
    refuse(
        Violation(f"{within}.columns", f"{name[:80]!r} stands there {times} times")
        for name, times in Counter(names).items()
        if times > 1
    )
    check_count(len(frame.data), within=f"{within}.data")
    refuse(
        Violation(f"{within}.data[{place}]", f"expected {len(names)} values, got {len(row)}")
        for place, row in enumerate(frame.data)
        if len(row) != len(names)
    )

    def place(row: int, name: str | None) -> str:
        if name not in names:
            return f"{within}.columns.{name}"
        return f"{within}.data[{row}][{names.index(name)}]"

    return SentRows([dict(zip(names, row, strict=True)) for row in frame.data], place)


def _from_columns(columns: Mapping[str, Sequence[Any]]) -> SentRows:
    rows = max(map(len, columns.values()), default=0)
    check_count(rows, within="inputs")
    refuse(
        Violation(f"inputs.{name}", f"expected {rows} values as elsewhere, got {len(values)}")
        for name, values in columns.items()
        if len(values) != rows
    )

    def place(row: int, name: str | None) -> str:
        return f"inputs.{name}[{row}]" if name in columns else f"inputs.{name}"

    return sent_columns(columns, place)


def _text(cell: str) -> str:
    return cell


def _number(cell: str) -> float | str:
    return float(cell) if JSON_NUMBER.fullmatch(cell) else cell


def _truth(cell: str) -> bool | str:
    return TRUTHS.get(cell.lower(), cell)


_READERS: dict[Kind, Callable[[str], float | str]] = {
    "numeric": _number,
    "boolean": _truth,
    "category": _text,
    "datetime": _text,
}
