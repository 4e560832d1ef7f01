"""Rows that keep no other rows in memory.

A text that Polars filtered or sliced is a view, and a view holds on to all texts of its block.
"""

import polars as pl


def owned(frame: pl.DataFrame, *, mean_bytes: int = 0) -> pl.DataFrame:
    """Copy the texts of a frame into memory of their own.

    Args:
        frame: (n, k).
        mean_bytes: columns whose cells take less on average are left as they are.
    """
    texts = [
        column.name
        for column in frame.iter_columns()
        if column.dtype == pl.String() and column.estimated_size() >= mean_bytes * column.len()
    ]
    return frame.with_columns(pl.col(texts) + "") if texts else frame
