"""Engines on watched ports, and versions as a test needs them."""

from hashlib import sha256
from typing import Any

from mlsys.domain.records import File
from mlsys.repositories.models import MODEL_HEADS, MODEL_VERSIONS
from mlsys.runtime import Runtime
from mlsys.use_cases.model_heads import PromoteRequest, promote
from mlsys.use_cases.serving.loaded_models import LoadedModels, ModelSelection
from tests.use_cases.conftest import NOW

ROOM = 2**28


def serving(records: Any, objects: Any, *, ttl: float = 0.0, max_bytes: int = ROOM) -> LoadedModels:
    """Return an engine; what it has been asked for is read again after `ttl` seconds."""
    return LoadedModels(
        records=records, objects=objects, pointer_ttl_seconds=ttl, max_bytes=max_bytes
    )


def promoted_behind(
    records: Any, objects: Any, runtime: Runtime, *, ttl: float = 0.0
) -> LoadedModels:
    """Return an engine that has answered with `lightgbm-v1`; by now the second is promoted."""
    models = serving(records, objects, ttl=ttl)
    found(models, model="lightgbm")
    to_production("lightgbm-v2", runtime)
    return models


def found(models: LoadedModels, **selection: Any) -> str:
    """Ask for a model, and return the version that would answer."""
    return models.find(ModelSelection(**selection)).version.id


def trouble(models: LoadedModels, **selection: Any) -> str:
    """Ask why it is not the version that was promoted."""
    return models.trouble(ModelSelection(**selection))


def to_production(model_id: str, runtime: Runtime) -> None:
    """Promote."""
    promote(model_id, PromoteRequest(stage="production"), records=runtime.records, now=NOW)


def point(name: str, runtime: Runtime, **stages: int) -> None:
    """Move several stages at once, whatever gates there are."""
    seen = MODEL_HEADS.get(name, records=runtime.records)
    MODEL_HEADS.replace(seen, seen.value.model_copy(update=stages), records=runtime.records)


def add_version(base: str, version: int, runtime: Runtime) -> str:
    """Register the files of a version once more, under another number."""
    seen = MODEL_VERSIONS.get(base, records=runtime.records).value
    model_id = f"{seen.name}-v{version}"
    copied = seen.model_copy(update={"id": model_id, "version": version})
    MODEL_VERSIONS.create(model_id, copied, records=runtime.records)
    return model_id


def rewrite(model_id: str, file: str, content: bytes, runtime: Runtime) -> None:
    """Register another content of one of a version's files."""
    seen = MODEL_VERSIONS.get(model_id, records=runtime.records)
    uri = f"gs://artifacts/models/{seen.value.name}/other/{model_id}/{file}"
    runtime.objects.put(uri, content)
    told = File(uri=uri, sha256=sha256(content).hexdigest(), size_bytes=len(content))
    files = seen.value.files | {file: told}
    changed = seen.value.model_copy(update={"files": files})
    MODEL_VERSIONS.replace(seen, changed, records=runtime.records)
