"""What a table is: its column types, and how it gets them without losing a value."""

from collections import Counter
from collections.abc import Collection, Sequence

import polars as pl

from mlsys.domain.contract import MAX_NAME
from mlsys.domain.errors import InvalidInput, TooLarge, Violation
from mlsys.domain.messages import MAX_COLUMNS
from mlsys.domain.split_records import ColumnType
from mlsys.domain.types.cells import lacks_offset, missing_words, present, read

GUESSES = (
    ColumnType.BOOLEAN,
    ColumnType.INTEGER,
    ColumnType.FLOAT,
    ColumnType.DECIMAL,
    ColumnType.DATE,
    ColumnType.DATETIME,
)


def check_names(names: Sequence[str]) -> None:
    """Refuse column names that could not be told apart or stored, all of them at once.

    Raises:
        TooLarge: there are more than 2,000.
        InvalidInput: there are none, one is empty, over 200 long, or there twice.

    >>> check_names(["age", "", "age"])
    Traceback (most recent call last):
    mlsys.domain.errors.InvalidInput: 2 column name(s) cannot be used: column 2 has no name; ...

    """
    if not names:
        raise InvalidInput("the table has no columns")
    if len(names) > MAX_COLUMNS:
        raise TooLarge(f"a table has at most {MAX_COLUMNS} columns, got {len(names)}")
    problems = [f"column {at} has no name" for at, name in enumerate(names, 1) if not name.strip()]
    problems += [
        f"column {at} has a name of {len(name)} characters, more than {MAX_NAME}"
        for at, name in enumerate(names, 1)
        if len(name) > MAX_NAME
    ]
    problems += [
        f"{name[:MAX_NAME]!r} is the name of {count} columns"
        for name, count in Counter(names).items()
        if count > 1 and name.strip()
    ]
    if problems:
        raise InvalidInput(
            f"{len(problems)} column name(s) cannot be used: {'; '.join(problems[:5])}",
            tuple(Violation("header", problem) for problem in problems),
        )


def type_of(series: pl.Series) -> ColumnType:
    """Name the type of a column that `normal` or `parse` returned."""
    dtype = series.dtype
    if isinstance(dtype, pl.Datetime):
        return ColumnType.DATETIME
    if isinstance(dtype, pl.Decimal):
        return ColumnType.DECIMAL
    return {
        pl.Boolean(): ColumnType.BOOLEAN,
        pl.Int64(): ColumnType.INTEGER,
        pl.Float64(): ColumnType.FLOAT,
        pl.Date(): ColumnType.DATE,
    }.get(dtype, ColumnType.TEXT)


def normal(series: pl.Series, *, spilled: bool = False) -> pl.Series:
    """Bring a column of a typed file to one of our types, keeping every value.

    Narrow numbers become wide ones, times become UTC (those without a zone are taken as UTC),
    categories become text, NaN becomes missing. Integers beyond 64 bits become text, and times
    finer than microseconds keep their unit.

    Args:
        series: the column or a part of it.
        spilled: another part of the column has integers beyond 64 bits, or such times.

    Raises:
        InvalidInput: its cells are lists, records, bytes, durations or times of day.
    """
    dtype = series.dtype
    if dtype.is_integer():
        wide = series.cast(pl.Int64, strict=False)
        fits = wide.null_count() == series.null_count() and not spilled
        return wide if fits else series.cast(pl.String)
    if dtype.is_float():
        return series.cast(pl.Float64).fill_nan(None)
    if isinstance(dtype, pl.Datetime):
        zoned = series.dt.replace_time_zone("UTC") if dtype.time_zone is None else series
        exact = zoned.dt.convert_time_zone("UTC")
        return exact if spilled else _microseconds(exact)
    if isinstance(dtype, pl.Categorical | pl.Enum | pl.Null):
        return series.cast(pl.String)
    if isinstance(dtype, pl.String | pl.Boolean | pl.Date | pl.Decimal):
        return series
    raise InvalidInput(
        f"column {series.name!r} holds {dtype}: want numbers, text, booleans, dates or times; "
        "flatten it first"
    )


def parse(series: pl.Series, type: ColumnType, *, decimal: str = ".") -> pl.Series:
    """Turn a column into `type`; a cell that does not fit becomes missing.

    Args:
        series: text, or a column that `normal` returned.
        type: what it shall be; a time without an offset is taken as UTC.
        decimal: what stands before the decimals of a number in text: "." or ",".

    >>> parse(pl.Series("x", ["7", "8.0", "x", None]), ColumnType.INTEGER).to_list()
    [7, 8, None, None]

    """
    if type_of(series) == type:
        return series
    if type is ColumnType.TEXT:
        return series.cast(pl.String)
    if series.dtype.is_numeric() and type in _NUMBERS:
        number = series.cast(_NUMBERS[type], strict=False)
        back = number.cast(series.dtype, strict=False)
        return number.set(back.ne_missing(series), None)
    return read(present(series.cast(pl.String)), type, decimal=decimal)


def missing(series: pl.Series, type: ColumnType) -> pl.Series:
    """Say per cell whether it is missing when read as `type`: (n,) booleans."""
    if series.dtype == pl.String() and type is not ColumnType.TEXT:
        return present(series).is_null()
    return series.is_null()


def remarks(raw: pl.Series, typed: pl.Series) -> list[str]:
    """Say what reading a column of text as its type took for granted."""
    if raw.dtype != pl.String() or typed.dtype == pl.String():
        return []
    naive = type_of(typed) is ColumnType.DATETIME and lacks_offset(present(raw))
    return said(raw.name, missing_words(raw), naive=naive)


def said(name: str, words: Collection[str], *, naive: bool) -> list[str]:
    """Put into words that a column has `words` that count as missing, or times without a zone."""
    found = [f"column {name!r}: {', '.join(sorted(words))} read as missing"] if words else []
    zone = [f"column {name!r}: times without an offset are taken as UTC"] if naive else []
    return found + zone


def _microseconds(series: pl.Series) -> pl.Series:
    """Change the unit only where nothing is lost."""
    shorter = series.dt.cast_time_unit("us")
    return shorter if (shorter.cast(series.dtype) == series).all() else series


_NUMBERS = {ColumnType.INTEGER: pl.Int64(), ColumnType.FLOAT: pl.Float64()}
