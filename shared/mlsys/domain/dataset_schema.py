"""The JSON Schema of `dataset.json`, from the models that read it and their docstrings."""

import re
from inspect import cleandoc
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from mlsys.domain.dataset import Dataset
from mlsys.domain.records import Json

ID = "urn:mlsys:dataset.json"
ATTRIBUTE = re.compile(r"^    (\w+): ((?:.|\n {8})+)", re.MULTILINE)


def dataset_schema() -> Json:
    """Return the schema, in the dialect of 2020-12.

    >>> sorted(dataset_schema()["properties"])
    ['$schema', 'contract', 'experiment', 'read', 'split']

    """
    schema = Dataset.model_json_schema(schema_generator=_Described)
    about = {"$schema": GenerateJsonSchema.schema_dialect, "$id": ID, "title": "dataset.json"}
    return about | {name: value for name, value in schema.items() if name != "title"}


class _Described(GenerateJsonSchema):
    """Describes every field in the words of its model's docstring."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        described = super().model_schema(schema)
        cls: type[Any] = schema["cls"]
        summary, _, attributes = cleandoc(cls.__doc__ or "").partition("\nAttributes:\n")
        described["description"] = _line(summary)
        for name, text in ATTRIBUTE.findall(attributes):
            field = cls.model_fields[name]
            described["properties"][field.alias or name]["description"] = _line(text)
        return described


def _line(text: str) -> str:
    return " ".join(text.split())
