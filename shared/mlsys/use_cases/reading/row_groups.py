"""How many rows a Parquet file holds at a time, so that what reads or writes it needs little."""

import polars as pl

ROW_GROUP_ROWS = 131_072
MIN_ROW_GROUP_ROWS = 64
ROW_GROUP_BYTES = 2**26
LONG_CELL_BYTES = 2**10
LONG_ROW_GROUP_BYTES = 2**24
"""Of rows whose cells are longer than that on average; that makes their files 2 % larger."""
TEXT_BYTES = 16
"""What a text takes besides its letters, even where it is missing; Polars does not count that."""


def row_group_rows(block: pl.DataFrame, so_far: int | None = None) -> int:
    """Say how many rows make a row group of at most about 64 MiB, if all are like these.

    Of long texts it is at most about 16 MiB.

    A writer keeps one row group in memory. What was said of earlier blocks, `so_far`, stays unless
    row groups of these rows would be more than twice as large as they should be.

    >>> row_group_rows(pl.DataFrame({"x": range(1_000)}))
    131072
    >>> row_group_rows(pl.DataFrame({"x": ["many words " * 200] * 1_000}), so_far=131072)
    4096

    """
    texts = sum(dtype == pl.String for dtype in block.dtypes)
    row_bytes = TEXT_BYTES * texts + block.estimated_size() / max(block.height, 1)
    if so_far is not None and so_far * row_bytes <= 2 * ROW_GROUP_BYTES:
        return so_far
    long = row_bytes > LONG_CELL_BYTES * max(block.width, 1)
    at_most = LONG_ROW_GROUP_BYTES if long else ROW_GROUP_BYTES
    rows = so_far or ROW_GROUP_ROWS
    while rows > MIN_ROW_GROUP_ROWS and rows * row_bytes > at_most:
        rows //= 2
    return rows
