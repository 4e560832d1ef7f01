"""What must hold of an experiment's request before any row is read; all that does not, at once."""

from collections.abc import Collection, Iterator, Sequence

from mlsys.domain.choices import TaskType
from mlsys.domain.contract import NOT_LEARNT
from mlsys.domain.errors import InvalidInput, Violation
from mlsys.domain.evaluation.metrics import Metric, resolve_metric
from mlsys.domain.learners.base import Task
from mlsys.domain.messages import ExperimentWish
from mlsys.domain.postprocess_wish import postprocess_problems
from mlsys.domain.split_records import Column, ColumnType

# Given for a regression they mean nothing.
OF_CLASSES = ("class_weight", "threshold_metric", "calibration")


def wish_problems(wish: ExperimentWish, columns: Sequence[Column]) -> Iterator[Violation]:
    """Hold a request against the columns of its split, and its fields against each other.

    What it says of the search is held together by spaces/rules.py.
    """
    types = {column.name: column.type for column in columns}
    yield from _unknown_columns(wish, types)
    yield from _unfit_features(wish)
    yield from _unfit_slices(wish, columns)
    if wish.weight_column in types:
        yield from _unfit_weight(wish, types[wish.weight_column])
    learnt = _learnt(wish, columns)
    for name in wish.monotone_constraints or ():
        if name in types:
            yield from _unfit_constraint(name, types[name], learnt)
    for field in OF_CLASSES:
        if getattr(wish, field) is not None and wish.task_type is TaskType.REGRESSION:
            yield Violation(field, "is for classification, and task_type is regression")
    if wish.postprocess is not None:
        regression = wish.task_type is TaskType.REGRESSION
        yield from postprocess_problems(wish.postprocess, regression=regression)
    yield from _unfit_metrics(wish)


def metric_of(wish: ExperimentWish) -> Metric:
    """Return the metric that trials are compared by, as far as it is known without the data.

    Raises:
        InvalidInput: it fits no task of this type; binary or multiclass the data will tell.
    """
    if wish.task_type is TaskType.REGRESSION:
        return resolve_metric(wish.metric_name, Task("regression"))
    try:
        return resolve_metric(wish.metric_name, Task("multiclass", 3))
    except InvalidInput:
        return resolve_metric(wish.metric_name, Task("binary", 2))


def _unknown_columns(wish: ExperimentWish, known: Collection[str]) -> Iterator[Violation]:
    named = [("target_column", wish.target_column)]
    named += [(f"feature_columns[{n}]", one) for n, one in enumerate(wish.feature_columns or [])]
    if wish.weight_column is not None:
        named.append(("weight_column", wish.weight_column))
    named += [(f"monotone_constraints.{name}", name) for name in wish.monotone_constraints or ()]
    named += [(f"slices[{n}]", one) for n, one in enumerate(wish.slices or [])]
    for field, name in named:
        if name not in known:
            yield Violation(field, f"there is no column {name!r}")


def _unfit_features(wish: ExperimentWish) -> Iterator[Violation]:
    features = wish.feature_columns or []
    for place, name in enumerate(features):
        field = f"feature_columns[{place}]"
        if name == wish.target_column:
            yield Violation(field, f"{name!r} is the target, so it cannot be a feature")
        if name == wish.weight_column:
            yield Violation(field, f"{name!r} is the weight, so it cannot be a feature")
        if name in features[:place]:
            yield Violation(field, f"{name!r} stands twice")


def _unfit_slices(wish: ExperimentWish, columns: Sequence[Column]) -> Iterator[Violation]:
    slices = wish.slices or []
    hidden = {column.name for column in columns if column.sensitive}
    for place, name in enumerate(slices):
        if name in slices[:place]:
            yield Violation(f"slices[{place}]", f"{name!r} stands twice")
        elif name in hidden:
            yield Violation(
                f"slices[{place}]",
                f"{name!r} is sensitive by the contract, and metrics.json would show its values: "
                "leave it out, or split again by a contract that does not mark it",
            )


def _unfit_weight(wish: ExperimentWish, type: ColumnType) -> Iterator[Violation]:
    if wish.weight_column == wish.target_column:
        yield Violation("weight_column", f"{wish.weight_column!r} is the target")
    elif type not in {ColumnType.INTEGER, ColumnType.FLOAT, ColumnType.DECIMAL}:
        yield Violation(
            "weight_column", f"expected a column of numbers, and {wish.weight_column!r} is {type}"
        )


def _unfit_constraint(name: str, type: ColumnType, learnt: Collection[str]) -> Iterator[Violation]:
    field = f"monotone_constraints.{name}"
    if name not in learnt:
        yield Violation(field, f"{name!r} is no feature")
    elif type is ColumnType.TEXT:
        yield Violation(field, f"{name!r} is text, which has no order to rise or fall along")


def _learnt(wish: ExperimentWish, columns: Sequence[Column]) -> Collection[str]:
    """Name the columns that may become features."""
    if wish.feature_columns is not None:
        return wish.feature_columns
    others = {wish.target_column, wish.weight_column}
    return {
        column.name
        for column in columns
        if column.role not in NOT_LEARNT and column.name not in others
    }


def _unfit_metrics(wish: ExperimentWish) -> Iterator[Violation]:
    try:
        metric_of(wish)
    except InvalidInput as error:
        yield Violation("metric_name", str(error).removeprefix("metric_name: "))
    if wish.threshold_metric is None or wish.task_type is TaskType.REGRESSION:
        return
    try:
        fits = resolve_metric(wish.threshold_metric, Task("binary", 2)).uses_threshold
    except InvalidInput as error:
        yield Violation("threshold_metric", str(error).removeprefix("metric_name: "))
        return
    if not fits:
        yield Violation(
            "threshold_metric", f"{wish.threshold_metric!r} does not depend on a threshold"
        )
