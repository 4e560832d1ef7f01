"""Some rows of a frame, and what they keep in memory.

Polars can do both in parallel; column by column takes half the processor time.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

Flags = npt.NDArray[np.bool_]


def taken(frame: pl.DataFrame, *flags: Flags) -> list[pl.DataFrame]:
    """Return the rows that each of `flags`, (n,), marks in `frame`, (n, k)."""
    masks = [pl.Series(one) for one in flags]
    columns = [[column.filter(mask) for mask in masks] for column in frame.iter_columns()]
    return [pl.DataFrame(cells) for cells in zip(*columns, strict=True)]


def owned(frame: pl.DataFrame, *, mean_bytes: int = 0) -> pl.DataFrame:
    """Copy texts, (n, k), into memory of their own.

    A text that was taken from a frame is a view, and holds on to all texts of that frame.

    Args:
        frame: (n, k).
        mean_bytes: columns whose cells take less on average are left as they are.
    """
    return pl.DataFrame(
        [
            column + "" if _are_texts(column, mean_bytes) else column
            for column in frame.iter_columns()
        ]
    )


def _are_texts(cells: pl.Series, mean_bytes: int) -> bool:
    return cells.dtype == pl.String() and cells.estimated_size() >= mean_bytes * cells.len()
