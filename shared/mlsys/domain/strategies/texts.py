"""What a value is called, and a hash of it that anyone can compute: SHA-256 of its UTF-8 text."""

from collections.abc import Sequence
from hashlib import sha256

import numpy as np
import numpy.typing as npt
import polars as pl

HASH = "sha256/utf-8/unit-separated/first-8-bytes-big-endian"
SEPARATOR = "\x1f"
MISSING = "\x00"
EXACT_IN_FLOAT = 2**53
# Texts that stand there so often, on average, are hashed once each: that is faster then.
MANY_TIMES = 2

Hashes = npt.NDArray[np.uint64]


def texts(series: pl.Series) -> pl.Series:
    """Return each value as text, the same for the same value in any of our types.

    Text is itself; numbers are written without a fraction where they have none, else as briefly
    as they can be told apart; booleans are true and false; dates are 2026-11-01, times
    2026-11-01T12:00:00.000000Z. What is missing stays missing.

    >>> texts(pl.Series([7.0, 0.25, None])).to_list()
    ['7', '0.25', None]

    """
    dtype = series.dtype
    if isinstance(dtype, pl.Datetime):
        return series.dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
    if isinstance(dtype, pl.Date):
        return series.dt.strftime("%Y-%m-%d")
    if isinstance(dtype, pl.Decimal):
        written = series.cast(pl.String)
        return written.str.replace(r"^([^.]*)\.0*$", "$1").str.replace(r"(\..*[^0])0+$", "$1")
    if dtype.is_float():
        return _float_texts(series)
    return series.cast(pl.String)


def hash_rows(block: pl.DataFrame, columns: Sequence[str], *, prefix: str = "") -> Hashes:
    """Hash the texts of some columns of each row, joined by U+001F; a missing one is U+0000.

    Args:
        block: (n, k).
        columns: which, in this order.
        prefix: a text that comes before all others, as if it were a column of its own.

    Returns:
        (n,) the first 8 bytes of the SHA-256 of each, as a number.

    >>> hash_rows(pl.DataFrame({"id": [7]}), ["id"]).tolist()
    [8719647946811673230]

    """
    parts = [
        texts(block[name]).fill_null(MISSING).alias(str(at)) for at, name in enumerate(columns)
    ]
    before = [pl.lit(prefix)] if prefix else []
    joined = pl.DataFrame(parts).select(
        pl.concat_str([*before, pl.all()], separator=SEPARATOR).alias("text")
    )
    found = joined["text"]
    if found.n_unique() * MANY_TIMES > found.len():
        return _hashed(found)
    distinct = joined.unique()
    hashes = distinct.with_columns(pl.Series("hash", _hashed(distinct["text"])))
    return joined.join(hashes, on="text", how="left", maintain_order="left")["hash"].to_numpy()


def _float_texts(series: pl.Series) -> pl.Series:
    """Write whole numbers as integers are; others as Python does, the shortest that is exact."""
    whole = (series == series.round()) & (series.abs() < EXACT_IN_FLOAT)
    written = series.set(~whole, None).cast(pl.Int64).cast(pl.String)
    broken = series.filter(~whole).unique()
    named = pl.Series([repr(value) for value in broken.to_list()], dtype=pl.String)
    return written.fill_null(
        series.replace_strict(broken, named, default=None, return_dtype=pl.String)
    )


def _hashed(found: pl.Series) -> Hashes:
    digests = b"".join([sha256(text).digest() for text in found.cast(pl.Binary).to_list()])
    return np.frombuffer(digests, dtype=">u8")[::4].astype(np.uint64)
