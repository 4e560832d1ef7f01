"""Which model answers: a version that is named, or the one that a stage points at."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from mlsys.domain.choices import Stage
from mlsys.domain.errors import NotFound
from mlsys.domain.ids import Id
from mlsys.domain.model_records import ModelHead
from mlsys.domain.records import Input
from mlsys.ports import ObjectReader, RecordReader
from mlsys.use_cases.registry import model_id_of
from mlsys.use_cases.serving.pointers import Pointers
from mlsys.use_cases.serving.shelf import LoadedModel, Shelf

__all__ = ["LoadedModel", "LoadedModels", "ModelSelection"]


class ModelSelection(Input):
    """Which model is meant: `model_id`, or `model` with a `version` or a `stage`."""

    model: Id | None = None
    stage: Stage = "production"
    version: Annotated[int, Field(ge=1)] | None = None
    model_id: Id | None = None

    @model_validator(mode="after")
    def _one_model(self) -> Self:
        if (self.model is None) == (self.model_id is None):
            raise ValueError("say either `model` (a name) or `model_id` (a name and version)")
        if self.model_id is not None and self.version is not None:
            raise ValueError("`model_id` names the version already: leave `version` out")
        return self


class LoadedModels:
    """The models of one process; safe for many threads.

    A name that is asked for again and again costs two looks into dictionaries: its pointer is read
    and a new model is loaded behind the requests. See docs/decisions/0019.
    """

    def __init__(
        self,
        *,
        records: RecordReader,
        objects: ObjectReader,
        pointer_ttl_seconds: float,
        max_bytes: int,
    ) -> None:
        self._shelf = Shelf(records=records, objects=objects, max_bytes=max_bytes)
        self._pointers = Pointers(
            records=records, shelf=self._shelf, ttl_seconds=pointer_ttl_seconds
        )

    def find(self, selection: ModelSelection) -> LoadedModel:
        """Return the model that is meant, loaded.

        Raises:
            NotFound: no such model or version, or nothing stands at that stage.
            InvalidInput: the version is not ready.
            Corrupt: a file is not what was registered.

        """
        loaded = self._shelf.kept(self._meant(selection))
        if loaded is None:  # perhaps only just: the pointer went on, and the old model was dropped
            loaded = self._shelf.get(self._meant(selection))
        return loaded

    def at_hand(self, selection: ModelSelection) -> LoadedModel | None:
        """Return the model that is meant if it is loaded and nobody need be asked, else None."""
        model_id = _named(selection)
        if model_id is None:
            head = self._pointers.head_at_hand(str(selection.model))
            model_id = None if head is None else _at_stage(head, selection)
        return None if model_id is None else self._shelf.kept(model_id)

    def trouble(self, selection: ModelSelection) -> str:
        """Say why the answer may not be of the model that stands at the stage; "" if it is."""
        return "" if _named(selection) else self._pointers.trouble(str(selection.model))

    def troubles(self) -> dict[str, str]:
        """Say for each name that was asked for why it is not followed; "" if it is."""
        return dict.fromkeys(self._shelf.names(), "") | self._pointers.troubles()

    def close(self) -> None:
        """Read and load nothing more in the background; requests are answered as before."""
        self._pointers.close()

    def _meant(self, selection: ModelSelection) -> str:
        model_id = _named(selection)
        if model_id is None:
            name = str(selection.model)
            model_id = _at_stage(self._pointers.head(name), selection)
            if model_id is None:
                told = f"model {name!r} has nothing in {selection.stage}"
                raise NotFound(f"{told}: promote a version, or name one")
        return model_id


def _named(selection: ModelSelection) -> str | None:
    """Return the version that is named; None if the one at a stage is meant."""
    if selection.version is None:
        return selection.model_id
    return model_id_of(str(selection.model), selection.version)


def _at_stage(head: ModelHead, selection: ModelSelection) -> str | None:
    version = getattr(head, selection.stage)
    return None if version is None else model_id_of(str(selection.model), version)
