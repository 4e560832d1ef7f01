"""OpenAPI of one model: the calls that predict with it, with a schema of its own rows."""

import json
from typing import Any

from mlsys import __version__
from mlsys.domain.answers import Predictions
from mlsys.domain.artifacts import Model
from mlsys.domain.features import Feature, Kind, Plan
from mlsys.domain.predict_parameters import MAX_INSTANCES, PredictParameters
from mlsys.edge.failures import ErrorAnswer
from mlsys.edge.openapi import OPENAPI, REF

MAX_EXAMPLES = 20

TYPES: dict[Kind, str] = {
    "numeric": "number",
    "boolean": "boolean",
    "category": "string",
    "datetime": "string",
}


def model_openapi(model: Model, *, name: str) -> bytes:
    """Describe `POST /v1/models/{name}:predict` of one model, as JSON."""
    schemas = {
        "Instance": instance_schema(model.plan),
        "PredictParameters": PredictParameters.model_json_schema(ref_template=REF),
        "Predictions": _answer_schema(model.plan),
        "ErrorAnswer": ErrorAnswer.model_json_schema(ref_template=REF, mode="serialization"),
    }
    for schema in list(schemas.values()):
        schemas |= schema.pop("$defs", {})
    schemas["Prediction"]["properties"] |= _postprocessed(model)
    document = {
        "openapi": OPENAPI,
        "info": {"title": name, "version": __version__},
        "paths": {f"/v1/models/{name}:predict": {"post": _operation(name)}},
        "components": {"schemas": schemas},
    }
    return json.dumps(document, ensure_ascii=False).encode()


def instance_schema(plan: Plan) -> dict[str, Any]:
    """Describe one row; other columns are ignored with a warning, unseen categories are taken."""
    return {
        "type": "object",
        "properties": {feature.name: _feature_schema(feature) for feature in plan.features},
        "required": [feature.name for feature in plan.features if not feature.nullable],
    }


def _operation(name: str) -> dict[str, Any]:
    def content(schema: str) -> dict[str, Any]:
        return {"application/json": {"schema": {"$ref": REF.format(model=schema)}}}

    rows = {
        "type": "array",
        "items": {"$ref": REF.format(model="Instance")},
        "minItems": 1,
        "maxItems": MAX_INSTANCES,
    }
    body = {
        "type": "object",
        "properties": {
            "instances": rows,
            "parameters": {"$ref": REF.format(model="PredictParameters")},
        },
        "required": ["instances"],
        "additionalProperties": False,
    }
    return {
        "operationId": "predict",
        "summary": f"Predict rows with {name}.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "200": {"description": "OK", "content": content("Predictions")},
            "default": {"description": "what went wrong", "content": content("ErrorAnswer")},
        },
    }


def _feature_schema(feature: Feature) -> dict[str, Any]:
    type = TYPES[feature.kind]
    schema: dict[str, Any] = {"type": [type, "null"] if feature.nullable else type}
    if feature.vocabulary:
        schema["examples"] = list(feature.vocabulary[:MAX_EXAMPLES])
        schema["description"] = f"one of {len(feature.vocabulary)} categories known from training"
    if feature.kind == "datetime":
        schema["description"] = "a date or a time as in RFC 3339, in UTC where no offset stands"
        schema["examples"] = ["2024-01-31T12:00:00Z"]
    return schema


def _answer_schema(plan: Plan) -> dict[str, Any]:
    schema = Predictions.model_json_schema(ref_template=REF, mode="serialization")
    schema["description"] = f"What the model says of {plan.target}, in the order of the rows."
    return schema


def _postprocessed(model: Model) -> dict[str, Any]:
    """Describe what only this model answers: its classes and bands, or its bounds."""
    if model.plan.task_kind == "regression":
        clip = model.postprocess.clip
        bounds = {} if clip is None else {"minimum": clip.lower, "maximum": clip.upper}
        told = {bound: value for bound, value in bounds.items() if value is not None}
        return {"prediction": {"type": "number", **told}}
    labels = {"enum": list(model.plan.labels)}
    bands = {name: {"enum": list(one.labels)} for name, one in model.postprocess.bands.items()}
    if not bands:
        return {"prediction": labels}
    band_schema = {"type": "object", "properties": bands, "required": list(bands)}
    return {"prediction": labels, "bands": band_schema}
