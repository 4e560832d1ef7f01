"""Rows taken column by column are those that Polars takes, and hold on to no others."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.taken_rows import owned, taken
from tests.domain.parting import said

ROWS = st.lists(
    st.tuples(
        st.none() | st.text(max_size=20), st.none() | st.integers(-9, 9), st.none() | st.booleans()
    )
)
SCHEMA = {"text": pl.String, "number": pl.Int64, "flag": pl.Boolean}


@given(st.lists(ROWS, min_size=1, max_size=3), st.integers(0, 2**32), st.integers(0, 30))
def test_rows_are_taken_and_copied_as_they_are(
    blocks: list[list[tuple[object, ...]]], seed: int, mean_bytes: int
) -> None:
    frame = pl.concat(pl.DataFrame(rows, SCHEMA, orient="row") for rows in blocks)
    flags = [np.random.default_rng(seed + part).random(frame.height) < 0.5 for part in range(3)]

    views = taken(frame, *flags)

    for view, one in zip(views, flags, strict=True):
        assert view.equals(frame.filter(pl.Series(one, dtype=pl.Boolean)))
        assert owned(view, mean_bytes=mean_bytes).equals(view)
        assert view.schema == owned(view, mean_bytes=mean_bytes).schema == frame.schema


HOLDING = """
import resource, sys
from pathlib import Path
import numpy as np
import polars as pl
from mlsys.domain.taken_rows import owned, taken

def mib():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20

kept, before = [], mib()
for number in range(30):
    block = pl.select(text=pl.int_range(80_000).cast(pl.String).str.pad_start(100, "x"))
    [few] = taken(block, np.arange(block.height) % 1_000 == 0)
    kept.append(owned(few, mean_bytes=int(sys.argv[1])))
print(mib() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_long_texts_hold_on_to_no_block() -> None:
    copied, views = (float(said(HOLDING, one)) for one in ("64", "200"))

    assert copied < 80
    assert views > 160
