"""Which features a model goes by, on rows that it was not trained on."""

import io
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import Field

from mlsys.domain.answers import FeatureImportance, Importances, Method, PlotFormat, label_name
from mlsys.domain.choices import ModelType
from mlsys.domain.encoding import encode_examples, encode_frame
from mlsys.domain.errors import InvalidInput, NotFound
from mlsys.domain.evaluation.metrics import Metric, resolve_metric
from mlsys.domain.feature_importance import (
    Ranking,
    Swarm,
    rank_by_library,
    rank_by_permutation,
    rank_by_shap,
)
from mlsys.domain.features import Plan
from mlsys.domain.records import Part
from mlsys.domain.split_records import Split
from mlsys.ports import Objects, Records
from mlsys.repositories.splits import SPLITS
from mlsys.use_cases.serving.loaded_models import LoadedModel, ModelSelection
from mlsys.use_cases.serving.rankings import Rankings, Sample

MAX_SAMPLES = 5_000
MAX_REPEATS = 20

METHODS: tuple[Method, ...] = ("shap", "native")
GAIN = "total gain of the splits"
NATIVE_SPACES = {
    ModelType.CATBOOST: "change of the prediction, in percent of all",
    ModelType.LIGHTGBM: GAIN,
    ModelType.XGBOOST: GAIN,
}


class ImportanceRequest(ModelSelection):
    """The body of `POST /v1/importance`; the first method that can be computed is used."""

    max_samples: Annotated[int, Field(ge=1, le=MAX_SAMPLES)] = 1000
    method_preference: Annotated[list[Method], Field(min_length=1)] = Field(
        default_factory=lambda: list(METHODS)
    )
    split: Part = "test"
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    repeats: Annotated[int, Field(ge=1, le=MAX_REPEATS)] = 5
    plot: PlotFormat | None = None


@dataclass(frozen=True)
class Ranked:
    """What is answered, and what can be drawn of it.

    Attributes:
        answer: the ranking.
        swarm: each row's contributions, where those were looked at and are one for each row.
        coded: the features that are categories, whose codes have no order.
    """

    answer: Importances
    swarm: Swarm | None
    coded: set[str]


def importance_of(
    request: ImportanceRequest,
    loaded: LoadedModel,
    *,
    rankings: Rankings,
    records: Records,
    objects: Objects,
    request_id: str,
) -> Ranked:
    """Rank the features of a model.

    Raises:
        NotFound: what is asked for needs the split's rows, and they are gone.
        InvalidInput: what is asked for cannot be told on these rows.
        Corrupt: the model's files or the split's are not what was stored.

    """
    warnings: list[str] = []
    failure: InvalidInput | NotFound | None = None
    for method in request.method_preference:
        sample = _sample(method, request, loaded)
        find = partial(_find, loaded, sample, records=records, objects=objects)
        try:
            ranking = rankings.of(sample, find)
        except (InvalidInput, NotFound) as error:
            warnings.append(f"{method}: {error}")
            failure = error
            continue
        features = loaded.model.plan.features
        return Ranked(
            _answer(loaded, sample, ranking, request_id, warnings),
            ranking.swarm,
            coded={one.name for one in features if one.kind == "category"},
        )
    raise type(failure or NotFound())("; ".join(warnings)) from failure


def _sample(method: Method, request: ImportanceRequest, loaded: LoadedModel) -> Sample:
    """Leave out what a method does not heed, so that it is found once."""
    if method == "native":
        return Sample(loaded.version.id, method)
    repeats = request.repeats if method == "permutation" else 0
    return Sample(
        loaded.version.id, method, request.split, request.max_samples, request.seed, repeats
    )


def _find(loaded: LoadedModel, sample: Sample, *, records: Records, objects: Objects) -> Ranking:
    if sample.part is None:
        return rank_by_library(loaded.model)
    split = SPLITS.get(loaded.version.split_id, records=records).value
    frame = _rows(split, sample.part, sample, objects=objects)
    if sample.method == "shap":
        return rank_by_shap(loaded.model, encode_frame(loaded.model.plan, frame))
    return rank_by_permutation(
        loaded.model,
        encode_examples(loaded.model.plan, frame),
        _metric(loaded),
        repeats=sample.repeats,
        seed=sample.seed,
    )


def _rows(split: Split, part: Part, sample: Sample, *, objects: Objects) -> pl.DataFrame:
    file = split.files[part]
    frame = pl.read_parquet(io.BytesIO(objects.read(file.uri, sha256=file.sha256)))
    if frame.height == 0:
        raise NotFound(f"split {split.id} has no rows in {part}: ask for another part")
    if frame.height <= sample.rows:
        return frame
    generator = np.random.default_rng(sample.seed)
    return frame[np.sort(generator.choice(frame.height, size=sample.rows, replace=False))]


def _metric(loaded: LoadedModel) -> Metric:
    """Return what the study compared its trials by."""
    measure = loaded.version.test or loaded.version.val
    return resolve_metric(measure.name if measure else None, loaded.model.plan.task)


def _answer(
    loaded: LoadedModel, sample: Sample, ranking: Ranking, request_id: str, warnings: list[str]
) -> Importances:
    permuted = sample.method == "permutation"
    return Importances(
        importances=_ranked(loaded.model.plan, ranking),
        method=sample.method,
        space=_space(loaded, sample.method),
        split=sample.part,
        samples=ranking.rows,
        seed=sample.seed if sample.part else None,
        repeats=sample.repeats if permuted else None,
        metric_value=ranking.metric_value,
        model=loaded.version.name,
        model_id=loaded.version.id,
        version=loaded.version.version,
        request_id=request_id,
        warnings=warnings,
    )


def _space(loaded: LoadedModel, method: Method) -> str:
    if method == "native":
        return NATIVE_SPACES[ModelType(loaded.version.model_type)]
    return loaded.model.score_space if method == "shap" else _metric(loaded).name


def _ranked(plan: Plan, ranking: Ranking) -> list[FeatureImportance]:
    """Sort the features; what is less than 0, by chance, has no share."""
    total = float(np.maximum(ranking.scores, 0).sum()) or 1.0
    names = [label_name(label) for label in plan.labels]
    by_class, deviations = ranking.by_class, ranking.deviations
    return [
        FeatureImportance(
            feature=plan.features[place].name,
            importance=(score := float(ranking.scores[place])),
            share=max(score, 0.0) / total,
            deviation=None if deviations is None else float(deviations[place]),
            classes=None
            if by_class is None
            else dict(zip(names, by_class[:, place].tolist(), strict=True)),
        )
        for place in np.argsort(-ranking.scores, kind="stable").tolist()
    ]
