"""What the trials of one process share: read, coded and binned once."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from mlsys.domain.contract import NOT_LEARNT
from mlsys.domain.encoding import encode_examples
from mlsys.domain.evaluation.metrics import Metric, resolve_metric
from mlsys.domain.evaluation.thresholds import threshold_metric_of
from mlsys.domain.features import Plan
from mlsys.domain.folding import Fold, fold_numbers, folds_of
from mlsys.domain.learners.base import Examples
from mlsys.domain.messages import ExperimentRequest
from mlsys.domain.planning import fit_plan
from mlsys.domain.postprocess_wish import check_bands
from mlsys.domain.records import Part
from mlsys.domain.spaces.overrides import spaces_of
from mlsys.domain.spaces.search import FirstTrials, Spaces, Suggested, first_trials
from mlsys.domain.split_records import Column, Split
from mlsys.ports import Objects
from mlsys.use_cases.training.binned import Binned
from mlsys.use_cases.training.combining import settled


@dataclass(frozen=True)
class Training:
    """All that a study trains on, and how.

    Attributes:
        parts: train, val and test, coded; val may have no rows if the folds are of train.
        folds: what a trial learns from and is judged on, in turn; without folds one: train, val.
        binned: the folds as each library wants them.
        spaces: where each library is searched.
        first: what is tried first.
        threads: how many one fit may use.
        threshold_metric: what the threshold of the winner is chosen for.
        slices: the columns that metrics are told apart by, of the rows as they came.
    """

    request: ExperimentRequest
    split: Split
    plan: Plan
    metric: Metric
    parts: dict[Part, Examples]
    folds: tuple[Fold, ...]
    binned: Binned
    spaces: Spaces
    first: FirstTrials
    threads: int
    threshold_metric: Metric | None
    slices: dict[Part, pl.DataFrame]


def prepare(
    request: ExperimentRequest,
    split: Split,
    *,
    earlier: Sequence[Suggested] = (),
    objects: Objects,
    threads: int,
) -> Training:
    """Read the three parts, and learn from train how rows become numbers.

    Args:
        request: fits the split.
        split: is READY.
        earlier: trials to begin with after the defaults, the best first.
        objects: where the parts are.
        threads: how many one fit may use.

    Raises:
        InvalidInput: the table cannot be learnt from as asked.
        NotFound, Corrupt: a part is gone, or is not what was stored.

    """
    frames = {
        part: pl.read_parquet(io.BytesIO(objects.read(file.uri, sha256=file.sha256)))
        for part, file in split.files.items()
    }
    plan = fit_plan(
        frames["train"].drop(_no_features(split.columns, request)),
        target=request.target_column,
        features=request.feature_columns,
        task_type=request.task_type,
        weight=request.weight_column,
        monotone=request.monotone_constraints,
        class_weight=request.class_weight,
    )
    check_bands(request.postprocess, task_kind=plan.task_kind)
    parts = {part: encode_examples(plan, frame) for part, frame in frames.items()}
    folds = folds_of(parts, fold_numbers(frames["train"], split, request))
    binned = Binned(plan, folds, threads=threads)
    spaces = settled(spaces_of(request, plan), request, binned=binned, threads=threads)
    return Training(
        request=request,
        split=split,
        plan=plan,
        metric=resolve_metric(request.metric_name, plan.task),
        parts=parts,
        folds=folds,
        binned=binned,
        spaces=spaces,
        first=first_trials(spaces, earlier),
        threads=threads,
        threshold_metric=threshold_metric_of(request.threshold_metric, plan.task),
        slices={part: frame.select(request.slices or []) for part, frame in frames.items()},
    )


def _no_features(columns: list[Column], request: ExperimentRequest) -> list[str]:
    """Name keys, weights, folds and the like: no features, unless somebody asks for them."""
    asked = {request.target_column, request.weight_column, *(request.feature_columns or [])}
    return [
        column.name for column in columns if column.role in NOT_LEARNT and column.name not in asked
    ]
