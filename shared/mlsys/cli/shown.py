"""Which fields of each record a table shows."""

from mlsys.cli.command import talk
from mlsys.cli.output import Columns, cell
from mlsys.domain.answers import FeatureImportance, TrialRow
from mlsys.domain.experiment_records import Experiment
from mlsys.domain.model_records import Measure, ModelVersion
from mlsys.domain.records import Failure
from mlsys.domain.report import Reason
from mlsys.domain.split_records import Split, SplitStatus
from mlsys.use_cases.model_heads import Promotion

SPLITS: Columns[Split] = {
    "id": lambda one: one.id,
    "entity": lambda one: one.entity_id,
    "status": lambda one: f"{one.status}, deleted" if one.deleted else one.status,
    "rows": lambda one: sum(one.rows.values()) or None,
    "file": lambda one: one.source_uri.rstrip("/").rpartition("/")[2],
    "created": lambda one: one.created_at,
}
SPLIT: Columns[Split] = {
    "id": lambda one: one.id,
    "entity": lambda one: one.entity_id,
    "status": lambda one: one.status,
    "rows": lambda one: one.rows,
    "strategy": lambda one: f"{one.strategy}, seed {one.seed}",
    "target": lambda one: one.target_column,
    "columns": lambda one: {column.name: column.type for column in one.columns},
    "source": lambda one: one.source_uri,
    "files": lambda one: [file.uri for file in one.files.values()],
    "left out": lambda one: one.rows_left_out or None,
    "quarantined": lambda one: one.rows_quarantined or None,
    "quarantine": lambda one: one.quarantine_uri,
    "warnings": lambda one: one.warnings,
    "failure": lambda one: failure_text(one.failure),
    "experiment": lambda one: one.experiment_id,
    "progress": lambda one: one.progress and progress_text(one),
    "labels": lambda one: one.labels,
    "description": lambda one: one.description,
    "created": lambda one: one.created_at,
    "deleted": lambda one: one.deleted_at,
}
REASONS: Columns[Reason] = {
    "rule": lambda one: one.rule,
    "column": lambda one: one.column,
    "count": lambda one: one.count,
    "row": lambda one: one.cells[0].row if one.cells else None,
    "value": lambda one: one.cells[0].value if one.cells else None,
    "what is wrong": lambda one: one.message,
}
EXPERIMENTS: Columns[Experiment] = {
    "id": lambda one: one.id,
    "name": lambda one: one.name,
    "status": lambda one: one.status,
    "trials": lambda one: sum(one.trials.values()) or None,
    "metric": lambda one: one.metric_name,
    "test": lambda one: one.test and one.test.value,
    "model": lambda one: one.model_id,
    "created": lambda one: one.created_at,
}
EXPERIMENT: Columns[Experiment] = {
    "id": lambda one: one.id,
    "name": lambda one: one.name,
    "status": lambda one: one.status,
    "split": lambda one: one.split_id,
    "model type": lambda one: one.request.get("model_type"),
    "trials": lambda one: one.trials,
    "best on val": lambda one: one.best_trial and one.best_trial.value,
    "best params": lambda one: one.best_trial and one.best_trial.params,
    "baselines": lambda one: one.baselines,
    "test": lambda one: measure_text(one.test),
    "model": lambda one: one.model_id,
    "promotion": lambda one: one.promotion and [one.promotion.stage, *one.promotion.reasons],
    "warnings": lambda one: one.warnings,
    "failure": lambda one: failure_text(one.failure),
    "cancelled": lambda one: one.cancellation and (one.cancellation.reason or "yes"),
    "execution": lambda one: one.execution_id,
    "created": lambda one: one.created_at,
    "finished": lambda one: one.finished_at,
}
TRIALS: Columns[TrialRow] = {
    "trial": lambda one: one.number,
    "state": lambda one: one.state,
    "value": lambda one: one.value,
    "rounds": lambda one: one.rounds,
    "params": lambda one: one.params,
    "failure": lambda one: one.failure,
}
MODEL: Columns[ModelVersion] = {
    "id": lambda one: one.id,
    "status": lambda one: one.status,
    "type": lambda one: one.model_type,
    "task": lambda one: one.task,
    "val": lambda one: measure_text(one.val),
    "test": lambda one: measure_text(one.test),
    "experiment": lambda one: one.experiment_id,
    "split": lambda one: one.split_id,
    "files": lambda one: {name: f"{file.size_bytes} B" for name, file in one.files.items()},
    "at": lambda one: next((f.uri.rpartition("/")[0] for f in one.files.values()), None),
    "created": lambda one: one.created_at,
}
PROMOTION: Columns[Promotion] = {
    "model": lambda one: one.model_id,
    "stage": lambda one: one.stage,
    "before": lambda one: one.previous_model_id,
    "promoted": lambda one: "yes" if one.promoted else "no, nothing was changed",
}
IMPORTANCES: Columns[FeatureImportance] = {
    "feature": lambda one: one.feature,
    "importance": lambda one: one.importance,
    "share": lambda one: f"{one.share:.1%}",
}


def measure_text(measure: Measure | None) -> str | None:
    """Write a metric with its interval.

    >>> measure_text(Measure(name="roc_auc", value=0.99, low=0.97, high=1.0, level=0.95))
    'roc_auc 0.99 (95 % interval 0.97 to 1)'

    """
    if measure is None:
        return None
    text = f"{measure.name} {cell(measure.value)}"
    if measure.low is None or measure.high is None:
        return text
    level = "" if measure.level is None else f"{measure.level:.0%} ".replace("%", " %")
    return f"{text} ({level}interval {cell(measure.low)} to {cell(measure.high)})"


def progress_text(split: Split) -> str | None:
    """Say how far a split is that is still being made."""
    done = split.progress
    if done is None or split.status is not SplitStatus.RUNNING:
        return None
    share = done.bytes_read / max(1, done.bytes_total)
    return f"{share:.0%} of {done.bytes_total} bytes"


def failure_text(failure: Failure | None) -> str | None:
    """Write why something failed."""
    if failure is None:
        return None
    return "; ".join([f"{failure.code}: {failure.message}", *failure.details])


def tell_failure(id: str, status: str, failure: Failure | None) -> None:
    """Say that something ended badly, and why."""
    talk(f"mlsys: {id} is {status}: {failure_text(failure) or 'see its record'}")
