"""Whether a column of train can teach anything, and as what."""

import polars as pl

from mlsys.domain.encoding import KINDS
from mlsys.domain.features import Feature, Kind, LeftOut

MAX_VOCABULARY = 1_000
# Below so many rows, values that never repeat may be chance.
MIN_ROWS_OF_AN_ID = 20
# Ids numbered through fill their range; a random part of a table still holds a third of them.
ID_DENSITY = 1 / 3
MOSTLY = 0.9
TEXT_LENGTH = 60
MAX_EXACT_FLOAT64 = 2**53
MAX_EXACT_FLOAT32 = 2**24
# A quantity may lose digits in 32 bits; an id loses itself.
MAX_MERGED = 0.01


def judged(column: pl.Series, *, named: bool) -> Feature | LeftOut:
    """Decide how a column of train is used, or why not; see `fit_plan`.

    Only what is not `named` is left out because it teaches nothing.
    """
    kind = KINDS.get(column.dtype.base_type())
    values = column.fill_nan(None) if column.dtype.is_float() else column
    present = values.drop_nulls()
    reason = _why_impossible(present, kind, column.dtype)
    if reason is None and not named:
        reason = _why_useless(values)
    if kind is None or reason is not None:
        return LeftOut(name=column.name, reason=reason or "")
    vocabulary = _vocabulary(present) if kind == "category" else ()
    nullable = len(present) < len(column)
    return Feature(name=column.name, kind=kind, nullable=nullable, vocabulary=vocabulary)


def _why_impossible(present: pl.Series, kind: Kind | None, dtype: pl.DataType) -> str | None:
    if dtype != pl.Null and kind is None:
        return f"a column of type {dtype} has no place in a model; use numbers, text or times"
    if len(present) == 0:
        return "no train row has a value"
    if not dtype.is_integer():
        return None
    largest = max(map(abs, _bounds(present)))
    if largest > MAX_EXACT_FLOAT64:
        return "integers beyond 2^53 lose digits; as text it can be a category"
    distinct = present.n_unique()
    merged = distinct - present.cast(pl.Float32).n_unique()
    if largest > MAX_EXACT_FLOAT32 and merged > MAX_MERGED * distinct:
        return (
            "the learners' 32 bits confuse its integers beyond 2^24; as text it can be a category"
        )
    return None


def _why_useless(values: pl.Series) -> str | None:
    if values.n_unique() == 1:
        return "it is constant in train"
    present = values.drop_nulls()
    distinct = present.n_unique()
    if present.dtype.is_integer():
        return "it numbers the rows: an id" if _is_numbering(present, distinct) else None
    if KINDS[present.dtype.base_type()] != "category" or distinct <= MIN_ROWS_OF_AN_ID:
        return None
    if distinct > MOSTLY * len(present):
        return "nearly every row has a text of its own: an id or free text"
    length = present.cast(pl.String).str.len_chars().mean()
    return "it is free text" if isinstance(length, float) and length > TEXT_LENGTH else None


def _is_numbering(present: pl.Series, distinct: int) -> bool:
    if distinct < max(len(present), MIN_ROWS_OF_AN_ID):
        return False
    low, high = _bounds(present)
    return distinct > ID_DENSITY * (high - low + 1) or high > MAX_EXACT_FLOAT32


def _bounds(present: pl.Series) -> tuple[int, int]:
    value = pl.col("value")
    bounds = present.alias("value").to_frame().select(low=value.min(), high=value.max())
    low, high = bounds.row(0)
    return low, high


def _vocabulary(present: pl.Series) -> tuple[str, ...]:
    """Take the most frequent categories, of equals the first, and sort them."""
    word = present.cast(pl.String).alias("word").to_frame()
    counted = word.group_by("word").len().sort(["len", "word"], descending=[True, False])
    return tuple(counted["word"].head(MAX_VOCABULARY).sort().to_list())
