"""A sample of rows is uniform, the same for any blocks, and small."""

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsys.domain.profiling.row_samples import RowSample, ranks_of
from tests.domain.parting import said


def test_a_sample_is_uniform() -> None:
    drawings, size, rows = 300, 40, 400
    times = np.zeros(rows)

    for seed in range(drawings):
        kept = sampled(rows, size, seed=seed, block=70)
        times[kept] += 1

    expected = drawings * size / rows
    chi_square = float(((times - expected) ** 2 / expected).sum()) / (1 - size / rows)
    assert times.sum() == drawings * size
    assert abs(chi_square - (rows - 1)) < 5 * math.sqrt(2 * rows)


@settings(max_examples=30)
@given(st.integers(1, 300), st.integers(1, 40), st.integers(1, 60))
def test_a_sample_is_the_rows_of_least_rank(rows: int, size: int, block: int) -> None:
    kept = sampled(rows, size, seed=3, block=block)

    ranks = ranks_of(0, rows, seed=3)
    assert kept == sorted(np.argsort(ranks)[:size].tolist())


def sampled(rows: int, size: int, *, seed: int, block: int) -> list[int]:
    sample = RowSample(size)
    for start in range(0, rows, block):
        numbers = np.arange(start, min(start + block, rows))
        frame = pl.DataFrame({"row": numbers, "text": [f"{n}" * 30 for n in numbers.tolist()]})
        ranks = ranks_of(start, len(numbers), seed=seed)
        sample.look(frame, ranks, numbers.astype(np.uint64))
    frame, hashes = sample.rows()
    assert frame["row"].to_list() == hashes.tolist()
    assert [text[:1] for text in frame["text"]] == [str(row)[:1] for row in hashes.tolist()]
    assert frame["text"].n_unique() == frame.height
    return list(frame["row"])


def test_the_ranks_of_rows_never_change() -> None:
    assert ranks_of(1_000_000, 2, seed=0).tolist() == [8488130761252197584, 17492807707471650955]


HOLDING = """
import resource, sys
from pathlib import Path
import polars as pl
from mlsys.domain.profiling.row_samples import RowSample, ranks_of

def mib():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20

sample, views, before = RowSample(10), [], mib()
for number in range(30):
    block = pl.select(text=pl.int_range(80_000).cast(pl.String).str.pad_start(100, "x"))
    ranks = ranks_of(number * block.height, block.height, seed=0)
    if sys.argv[1] == "sample":
        sample.look(block, ranks, ranks)
    else:
        views.append(block[[7]])
print(mib() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_a_sample_holds_on_to_no_block() -> None:
    by_sample, by_views = (float(said(HOLDING, one)) for one in ("sample", "views"))

    assert by_sample < 80
    assert by_views > 160
