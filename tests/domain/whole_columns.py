"""The type of a column that is there as a whole: what reading it block by block must come to."""

import polars as pl

from mlsys.domain.tables import GUESSES
from mlsys.domain.types.cells import fitted, present


def guess(series: pl.Series, *, decimal: str = ".") -> pl.Series:
    """Give a column of text the narrowest type that loses nothing; without one it stays text.

    "001", integers beyond 64 bits, and integers that a float cannot hold stay text. A number of
    more than 17 digits makes the column decimal. A missing word ("", NA, null, …) is missing in
    every type but text.

    >>> guess(pl.Series("x", ["1", None, "NA"])).to_list()
    [1, None, None]
    >>> guess(pl.Series("x", ["001", "2"])).to_list()
    ['001', '2']

    """
    text = present(series)
    if text.null_count() == text.len():
        return series
    for type in GUESSES:
        if (values := fitted(text, type, decimal=decimal)) is not None:
            return values
    return series
