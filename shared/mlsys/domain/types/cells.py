"""How a cell of text becomes a value: which texts are numbers, dates, times or nothing at all."""

import polars as pl

from mlsys.domain.split_records import ColumnType

MISSING_WORDS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")
EXACT_IN_FLOAT = 2**53
DECIMAL_DIGITS = 38

INTEGER = r"^(?:0|-?[1-9][0-9]*)$"
WHOLE = r"^(?:0|-?[1-9][0-9]*)(?:\.0*)?$"
FLOAT = r"^-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
LONG = r"^-?[0.]*[1-9]\.?(?:[0-9]\.?){16,}[1-9]"
"""More than the 17 digits that a float is ever printed with, zeros at the ends not counted."""
DECIMAL = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]{1,38})?$"
DATE = r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}$"
OFFSET = r"(?:Z|[+-][0-9]{2}:?[0-9]{2})$"
DATETIME = (
    r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]{1,6})?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?$"
)
BOOLEANS = {"true": True, "True": True, "TRUE": True}
BOOLEANS |= {"false": False, "False": False, "FALSE": False}

NUMBERS = frozenset({ColumnType.INTEGER, ColumnType.FLOAT, ColumnType.DECIMAL})


def present(series: pl.Series) -> pl.Series:
    """Return text without spaces around it, and without the words that mean nothing is there."""
    stripped = series.str.strip_chars(" ")
    return stripped.set(stripped.is_in(MISSING_WORDS), None)


def missing_words(series: pl.Series) -> list[str]:
    """Name the words in a column of text that are read as missing, but for the empty one."""
    words = series.drop_nulls().str.strip_chars(" ")
    return words.filter(words.is_in(MISSING_WORDS) & (words != "")).unique().sort().to_list()


def lacks_offset(text: pl.Series) -> bool:
    """Whether a time is written without saying of which zone it is; text as of `present`."""
    return not text.drop_nulls().str.contains(OFFSET).all()


def pointed(series: pl.Series) -> pl.Series:
    """Write 1234,5 as 1234.5, and 1.234, whose point is no decimal one, as what is no number."""
    return series.str.replace_many([".", ","], [",", "."])


def read(
    series: pl.Series, type: ColumnType, *, decimal: str = ".", decimals: int = 0
) -> pl.Series:
    """Read each cell of text by itself; one that does not fit becomes missing.

    Args:
        series: text that `present` returned.
        type: any but text.
        decimal: what stands before the decimals of a number: "." or ",".
        decimals: how many a DECIMAL has at least; it gets as many as any of its cells.

    """
    if type in NUMBERS and decimal == ",":
        series = pointed(series)
    if type is ColumnType.DECIMAL:
        return _decimal(series, decimals)
    return _READERS[type](series)


def fitted(
    series: pl.Series, type: ColumnType, *, decimal: str = ".", decimals: int = 0
) -> pl.Series | None:
    """Read text as `type` if every cell fits it and loses nothing, else return None.

    "8.0" is no integer, a float holds no integer from 2^53 on and no more than 17 digits, and a
    column with integers from 2^53 on is not made of decimals either: they are keys.
    """
    known = series.drop_nulls()
    if read(known.head(100), type, decimal=decimal).null_count():
        return None
    values = read(series, type, decimal=decimal, decimals=decimals)
    if values.null_count() > series.null_count():
        return None
    if type in NUMBERS and not _exact(pointed(known) if decimal == "," else known, type):
        return None
    return values


def _exact(known: pl.Series, type: ColumnType) -> bool:
    whole = known.str.contains(INTEGER)
    if type is ColumnType.INTEGER:
        return bool(whole.all())
    if type is ColumnType.FLOAT and known.str.contains(LONG).any():
        return False
    return bool((known.filter(whole).cast(pl.Float64).abs() < EXACT_IN_FLOAT).all())


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


def _decimal(series: pl.Series, decimals: int) -> pl.Series:
    digits = _matching(series, DECIMAL)
    longest = digits.str.extract(r"\.([0-9]+)$").str.len_bytes().max()
    scale = max(decimals, longest if isinstance(longest, int) else 0)
    return digits.cast(pl.Decimal(DECIMAL_DIGITS, scale), strict=False)


def _date(series: pl.Series) -> pl.Series:
    return _matching(series, DATE).str.to_date("%Y-%m-%d", strict=False)


def _datetime(series: pl.Series) -> pl.Series:
    moment = _matching(series, DATETIME).str.replace(" ", "T")
    zoned = moment.set(~moment.str.contains(OFFSET), None)
    whole = zoned.fill_null(moment + "Z")
    return whole.str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f%#z", time_unit="us", time_zone="UTC", strict=False
    )


_READERS = {
    ColumnType.BOOLEAN: _boolean,
    ColumnType.INTEGER: _integer,
    ColumnType.FLOAT: _float,
    ColumnType.DATE: _date,
    ColumnType.DATETIME: _datetime,
}
