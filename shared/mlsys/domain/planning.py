"""What train teaches about its columns: which are used, how, and which are left out, and why."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import polars as pl

from mlsys.domain.choices import TaskType
from mlsys.domain.encoding import encode_target, read_labels, read_values, read_weights
from mlsys.domain.errors import InvalidInput, Violation
from mlsys.domain.features import Direction, Feature, Label, LeftOut, Plan
from mlsys.domain.judging import judged
from mlsys.domain.learners.base import TaskKind

MAX_CLASSES = 1_000
BINARY_CLASSES = 2


def fit_plan(
    train: pl.DataFrame,
    *,
    target: str,
    features: Sequence[str] | None = None,
    task_type: TaskType,
    weight: str | None = None,
    monotone: Mapping[str, Direction] | None = None,
    class_weight: Literal["balanced"] | None = None,
) -> Plan:
    """Decide from the train rows, and only from them, how rows become numbers.

    Unless `features` names a column, it is left out if it is constant, an id or free text. Left
    out in any case, and refused if named, is what cannot be used: no value at all, an unfit type,
    integers that a float would confuse.

    A category keeps its 1,000 most frequent values; the others are unknown together.

    Args:
        train: (n, k), n >= 1.
        target: the column to predict: text, booleans or integers for a classification, finite
            numbers for a regression; no nulls.
        features: the columns to use, by default all others.
        task_type: whether classes or values are predicted; the data say how many classes.
        weight: the column that says how much a row counts, see `read_weights`; never a feature.
        monotone: features along which a prediction may only rise (1) or fall (-1).
        class_weight: `balanced` lets all classes count the same, as in scikit-learn.

    Returns:
        The plan; features in the order of `train`, labels sorted.

    Raises:
        InvalidInput: a named column does not exist or cannot be used, no column is left, the
            target is unfit or does not vary, a class has no weight, a constraint cannot be kept.

    """
    _check_names(train, target, features, weight)
    kind, labels = _fit_target(train.get_column(target), task_type)
    columns = [
        judged(train.get_column(name), named=features is not None)
        for name in train.columns
        if name not in {target, weight} and (features is None or name in features)
    ]
    used = tuple(column for column in columns if isinstance(column, Feature))
    left_out = tuple(column for column in columns if isinstance(column, LeftOut))
    if features is not None and left_out:
        raise InvalidInput(
            f"feature_columns: {left_out[0].name!r} cannot be used: {left_out[0].reason}",
            tuple(
                Violation(f"feature_columns[{features.index(column.name)}]", column.reason)
                for column in left_out
            ),
        )
    if not used:
        reasons = "; ".join(f"{column.name}: {column.reason}" for column in left_out[:10])
        raise InvalidInput(f"no column is left to learn from ({reasons or 'there is none'})")
    plan = Plan(
        features=used,
        target=target,
        task_kind=kind,
        labels=labels,
        left_out=left_out,
        weight=weight,
    )
    return _weighed(_constrained(plan, train, monotone or {}), train, class_weight)


def _check_names(
    train: pl.DataFrame, target: str, features: Sequence[str] | None, weight: str | None
) -> None:
    known = ", ".join(train.columns[:20])
    if target not in train.columns:
        raise InvalidInput(f"target_column: there is no column {target!r}; there are: {known}")
    problems = [
        Violation(f"feature_columns[{place}]", reason)
        for place, name in enumerate(features or ())
        for reason, wrong in (
            (f"there is no column {name!r}; there are: {known}", name not in train.columns),
            (f"{name!r} is the target", name == target),
            (f"{name!r} is the weight, which is no feature", name == weight),
            (f"{name!r} stands twice", name in (features or ())[:place]),
        )
        if wrong
    ]
    if weight == target:
        problems.append(Violation("weight_column", f"{weight!r} is the target"))
    elif weight is not None and weight not in train.columns:
        reason = f"there is no column {weight!r}; there are: {known}"
        problems.append(Violation("weight_column", reason))
    if problems:
        raise InvalidInput(f"{problems[0].field}: {problems[0].description}", tuple(problems))


def _fit_target(column: pl.Series, task_type: TaskType) -> tuple[TaskKind, tuple[Label, ...]]:
    if task_type is TaskType.REGRESSION:
        if np.ptp(read_values(column)) == 0:
            raise InvalidInput(f"{column.name}: all train rows have the same target")
        return "regression", ()
    labels = tuple(read_labels(column).unique().sort().to_list())
    if len(labels) == 1:
        raise InvalidInput(f"{column.name}: all train rows are of one class, {labels[0]!r}")
    if len(labels) > MAX_CLASSES:
        raise InvalidInput(
            f"{column.name}: {len(labels)} classes are over the limit of {MAX_CLASSES}; "
            "is task_type 'regression' meant?"
        )
    return ("binary" if len(labels) == BINARY_CLASSES else "multiclass"), labels


def _constrained(plan: Plan, train: pl.DataFrame, monotone: Mapping[str, Direction]) -> Plan:
    problems = [
        Violation(f"monotone_constraints.{name}", reason)
        for name, direction in monotone.items()
        if (reason := _why_unconstrained(plan, train, name, direction)) is not None
    ]
    if problems:
        raise InvalidInput(f"{problems[0].field}: {problems[0].description}", tuple(problems))
    features = tuple(
        feature.model_copy(update={"monotone": monotone.get(feature.name, 0)})
        for feature in plan.features
    )
    return plan.model_copy(update={"features": features})


def _why_unconstrained(
    plan: Plan, train: pl.DataFrame, name: str, direction: Direction
) -> str | None:
    left_out = {column.name: column.reason for column in plan.left_out}
    kinds = {feature.name: feature.kind for feature in plan.features}
    if name not in train.columns:
        return f"there is no column {name!r}; there are: {', '.join(train.columns[:20])}"
    if direction == 0:
        return None
    if plan.task_kind == "multiclass":
        return f"a prediction among {len(plan.labels)} classes has no direction; leave it out"
    if name in left_out:
        return f"{name!r} is left out, unless feature_columns name it: {left_out[name]}"
    if name not in kinds:
        return f"{name!r} is no feature; only those can be constrained"
    return f"{name!r} is a category, which has no order" if kinds[name] == "category" else None


def _weighed(plan: Plan, train: pl.DataFrame, class_weight: Literal["balanced"] | None) -> Plan:
    """Check that the rows that count still vary, and let the classes count the same if asked."""
    target = encode_target(plan, train.get_column(plan.target))
    weights = None if plan.weight is None else read_weights(train.get_column(plan.weight))
    if plan.task_kind == "regression":
        if class_weight is not None:
            raise InvalidInput("class_weight: a regression has no classes; leave it out")
        if weights is not None and np.ptp(target[weights > 0]) == 0:
            raise InvalidInput(f"{plan.target}: all train rows with a weight have the same target")
        return plan
    totals = np.bincount(target.astype(np.intp), weights=weights)
    if not totals.all():
        label = plan.labels[int(totals.argmin())]
        raise InvalidInput(
            f"{plan.weight}: all train rows of class {label!r} weigh 0; weigh some of them, or "
            "leave the class out of the table"
        )
    if class_weight is None:
        return plan
    balanced = totals.sum() / (len(totals) * totals)
    return plan.model_copy(update={"class_weights": tuple(balanced.tolist())})
