"""Winners of small studies that are kept in memory, and splits whose rows are others."""

import io
from dataclasses import replace
from hashlib import sha256
from typing import Any

import optuna
import polars as pl
from optuna.trial import FrozenTrial

from mlsys.domain.records import Part
from mlsys.domain.spaces.search import first_trials
from mlsys.domain.split_records import Split
from mlsys.repositories.splits import SPLITS
from mlsys.runtime import Runtime
from mlsys.use_cases.training.material import Training, prepare
from mlsys.use_cases.training.objective import directions_of, objective
from mlsys.use_cases.training.verdict import Winner, crown
from tests.use_cases.conftest import request_of


def prepared(split: Split, runtime: Runtime, **fields: Any) -> Training:
    """Read what a study trains on, with one thread."""
    return prepare(request_of(split, **fields), split, objects=runtime.objects, threads=1)


def searched(training: Training, *, trials: int = 1) -> list[FrozenTrial]:
    """Make some trials, the defaults first."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.RandomSampler(seed=3)
    study = optuna.create_study(directions=directions_of(training), sampler=sampler)
    for params in first_trials(training.spaces).params:
        study.enqueue_trial(dict(params))
    study.optimize(objective(training), n_trials=trials)
    return study.trials


def crowned(training: Training, *, trials: int = 1) -> Winner:
    """Crown the first of some trials."""
    done = searched(training, trials=trials)
    return crown(training, done[0], done)


def changed(training: Training, part: Part, **fields: Any) -> Training:
    """Put other targets or weights into a part."""
    parts = {**training.parts, part: replace(training.parts[part], **fields)}
    folds = tuple(replace(fold, val=parts["val"]) for fold in training.folds)
    return replace(training, parts=parts, folds=folds)


def rewrite_part(
    split: Split,
    part: Part,
    change: dict[str, pl.Expr],
    runtime: Runtime,
    *,
    rows: int | None = None,
) -> None:
    """Change columns of a part's rows, or leave only the first, as if the split had made it so."""
    table = pl.read_parquet(io.BytesIO(runtime.objects.read(split.files[part].uri)))
    written = io.BytesIO()
    table.with_columns(**change)[slice(rows)].write_parquet(written)
    runtime.objects.put(split.files[part].uri, written.getvalue())
    digest = sha256(written.getvalue()).hexdigest()
    files = split.files | {part: split.files[part].model_copy(update={"sha256": digest})}
    seen = SPLITS.get(split.id, records=runtime.records)
    SPLITS.replace(seen, seen.value.model_copy(update={"files": files}), records=runtime.records)
