"""Whole tables turned into the numeric matrix: the half of features.py that needs Polars."""

import numpy as np
import polars as pl

from mlsys.domain.errors import InvalidInput, Violation
from mlsys.domain.features import MICROSECONDS_PER_DAY, Feature, Kind, Plan
from mlsys.domain.learners.base import Examples, Floats

# Beyond these, sums and products in the libraries' 32 bits lose or drown what a row counts.
MIN_WEIGHT, MAX_WEIGHT = 1e-9, 1e9

KINDS: dict[type[pl.DataType], Kind] = {
    **dict.fromkeys(
        (
            *(pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128),
            *(pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, pl.UInt128),
            *(pl.Float16, pl.Float32, pl.Float64, pl.Decimal),
        ),
        "numeric",
    ),
    pl.Boolean: "boolean",
    **dict.fromkeys((pl.String, pl.Categorical, pl.Enum), "category"),
    **dict.fromkeys((pl.Date, pl.Datetime), "datetime"),
}


def encode_frame(plan: Plan, frame: pl.DataFrame) -> Floats:
    """Turn a table into the matrix; bit-equal to `encode_rows` of the same rows.

    Missing values may stand anywhere, and other columns are ignored.

    Returns:
        (n, k) float64.

    Raises:
        InvalidInput: a column is absent without being nullable, has another type than in train,
            or holds an infinity; all such columns are told at once.

    """
    matrix = np.full((frame.height, len(plan.features)), np.nan)
    problems = []
    for place, feature in enumerate(plan.features):
        if feature.name not in frame.columns:
            if not feature.nullable:
                problems.append(Violation(feature.name, "the column is missing"))
            continue
        column = frame.get_column(feature.name)
        if column.dtype == pl.Null:
            continue
        if KINDS.get(column.dtype.base_type()) != feature.kind:
            reason = f"the column was {feature.kind} in training and is {column.dtype} now"
            problems.append(Violation(feature.name, reason))
            continue
        matrix[:, place] = _encoded(feature, column)
        if np.isinf(matrix[:, place]).any():
            problems.append(Violation(feature.name, "the column holds an infinity"))
    if problems:
        raise InvalidInput(f"{problems[0].field}: {problems[0].description}", tuple(problems))
    return matrix


def encode_target(plan: Plan, column: pl.Series) -> Floats:
    """Turn the target into class indexes in the plan's order, or into values: (n,) float64.

    Raises:
        InvalidInput: a null, a label that train did not have, a value that is not finite.

    """
    if len(column) == 0:
        return np.empty(0)
    if plan.task_kind == "regression":
        return read_values(column)
    labels = read_labels(column)
    indexes = [float(index) for index in range(len(plan.labels))]
    known = pl.Series(plan.labels)
    if known.dtype != labels.dtype:
        raise InvalidInput(
            f"{plan.target}: labels were {known.dtype} in training and are {column.dtype} now"
        )
    coded = labels.replace_strict(known, indexes, default=None, return_dtype=pl.Float64)
    if coded.null_count():
        unseen = labels.filter(coded.is_null()).unique().sort().to_list()
        raise InvalidInput(f"{plan.target}: labels that train does not have: {unseen[:10]}")
    return coded.to_numpy()


def encode_examples(plan: Plan, frame: pl.DataFrame) -> Examples:
    """Turn a table with its target, and weight if there is one, into what a learner takes.

    Errors are those of the two above and of `read_weights`; the table may have no rows.
    """
    if plan.weight is not None and plan.weight not in frame.columns:
        raise InvalidInput(f"{plan.weight}: the column of the weights is missing")
    return Examples(
        matrix=encode_frame(plan, frame),
        target=encode_target(plan, frame.get_column(plan.target)),
        categorical=plan.categorical,
        weights=None if plan.weight is None else read_weights(frame.get_column(plan.weight)),
        monotone=plan.monotone,
        class_weights=plan.class_weights,
    )


def read_weights(column: pl.Series) -> Floats:
    """Read how much each row counts, (n,): 0, or a number from 1e-9 to 1e9.

    Raises:
        InvalidInput: some rows have none, or another; or all of n >= 1 weigh 0.

    """
    name = column.name
    if KINDS.get(column.dtype.base_type()) != "numeric":
        raise InvalidInput(f"{name}: weights are numbers, got {column.dtype}; store them as such")
    weights = _floats(column)
    for wrong, trouble in (
        (~np.isfinite(weights), "no finite weight; fill in 1, or 0 where a row shall not count"),
        (weights < 0, "a negative weight; a row that shall not count weighs 0"),
        ((weights > 0) & (weights < MIN_WEIGHT), "a weight below 1e-9; multiply all by a number"),
        (weights > MAX_WEIGHT, "a weight over 1e9; divide all by a number"),
    ):
        if wrong.any():
            raise InvalidInput(f"{name}: {wrong.sum()} of {len(weights)} rows have {trouble}")
    if len(weights) and not weights.any():
        raise InvalidInput(f"{name}: all {len(weights)} rows weigh 0; some have to count")
    return weights


def read_values(column: pl.Series) -> Floats:
    """Read a regression's target, (n,). Raises InvalidInput: not all are finite numbers."""
    if KINDS.get(column.dtype.base_type()) != "numeric":
        raise InvalidInput(f"{column.name}: a regression predicts numbers, got {column.dtype}")
    values = _floats(column)
    if len(values) == 0 or not np.isfinite(values).all():
        raise InvalidInput(f"{column.name}: every row needs a finite target")
    return values


def read_labels(column: pl.Series) -> pl.Series:
    """Read a classification's target as Boolean, Int64 or String; 1.0 is the label 1.

    Raises:
        InvalidInput: a null, or another type.

    """
    if len(column) == 0 or column.null_count():
        raise InvalidInput(f"{column.name}: every row needs a class, {column.null_count()} lack it")
    if column.dtype == pl.Boolean:
        return column
    kind = KINDS.get(column.dtype.base_type())
    if kind == "category":
        return column.cast(pl.String)
    whole = column.cast(pl.Int64, strict=False) if kind == "numeric" else None
    if whole is None or whole.null_count() or (whole != column).any():
        raise InvalidInput(
            f"{column.name}: classes are text, booleans or whole numbers, got {column.dtype}"
        )
    return whole


def _encoded(feature: Feature, column: pl.Series) -> Floats:
    if feature.kind == "category":
        words = column.cast(pl.String)
        codes = words.replace_strict(
            pl.Series(feature.vocabulary, dtype=pl.String),
            pl.Series(feature.codes.values(), dtype=pl.Float64),
            default=feature.unknown,
            return_dtype=pl.Float64,
        )
        return _floats(pl.select(pl.when(words.is_not_null()).then(codes)).to_series())
    if feature.kind == "datetime":
        return _days(column)
    return _floats(column)


def _floats(column: pl.Series) -> Floats:
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _days(column: pl.Series) -> Floats:
    """Count the days since 1970 in UTC; what is finer than a microsecond is cut off."""
    if column.dtype == pl.Date:
        return _floats(column.cast(pl.Int32))
    ticks = column.cast(pl.Int64)
    unit = column.dtype.time_unit if isinstance(column.dtype, pl.Datetime) else "us"
    microseconds = {"ns": ticks // 1_000, "us": ticks, "ms": ticks * 1_000}[unit]
    return _floats(microseconds) / MICROSECONDS_PER_DAY
