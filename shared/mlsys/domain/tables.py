"""What a table is: its column types, and how text becomes values without losing any."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import polars as pl

from mlsys.domain.contract import MAX_NAME
from mlsys.domain.errors import InvalidInput, TooLarge, Violation
from mlsys.domain.messages import MAX_COLUMNS
from mlsys.domain.records import ColumnType

MISSING_WORDS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")
EXACT_IN_FLOAT = 2**53
DECIMAL_DIGITS = 38

INTEGER = r"^(?:0|-?[1-9][0-9]*)$"
WHOLE = r"^(?:0|-?[1-9][0-9]*)(?:\.0*)?$"
FLOAT = r"^-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
DECIMAL = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]{1,38})?$"
DATE = r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}$"
OFFSET = r"(?:Z|[+-][0-9]{2}:?[0-9]{2})$"
DATETIME = (
    r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]{1,6})?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?$"
)
BOOLEANS = {"true": True, "True": True, "TRUE": True}
BOOLEANS |= {"false": False, "False": False, "FALSE": False}

GUESSES = (
    ColumnType.BOOLEAN,
    ColumnType.INTEGER,
    ColumnType.FLOAT,
    ColumnType.DATE,
    ColumnType.DATETIME,
)


@dataclass(frozen=True)
class RawTable:
    """A table as its file has it.

    Attributes:
        frame: (n, k).
        first_row: what a person calls the first row: 2 below the header of a CSV, else 1.
        untyped: names of the text columns whose type is still to be told from the values.
    """

    frame: pl.DataFrame
    first_row: int = 1
    untyped: Collection[str] = ()


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
    """Name the type of a column that `normal`, `guess` or `parse` returned."""
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


def normal(series: pl.Series) -> pl.Series:
    """Bring a column of a typed file to one of our types, keeping every value.

    Narrow numbers become wide ones, times become UTC (those without a zone are taken as UTC),
    categories become text, NaN becomes missing. Integers beyond 64 bits become text.

    Raises:
        InvalidInput: its cells are lists, records, bytes, durations or times of day.
    """
    dtype = series.dtype
    if dtype.is_integer():
        wide = series.cast(pl.Int64, strict=False)
        return wide if wide.null_count() == series.null_count() else series.cast(pl.String)
    if dtype.is_float():
        return series.cast(pl.Float64).fill_nan(None)
    if isinstance(dtype, pl.Datetime):
        zoned = series.dt.replace_time_zone("UTC") if dtype.time_zone is None else series
        return _microseconds(zoned.dt.convert_time_zone("UTC"))
    if isinstance(dtype, pl.Categorical | pl.Enum | pl.Null):
        return series.cast(pl.String)
    if isinstance(dtype, pl.String | pl.Boolean | pl.Date | pl.Decimal):
        return series
    raise InvalidInput(
        f"column {series.name!r} holds {dtype}: want numbers, text, booleans, dates or times; "
        "flatten it first"
    )


def guess(series: pl.Series) -> pl.Series:
    """Give a column of text the narrowest type that loses nothing; without one it stays text.

    "001", integers beyond 64 bits, and integers that a float cannot hold stay text. A missing
    word ("", NA, null, …) is missing in every type but text.

    >>> guess(pl.Series("x", ["1", None, "NA"])).to_list()
    [1, None, None]
    >>> guess(pl.Series("x", ["001", "2"])).to_list()
    ['001', '2']

    """
    present = _present(series)
    known = present.drop_nulls()
    if known.is_empty():
        return series
    for type in GUESSES:
        if parse(known.head(100), type).null_count():
            continue
        parsed = parse(present, type)
        if parsed.null_count() == present.null_count() and _exact(known, type):
            return parsed
    return series


def parse(series: pl.Series, type: ColumnType) -> pl.Series:
    """Turn a column into `type`; a cell that does not fit becomes missing.

    Args:
        series: text, or a column that `normal` returned.
        type: what it shall be; a time without an offset is taken as UTC.

    >>> parse(pl.Series("x", ["7", "8.0", "x", None]), ColumnType.INTEGER).to_list()
    [7, 8, None, None]

    """
    if type_of(series) == type:
        return series
    if type is ColumnType.TEXT:
        return series.cast(pl.String)
    if series.dtype.is_numeric() and type in _NUMBERS:
        number = series.cast(_NUMBERS[type], strict=False)
        return number.set(number.cast(series.dtype, strict=False) != series, None)
    return _PARSERS[type](_present(series.cast(pl.String)))


def missing(series: pl.Series, type: ColumnType) -> pl.Series:
    """Say per cell whether it is missing when read as `type`: (n,) booleans."""
    if series.dtype == pl.String() and type is not ColumnType.TEXT:
        return _present(series).is_null()
    return series.is_null()


def remarks(raw: pl.Series, typed: pl.Series) -> list[str]:
    """Say what reading a column of text as its type took for granted."""
    if raw.dtype != pl.String() or typed.dtype == pl.String():
        return []
    words = raw.drop_nulls().str.strip_chars(" ")
    found = words.filter(words.is_in(MISSING_WORDS) & (words != "")).unique().sort().to_list()
    said = [f"column {raw.name!r}: {', '.join(found)} read as missing"] if found else []
    if type_of(typed) is ColumnType.DATETIME:
        present = _present(raw).drop_nulls()
        if not present.str.contains(OFFSET).all():
            said.append(f"column {raw.name!r}: times without an offset are taken as UTC")
    return said


def _microseconds(series: pl.Series) -> pl.Series:
    """Shorten nanoseconds only where nothing is lost."""
    shorter = series.dt.cast_time_unit("us")
    return shorter if (shorter.dt.cast_time_unit("ns") == series).all() else series


def _exact(known: pl.Series, type: ColumnType) -> bool:
    """Whether "8.0" is not taken for an integer, nor an integer for a float that cannot hold it."""
    whole = known.str.contains(INTEGER)
    if type is ColumnType.INTEGER:
        return bool(whole.all())
    if type is ColumnType.FLOAT:
        return bool((known.filter(whole).cast(pl.Float64).abs() < EXACT_IN_FLOAT).all())
    return True


def _present(series: pl.Series) -> pl.Series:
    """Return text without spaces around it, and without the words that mean nothing is there."""
    stripped = series.str.strip_chars(" ")
    return stripped.set(stripped.is_in(MISSING_WORDS), None)


def _matching(series: pl.Series, pattern: str) -> pl.Series:
    return series.set(~series.str.contains(pattern), None)


def _boolean(series: pl.Series) -> pl.Series:
    return series.replace_strict(BOOLEANS, default=None, return_dtype=pl.Boolean)


def _integer(series: pl.Series) -> pl.Series:
    digits = _matching(series, WHOLE).str.replace(r"\.0*$", "")
    return digits.cast(pl.Int64, strict=False)


def _float(series: pl.Series) -> pl.Series:
    number = _matching(series, FLOAT).cast(pl.Float64, strict=False)
    return number.set(number.is_infinite(), None)


def _decimal(series: pl.Series) -> pl.Series:
    digits = _matching(series, DECIMAL)
    scale = digits.str.extract(r"\.([0-9]+)$").str.len_bytes().max()
    places = scale if isinstance(scale, int) else 0
    return digits.cast(pl.Decimal(DECIMAL_DIGITS, places), strict=False)


def _date(series: pl.Series) -> pl.Series:
    return _matching(series, DATE).str.to_date("%Y-%m-%d", strict=False)


def _datetime(series: pl.Series) -> pl.Series:
    moment = _matching(series, DATETIME).str.replace(" ", "T")
    zoned = moment.set(~moment.str.contains(OFFSET), None)
    whole = zoned.fill_null(moment + "Z")
    return whole.str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f%#z", time_unit="us", time_zone="UTC", strict=False
    )


_NUMBERS = {ColumnType.INTEGER: pl.Int64(), ColumnType.FLOAT: pl.Float64()}
_PARSERS = {
    ColumnType.BOOLEAN: _boolean,
    ColumnType.INTEGER: _integer,
    ColumnType.FLOAT: _float,
    ColumnType.DECIMAL: _decimal,
    ColumnType.DATE: _date,
    ColumnType.DATETIME: _datetime,
}
