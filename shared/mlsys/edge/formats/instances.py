"""Vertex AI's and KServe's first protocol: `instances` in, `predictions` out."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from mlsys.domain.predict_parameters import MAX_INSTANCES, PredictParameters, nothing_asked
from mlsys.domain.records import Input


class InstancesRequest(Input):
    """1 to 10,000 rows: objects, or lists of the values of all features in their order."""

    instances: Annotated[list[Any], Field(min_length=1, max_length=MAX_INSTANCES)]
    parameters: PredictParameters = Field(default_factory=nothing_asked)


class ModelReady(BaseModel):
    """The model is loaded and answers."""

    name: str
    ready: bool = True
