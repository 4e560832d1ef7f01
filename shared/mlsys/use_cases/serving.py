"""Which model answers, and keeping it loaded: the pointer for seconds, the model by its id."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Annotated, Self

import structlog
from pydantic import Field, model_validator

from mlsys.domain.artifacts import Model, load_model, needed_files
from mlsys.domain.errors import InvalidInput, NotFound, Unavailable
from mlsys.domain.ids import Id
from mlsys.domain.messages import ModelType, Stage
from mlsys.domain.model_records import ModelHead, ModelVersion, VersionStatus
from mlsys.domain.records import Input
from mlsys.ports import ObjectReader, RecordReader
from mlsys.use_cases.registry import get_head, get_version, model_id_of

log = structlog.get_logger()

MAX_LOADED = 4


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


@dataclass(frozen=True)
class LoadedModel:
    """A version, ready to answer."""

    version: ModelVersion
    model: Model


class LoadedModels:
    """The models of one process, the latest used kept; safe for many threads.

    A pointer is believed for `pointer_ttl_seconds`. Where the records do not answer, the last
    pointer read goes on being believed: better an old model than none.
    """

    def __init__(
        self, *, records: RecordReader, objects: ObjectReader, pointer_ttl_seconds: float
    ) -> None:
        self._records = records
        self._objects = objects
        self._ttl = pointer_ttl_seconds
        self._heads: dict[str, tuple[ModelHead, float]] = {}
        self._models: OrderedDict[str, LoadedModel] = OrderedDict()
        self._loading: dict[str, Lock] = {}
        self._changing = Lock()

    def find(self, selection: ModelSelection) -> LoadedModel:
        """Return the model that is meant, loaded.

        Raises:
            NotFound: no such model or version, or nothing stands at that stage.
            InvalidInput: the version is not ready.
            Corrupt: a file is not what was registered.

        """
        model_id = selection.model_id or self._pointed_at(selection)
        return self._kept(model_id) or self._loaded_once(model_id)

    def _kept(self, model_id: str) -> LoadedModel | None:
        with self._changing:
            if model_id in self._models:
                self._models.move_to_end(model_id)
            return self._models.get(model_id)

    def _loaded_once(self, model_id: str) -> LoadedModel:
        """Load a model while who asks for the same one waits, and nobody else."""
        with self._changing:
            loading = self._loading.setdefault(model_id, Lock())
        with loading:
            try:
                loaded = self._kept(model_id) or self._load(model_id)
                self._keep(loaded)
            finally:
                with self._changing:
                    self._loading.pop(model_id, None)
        return loaded

    def _keep(self, loaded: LoadedModel) -> None:
        with self._changing:
            self._models[loaded.version.id] = loaded
            while len(self._models) > MAX_LOADED:
                self._models.popitem(last=False)

    def _pointed_at(self, selection: ModelSelection) -> str:
        name = str(selection.model)
        if selection.version is not None:
            return model_id_of(name, selection.version)
        version = getattr(self._head(name), selection.stage)
        if version is None:
            raise NotFound(
                f"model {name!r} has nothing in {selection.stage}: promote a version, or name one"
            )
        return model_id_of(name, version)

    def _head(self, name: str) -> ModelHead:
        known = self._heads.get(name)
        if known is not None and monotonic() - known[1] < self._ttl:
            return known[0]
        try:
            head = get_head(name, records=self._records)
        except Unavailable as error:
            if known is None:
                raise
            log.warning("pointer.not_read", model=name, reason=str(error))
            head = known[0]
        self._heads[name] = (head, monotonic())
        return head

    def _load(self, model_id: str) -> LoadedModel:
        version = get_version(model_id, records=self._records)
        if version.status is not VersionStatus.READY:
            raise InvalidInput(f"{model_id} is {version.status}: its files are not all written")
        started = monotonic()
        model_type = ModelType(version.model_type)
        files = {
            name: self._objects.read(version.files[name].uri, sha256=version.files[name].sha256)
            for name in needed_files(model_type)
        }
        model = load_model(model_type, files)
        log.info("model.loaded", model_id=model_id, seconds=round(monotonic() - started, 6))
        return LoadedModel(version, model)
