"""The records of models: versions, the head of each name, and its history."""

from mlsys.domain.model_records import ModelEvent, ModelHead, ModelVersion
from mlsys.repositories.collection import Collection

MODEL_HEADS = Collection("models", ModelHead)


MODEL_VERSIONS = Collection("model-versions", ModelVersion)


def model_events(name: str) -> Collection[ModelEvent]:
    """The history of one model name; an id is a revision."""
    return Collection(f"models/{name}/events", ModelEvent)
