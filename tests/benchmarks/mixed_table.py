"""A table of ordinary columns: numbers with gaps, categories, dates, a key and a binary target."""

from pathlib import Path

import numpy as np
import polars as pl

CHUNK_ROWS = 200_000


def write_mixed_csv(path: Path, *, size_mib: int) -> int:
    """Write at least so many MiB of CSV, the same at each call; return the number of rows."""
    rng = np.random.default_rng(0)
    rows = 0
    with path.open("wb") as file:
        while file.tell() < size_mib * 2**20:
            _chunk(rng, rows).write_csv(file, include_header=rows == 0)
            rows += CHUNK_ROWS
    return rows


def _chunk(rng: np.random.Generator, start: int) -> pl.DataFrame:
    n = CHUNK_ROWS
    columns = {"id": pl.Series(np.arange(start, start + n))}
    for k in range(6):
        columns[f"float_{k}"] = pl.Series(np.round(rng.normal(size=n), 6))
    columns["float_1"] = columns["float_1"].set(pl.Series(rng.random(n) < 0.05), None)
    for k in range(4):
        columns[f"integer_{k}"] = pl.Series(rng.integers(0, 10 ** (k + 1), n))
    for k in range(4):
        names = pl.Series([f"category_{i}" for i in range(5 * 3**k)])
        columns[f"text_{k}"] = names.gather(pl.Series(rng.integers(0, len(names), n)))
    days = np.datetime64("2024-01-01") + rng.integers(0, 700, n)
    columns["day"] = pl.Series(days.astype("datetime64[D]"))
    columns["target"] = pl.Series(rng.integers(0, 2, n))
    return pl.DataFrame(columns)
