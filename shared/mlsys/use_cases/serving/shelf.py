"""The models that a process has loaded: each once, verified, and no more than memory allows."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import isfinite, nan
from threading import Lock, current_thread
from time import monotonic

import structlog

from mlsys.domain.artifacts import PREPROCESS, Model, load_model, needed_files
from mlsys.domain.choices import ModelType
from mlsys.domain.errors import Corrupt, InvalidInput, MlsysError
from mlsys.domain.model_records import ModelVersion, VersionStatus
from mlsys.domain.scoring.table import scorer
from mlsys.ports import ObjectReader, RecordReader
from mlsys.use_cases.registry import get_version
from mlsys.use_cases.serving.turns import Turns

log = structlog.get_logger()

BYTES_PER_MODEL_BYTE = 2
BYTES_PER_PLAN_BYTE = 12
REFUSED_SECONDS = 30.0
UNFORESEEN = (ImportError, LookupError, ValueError)
"""No package for it, no such file in its record, a file of another form."""


@dataclass(frozen=True)
class LoadedModel:
    """A version, ready to answer."""

    version: ModelVersion
    model: Model


@dataclass(slots=True)
class _Place:
    loaded: LoadedModel
    size_bytes: int
    used_at: float


class Shelf:
    """Loaded models by id, the latest used kept; safe for many threads.

    What leaves the shelf is freed when its last request is answered. The memory of a model is told
    from its files: what libraries make of them, and of a vocabulary, was measured.
    """

    def __init__(self, *, records: RecordReader, objects: ObjectReader, max_bytes: int) -> None:
        self._records = records
        self._objects = objects
        self._max_bytes = max_bytes
        self._places: dict[str, _Place] = {}
        self._refused: dict[str, tuple[float, type[MlsysError], str]] = {}
        self._changing = Lock()
        self._turns = Turns()

    def kept(self, model_id: str) -> LoadedModel | None:
        """Return a model that is loaded; waits for nobody."""
        place = self._places.get(model_id)
        if place is None:
            return None
        place.used_at = monotonic()
        return place.loaded

    def names(self) -> set[str]:
        """Return whose versions are loaded."""
        return {place.loaded.version.name for place in list(self._places.values())}

    def get(self, model_id: str) -> LoadedModel:
        """Return a model, loaded; who asks for one that is being loaded waits for it.

        Raises:
            NotFound: no such version, or one of its files is gone.
            InvalidInput: the version is not ready.
            Corrupt: a file is not what was registered, or the model scores no row.

        """
        loaded = self._loaded_once(model_id)
        self.make_room()
        return loaded

    def prepare(self, model_id: str) -> None:
        """Load a model beside those there are, before anybody asks for it; see `make_room`.

        Raises what `get` does. What trying again does not help is not tried again for a while.
        """
        until, kind, reason = self._refused.get(model_id, (0.0, Corrupt, ""))
        if monotonic() < until:
            raise kind(reason)
        try:
            self._loaded_once(model_id)
        except MlsysError as error:
            if not error.retryable:
                self._refused[model_id] = (monotonic() + REFUSED_SECONDS, type(error), str(error))
            raise
        except UNFORESEEN as error:
            reason = f"{model_id} cannot be loaded: {error!r}; promote another version"
            self._refused[model_id] = (monotonic() + REFUSED_SECONDS, Corrupt, reason)
            raise Corrupt(reason) from error

    def make_room(self) -> None:
        """Let go of what was not used for longest, until the rest fits; one model is kept."""
        with self._changing:
            size_bytes = sum(place.size_bytes for place in self._places.values())
            while size_bytes > self._max_bytes and len(self._places) > 1:
                oldest = min(self._places, key=lambda one: self._places[one].used_at)
                size_bytes -= self._places.pop(oldest).size_bytes
                log.info("model.dropped", model_id=oldest)

    def _loaded_once(self, model_id: str) -> LoadedModel:
        with self._turns.of(model_id):
            kept = self.kept(model_id)
            if kept is not None:
                return kept
            loaded = self._load(model_id)
            with self._changing:
                self._places[model_id] = _Place(loaded, _size_bytes(loaded), monotonic())
        return loaded

    def _load(self, model_id: str) -> LoadedModel:
        version = get_version(model_id, records=self._records)
        if version.status is not VersionStatus.READY:
            raise InvalidInput(f"{model_id} is {version.status}: its files are not all written")
        started = monotonic()
        model_type = ModelType(version.model_type)
        names = needed_files(model_type)
        with ThreadPoolExecutor(len(names), current_thread().name) as pool:
            contents = pool.map(partial(self._read, version), names)
            scorer(model_type)  # opens its library meanwhile
            files = dict(zip(names, contents, strict=True))
        model = load_model(model_type, files)
        _check_score(model_id, model)
        log.info("model.loaded", model_id=model_id, seconds=round(monotonic() - started, 6))
        return LoadedModel(version, model)

    def _read(self, version: ModelVersion, name: str) -> bytes:
        file = version.files[name]
        return self._objects.read(file.uri, sha256=file.sha256)


def _check_score(model_id: str, model: Model) -> None:
    """Score a row of which nothing is known. Raises Corrupt if that gives no numbers."""
    try:
        scores = model.predict_row([nan] * len(model.plan.features))
    except InvalidInput as error:
        raise Corrupt(f"{model_id} cannot score a row: {error}; promote another version") from error
    if not all(map(isfinite, scores)):
        told = f"{model_id} scores a row {scores}, which are no finite numbers"
        raise Corrupt(f"{told}; promote another version")


def _size_bytes(loaded: LoadedModel) -> int:
    files = loaded.version.files
    return sum(
        files[name].size_bytes
        * (BYTES_PER_PLAN_BYTE if name == PREPROCESS else BYTES_PER_MODEL_BYTE)
        for name in needed_files(ModelType(loaded.version.model_type))
    )
