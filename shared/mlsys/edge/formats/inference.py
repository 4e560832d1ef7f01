"""Open Inference Protocol V2 (KServe, Triton): JSON tensors, one for each column."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mlsys.domain.artifacts import Model
from mlsys.domain.errors import Violation
from mlsys.domain.features import Kind, Label
from mlsys.domain.records import Input
from mlsys.edge.formats.sent_rows import SentRows, check_count, refuse, sent_columns

DATATYPES: dict[Kind, str] = {
    "numeric": "FP64",
    "boolean": "BOOL",
    "category": "BYTES",
    "datetime": "BYTES",
}
MISSING = type(None)

Datatype = Literal[
    "BOOL",
    "BYTES",
    "FP16",
    "FP32",
    "FP64",
    "BF16",
    "INT8",
    "INT16",
    "INT32",
    "INT64",
    "UINT8",
    "UINT16",
    "UINT32",
    "UINT64",
]
Parameters = dict[str, str | int | float | bool]


class InputTensor(Input):
    """A column: `shape` is [rows] or [rows, 1]; null is a missing value."""

    name: str
    shape: list[Annotated[int, Field(ge=0)]]
    datatype: Datatype
    parameters: dict[str, Any] = Field(default_factory=dict)
    data: list[Any]


class WantedOutput(Input):
    """An output that is asked for."""

    name: str
    parameters: dict[str, Any] = Field(default_factory=dict)


class InferParameters(Input):
    """What is ours; clients send more, which changes nothing."""

    model_config = ConfigDict(extra="ignore")

    threshold: Annotated[float, Field(ge=0, le=1)] | None = None


class InferRequest(Input):
    """One tensor for each column; all outputs are answered, unless some are asked for."""

    id: str | None = None
    parameters: InferParameters = InferParameters()
    inputs: Annotated[list[InputTensor], Field(min_length=1)]
    outputs: list[WantedOutput] = Field(default_factory=list)


class OutputTensor(BaseModel):
    """A column of the answer; `probabilities` has one value for each row and class."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any]
    parameters: Parameters | None = Field(default=None, exclude_if=lambda value: value is None)


class InferAnswer(BaseModel):
    """What the model says of each row."""

    model_name: str
    model_version: str
    id: str | None = Field(default=None, exclude_if=lambda value: value is None)
    parameters: Parameters
    outputs: list[OutputTensor]


class TensorMetadata(BaseModel):
    """A tensor that is taken or given; -1 is any number of rows."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """What a model takes and gives."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ServerMetadata(BaseModel):
    """What serves."""

    name: str = "mlsys"
    version: str
    extensions: list[str] = Field(default_factory=list)


class ServerLive(BaseModel):
    """The server runs."""

    live: bool = True


class ServerReady(BaseModel):
    """The server answers, and so does the default model, if one is set."""

    ready: bool = True


class InferenceError(BaseModel):
    """What went wrong, as the protocol says it: one text, a line for each problem."""

    error: str


def inference_error(_: HTTPStatus, message: str) -> InferenceError:
    """Say what went wrong in the protocol's form."""
    return InferenceError(error=message)


def model_metadata(model: Model, *, name: str, version: int, model_type: str) -> ModelMetadata:
    """Say what a model takes and gives."""
    return ModelMetadata(
        name=name,
        versions=[str(version)],
        platform=f"mlsys_{model_type}",
        inputs=[
            TensorMetadata(name=one.name, datatype=DATATYPES[one.kind], shape=[-1])
            for one in model.plan.features
        ],
        outputs=list(_outputs(model)),
    )


def read_tensors(sent: InferRequest, model: Model) -> SentRows:
    """Turn columns into rows.

    Raises:
        InvalidInput: a tensor that is not what it says of itself, one twice, of unequal lengths; an
            output that there is not.

    """
    rows = len(sent.inputs[0].data)
    refuse(_misshapen(sent, model))
    check_count(rows, within="inputs")
    refuse(_unfit(sent.inputs))
    columns = {one.name: _flat(one) for one in sent.inputs}
    places = {one.name: place for place, one in enumerate(sent.inputs)}

    def place(row: int, name: str | None) -> str:
        return f"inputs[{places[name]}].data[{row}]" if name in places else f"inputs.{name}"

    return sent_columns(columns, place)


