"""`random` and `kfold`: exact sizes, drawn from the raw stream of PCG64, nothing kept per row."""

from collections import Counter

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.records import PARTS
from mlsys.domain.split_params import Ratios, SplitParams
from mlsys.domain.splitting import assigner
from mlsys.domain.strategies.draws import CHUNK_ROWS, Cuts, Draws, Ranks
from mlsys.domain.strategies.sizes import shares, sizes
from tests.domain.strategies.passes import CUTS, RATIOS, SEEDS, names_of, sizes_of, split


class CoarseDraws(Draws):
    """Draws one of eight ranks, so that most rows share theirs with others."""

    def ranks(self, place: int, count: int) -> Ranks:
        return super().ranks(place, count) >> np.uint64(61) << np.uint64(61)


def numbered(rows: int) -> pl.DataFrame:
    return pl.DataFrame({"x": range(rows)})


def drawn_in_memory(rows: int, params: SplitParams) -> list[int]:
    """Sort all rows by rank, as a table in memory could be."""
    codes = np.empty(rows, dtype=np.int8)
    order = np.argsort(np.random.PCG64(params.seed).random_raw(rows), kind="stable")
    codes[order] = np.repeat([0, 1, 2], list(sizes(rows, params).values()))
    return codes.tolist()


@given(st.integers(20, 400), RATIOS, SEEDS, CUTS)
def test_rows_go_where_sorting_them_all_would_put_them(
    rows: int, ratios: Ratios, seed: int, cuts: list[int]
) -> None:
    params = SplitParams(ratios=ratios, seed=seed)

    found = split(numbered(rows), cuts=cuts, ratios=ratios, seed=seed)

    assert sizes_of(found) == shares(rows, ratios.exact())
    assert found.codes.tolist() == drawn_in_memory(rows, params)


def test_a_long_table_is_drawn_chunk_by_chunk() -> None:
    rows = 2 * CHUNK_ROWS + 12_345
    params = SplitParams(seed=11, train_only=300_000)

    found = split(numbered(rows), cuts=[1, 100_000, 400_000], seed=11, train_only=300_000)

    assert found.codes.tolist() == drawn_in_memory(rows, params)


@given(SEEDS, st.integers(0, 50), st.lists(st.integers(1, 40), min_size=2, max_size=8))
def test_of_equal_ranks_the_earlier_row_comes_first(
    seed: int, origin: int, lengths: list[int]
) -> None:
    ends = np.cumsum(lengths).tolist()
    draws = CoarseDraws(seed)
    order = np.argsort(draws.ranks(origin, ends[-1]), kind="stable")
    wanted = np.empty(ends[-1], dtype=np.int64)
    wanted[order] = np.repeat(np.arange(len(lengths)), lengths)

    cuts = Cuts(draws, origin=origin, ends=ends)

    middle = ends[0]
    found = [*cuts.segments(0, middle), *cuts.segments(middle, ends[-1] - middle)]
    assert found == wanted.tolist()


@given(SEEDS, st.lists(st.tuples(st.integers(0, 300), st.integers(0, 50)), max_size=5))
def test_the_stream_is_read_from_any_place(seed: int, places: list[tuple[int, int]]) -> None:
    whole = np.random.PCG64(seed).random_raw(400)
    draws = Draws(seed)

    for place, count in places:
        assert draws.ranks(place, count).tolist() == whole[place : place + count].tolist()


def test_the_draw_of_the_first_release_still_holds() -> None:
    found = split(numbered(20), seed=7)

    assert "".join(part[1] for part in names_of(found)) == "rerrraraarrrrrrrerre"


def test_every_row_is_as_likely_to_be_tested() -> None:
    tested = Counter[int]()
    for seed in range(400):
        found = split(numbered(20), seed=seed)
        tested.update(np.flatnonzero(found.codes == PARTS.index("test")).tolist())

    assert sum(tested.values()) == 400 * 3
    assert all(25 <= tested[row] <= 100 for row in range(20))


@given(st.integers(40, 400), st.integers(2, 20), SEEDS, CUTS)
def test_folds_share_train_evenly_and_hold_out_the_same_rows(
    rows: int, folds: int, seed: int, cuts: list[int]
) -> None:
    held_out = split(numbered(rows), seed=seed)

    found = split(numbered(rows), cuts=cuts, strategy="kfold", n_splits=folds, seed=seed)

    assert found.folds is not None
    assert np.array_equal(found.codes, held_out.codes)
    in_fold = np.bincount(found.folds[found.codes == 0], minlength=folds)
    assert len(in_fold) == folds
    assert in_fold.max() - in_fold.min() <= 1


def test_folds_may_do_without_val() -> None:
    found = split(
        numbered(50), strategy="kfold", ratios=Ratios(train=0.8, val=0, test=0.2), n_splits=4
    )

    assert sizes_of(found) == {"train": 40, "val": 0, "test": 10}


def test_the_number_of_rows_is_all_that_folds_need() -> None:
    made = assigner(SplitParams(strategy="kfold"), names=["x"])

    assert made.needs == "rows"
    assert list(made.columns) == []
