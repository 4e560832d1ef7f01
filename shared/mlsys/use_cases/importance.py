"""Which features a model goes by, on rows that it was not trained on."""

import io
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field

from mlsys.domain.answers import FeatureImportance, Importances, Method
from mlsys.domain.encoding import encode_frame
from mlsys.domain.errors import NotFound
from mlsys.domain.learners.base import Floats
from mlsys.domain.records import Part
from mlsys.ports import Objects, Records
from mlsys.repositories import SPLITS
from mlsys.use_cases.serving import LoadedModel, LoadedModels, ModelSelection

MAX_SAMPLES = 5_000

METHODS: tuple[Method, ...] = ("shap", "native")


class ImportanceRequest(ModelSelection):
    """The body of `POST /v1/importance`; the first method that can be computed is used."""

    max_samples: Annotated[int, Field(ge=1, le=MAX_SAMPLES)] = 1000
    method_preference: Annotated[list[Method], Field(min_length=1)] = Field(
        default_factory=lambda: list(METHODS)
    )
    split: Part = "test"


def importance_of(
    request: ImportanceRequest,
    *,
    models: LoadedModels,
    records: Records,
    objects: Objects,
    request_id: str,
) -> Importances:
    """Rank the features of the model that is meant.

    Raises:
        NotFound: no such model, nothing stands at that stage, or only `shap` is asked for and
            the split's rows are gone.
        Corrupt: the model's files or the split's are not what was stored.

    """
    loaded = models.find(request)
    warnings: list[str] = []
    for method in request.method_preference:
        try:
            scores, samples = _scores(method, request, loaded, records=records, objects=objects)
        except NotFound as error:
            warnings.append(f"{method}: {error}")
            continue
        return Importances(
            importances=_ranked(loaded, scores),
            method=method,
            split=request.split if samples else None,
            samples=samples,
            model=loaded.version.name,
            model_id=loaded.version.id,
            version=loaded.version.version,
            request_id=request_id,
            warnings=warnings,
        )
    raise NotFound("; ".join(warnings))


def _scores(
    method: Method,
    request: ImportanceRequest,
    loaded: LoadedModel,
    *,
    records: Records,
    objects: Objects,
) -> tuple[Floats, int]:
    """Score each feature, (k,), and say on how many rows; none for the library's own."""
    if method == "native":
        return loaded.model.booster.importance(), 0
    matrix = _sample(request, loaded, records=records, objects=objects)
    contributions = np.abs(loaded.model.booster.contributions(matrix)[..., :-1])
    per_class: Floats = contributions.mean(axis=0)
    return (per_class if per_class.ndim == 1 else per_class.sum(axis=0)), len(matrix)


def _sample(
    request: ImportanceRequest, loaded: LoadedModel, *, records: Records, objects: Objects
) -> Floats:
    split = SPLITS.get(loaded.version.split_id, records=records).value
    file = split.files[request.split]
    frame = pl.read_parquet(io.BytesIO(objects.read(file.uri, sha256=file.sha256)))
    if frame.height > request.max_samples:
        rows = np.random.default_rng(split.seed).choice(
            frame.height, size=request.max_samples, replace=False
        )
        frame = frame[np.sort(rows)]
    return encode_frame(loaded.model.plan, frame)


def _ranked(loaded: LoadedModel, scores: Floats) -> list[FeatureImportance]:
    total = float(scores.sum()) or 1.0
    names = [feature.name for feature in loaded.model.plan.features]
    return [
        FeatureImportance(feature=name, importance=score, share=score / total)
        for name, score in sorted(
            zip(names, scores.tolist(), strict=True), key=lambda pair: -pair[1]
        )
    ]