def infer_answer(sent: InferRequest, found: Mapping[str, Any], model: Model) -> InferAnswer:
    """Turn `Predictions` into the tensors that are asked for, or into all."""
    wanted = {one.name for one in sent.outputs}
    parameters: Parameters = {"model_id": found["model_id"], "request_id": found["request_id"]}
    if found["warnings"]:
        parameters["warnings"] = "\n".join(found["warnings"])
    return InferAnswer(
        model_name=found["model"],
        model_version=str(found["version"]),
        id=sent.id,
        parameters=parameters,
        outputs=[
            _tensor(one, found["predictions"], model)
            for one in _outputs(model)
            if not wanted or one.name in wanted
        ],
    )


def _outputs(model: Model) -> Iterator[TensorMetadata]:
    plan = model.plan
    datatype = "FP64" if plan.task_kind == "regression" else _label_datatype(plan.labels)
    yield TensorMetadata(name="prediction", datatype=datatype, shape=[-1])
    if plan.task_kind != "regression":
        yield TensorMetadata(name="probability", datatype="FP64", shape=[-1])
        yield TensorMetadata(name="probabilities", datatype="FP64", shape=[-1, len(plan.labels)])
    for name in model.postprocess.bands:
        yield TensorMetadata(name=name, datatype="BYTES", shape=[-1])


def _label_datatype(labels: Sequence[Label]) -> str:
    named = {bool: "BOOL", int: "INT64", str: "BYTES"}
    return named[type(labels[0])]


def _misshapen(sent: InferRequest, model: Model) -> Iterator[Violation]:
    rows = _rows(sent.inputs[0])
    times = Counter(one.name for one in sent.inputs)
    for place, one in enumerate(sent.inputs):
        if times[one.name] > 1:
            yield Violation(f"inputs[{place}].name", f"{one.name[:80]!r} stands there twice")
        if one.shape not in ([rows], [rows, 1]):
            told = f"expected [{rows}] or [{rows}, 1], got {one.shape[:10]}"
            yield Violation(f"inputs[{place}].shape", told)
        elif len(one.data) != rows:
            told = f"expected {rows} values as in its shape, got {len(one.data)}"
            yield Violation(f"inputs[{place}].data", told)
    there = [one.name for one in _outputs(model)]
    for place, wanted in enumerate(sent.outputs):
        if wanted.name not in there:
            told = f"expected one of {', '.join(there)}, got {wanted.name[:80]!r}"
            yield Violation(f"outputs[{place}].name", told)


def _rows(tensor: InputTensor) -> int:
    return tensor.shape[0] if tensor.shape else 0


def _unfit(inputs: Sequence[InputTensor]) -> Iterator[Violation]:
    """Compare the types of a whole column first, its values only where one does not fit."""
    for place, one in enumerate(inputs):
        allowed = {*_types(one.datatype), MISSING}
        column = _flat(one)
        if not set(map(type, column)) <= allowed:
            yield from (
                Violation(
                    f"inputs[{place}].data[{row}]", f"expected {one.datatype}, got {_shown(value)}"
                )
                for row, value in enumerate(column)
                if type(value) not in allowed
            )


def _types(datatype: Datatype) -> tuple[type, ...]:
    if datatype in ("BOOL", "BYTES"):
        return (bool,) if datatype == "BOOL" else (str,)
    return (int,) if "INT" in datatype else (int, float)


def _flat(tensor: InputTensor) -> list[Any]:
    """Take [[1], [2]] as [1, 2] where that is the shape."""
    if len(tensor.shape) == 1:
        return tensor.data
    return [one[0] if isinstance(one, list) and len(one) == 1 else one for one in tensor.data]


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return json.dumps(value, ensure_ascii=False)[:80]


def _tensor(
    one: TensorMetadata, predictions: Sequence[Mapping[str, Any]], model: Model
) -> OutputTensor:
    shape = [len(predictions), *one.shape[1:]]
    data: list[Any]
    classes: Parameters | None = None
    if one.name == "probabilities":
        data = [p for found in predictions for p in found["probabilities"].values()]
        classes = {"classes": json.dumps(model.plan.labels, ensure_ascii=False)}
    elif one.name in model.postprocess.bands:
        data = [found["bands"][one.name] for found in predictions]
    else:
        data = [found[one.name] for found in predictions]
    return OutputTensor(
        name=one.name, shape=shape, datatype=one.datatype, data=data, parameters=classes
    )
