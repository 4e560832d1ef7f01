"""Columns of text as files have them, with all that is nearly a number, a date or a time."""

from datetime import UTC, datetime

import polars as pl
from hypothesis import strategies as st

WORDS = ["", " ", "NA", " NA ", "N/A", "NaN", "nan", "null", "NULL", "None"]
INTEGERS = ["0", "1", "-1", "9", "10", "99", "100", "-10", " 7", "7 ", "1234567", "999999999999"]
LARGE = [
    str(sign * (2**power + more)) for power in (53, 63) for sign in (1, -1) for more in (-1, 0, 1)
]
LARGE += ["123456789012345678901234567890", "999999999999999999", "1000000000000000000"]
FLOATS = ["0.5", ".5", "5.", "-.5", "-0", "-0.0", "1e5", "1E-05", "1.5e+300", "0e5", "0e0", "1.0"]
FLOATS += ["0.1234567890123456", "-0.12345678901234567", "1.2345678901234567e-05", "0.00001"]
FLOATS += ["9007199254740993.0", "1e22", "0.10000000000000000000000", "1000000000000000000000.0"]
FLOATS += [".123456789012345678", ".12345678901234567", "12345678901234567e-3"]
DECIMALS = ["0.123456789012345678", "12345678901234567.89", "1234567890123456789012345.5"]
DECIMALS += [
    "0." + "1" * 38,
    "-1." + "2" * 37,
    "1234567890.12345678901234567890",
    "1.123456789012345678e2",
]
ODD = [
    "+1",
    "00",
    "007",
    "-00",
    "-01",
    "00.5",
    "-00.5",
    "+.5",
    "1_000",
    "0x10",
    "٣",
    "\uff11",
    "1e999",
]
ODD += ["-1e999", "inf", "-inf", "Infinity", "INF", "1e", "e5", ".", "-", "-.", "1.2.3", "1e5.5"]
ODD += ["+NaN", "-nan", "1\n", "\t1", "1,5", "1.234,5", "1,234", ",5", "5,", "yes", "a", "é", "1d5"]
BOOLEANS = ["true", "True", "TRUE", "false", "False", "FALSE", " true", "tRUE"]
DATES = ["2024-02-29", "2023-02-29", "2024-02-30", "1000-01-01", "9999-12-31", "0999-01-01"]
DATES += [
    "2024-1-05",
    "2024-01- 1",
    "+2024-1-01",
    "2024-00-10",
    "2024-13-01",
    "2024-01-00",
    "2024-01-32",
]
DATES += ["2024/01/01", "202-401-01", "1999-12-31 ", "2024-04-31", "٢024-01-1"]
TIMES = ["2024-01-01T00:00:00", "2024-01-01 23:59:59", "2024-01-01T24:00:00", "2024-01-01T00:60:00"]
TIMES += [
    "2024-01-01T00:00:60",
    "2024-01-01T00:00:00Z",
    "2024-12-31T23:59:59+02:00",
    "1000-01-01T00:00:00",
]
TIMES += ["2024-01-01T00:00:00+0200", "2024-01-01T00:00:00-23:59", "2024-01-01T00:00:00+24:00"]
TIMES += ["2024-01-01T00:00:00+01:60", "2024-01-01T00:00:00.5", "2024-01-01T00:00:00.123456"]
TIMES += [
    "2024-01-01T00:00:00.1234567",
    "2024-01-01T00:00:00.123Z",
    "2024-01-01T00:00:00.",
    "2024-01-01T00:00",
]
TIMES += ["2024-01-01T00:00:00.250+05:30", "2023-02-29T00:00:00", "2024-01-01x00:00:00"]
EVERY = [WORDS, INTEGERS, LARGE, FLOATS, DECIMALS, ODD, BOOLEANS, DATES, TIMES]
PRINTED = [
    st.integers(-(2**64), 2**64).map(str),
    st.floats(allow_nan=True, allow_infinity=True).map(repr),
    st.floats(-1, 1).map("{:.17g}".format),
    st.decimals(allow_nan=False, allow_infinity=False).map("{:f}".format),
    st.datetimes().map(str),
    st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    st.dates().map(str),
    st.text("+-0123456789.,eE ", max_size=25),
]


@st.composite
def written_columns(draw: st.DrawFn) -> list[str | None]:
    """Draw a column that is mostly of one kind, so that a quick way can be taken at all."""
    kinds = draw(st.lists(st.sampled_from(EVERY), min_size=1, max_size=2, unique_by=id))
    usual = st.sampled_from([cell for kind in kinds for cell in kind])
    likely = draw(
        st.sampled_from([usual, st.sampled_from(draw(st.lists(usual, min_size=1))), *PRINTED])
    )
    rare = st.none() | st.sampled_from([cell for kind in EVERY for cell in kind])
    cells = st.lists(st.one_of(likely, likely, likely, rare) if draw(st.booleans()) else likely)
    return draw(cells)


def text(*values: str | None) -> pl.Series:
    return pl.Series("x", values, dtype=pl.String)


def cells(column: pl.Series) -> tuple[pl.DataType, list[str]]:
    """Write a column down so that 0.0 and -0.0, 1 and 1.0 differ."""
    return column.dtype, [repr(cell) for cell in column.to_list()]
