"""`random` without sizes in rows: one pass, and every window has its exact share."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.errors import InvalidInput
from mlsys.domain.split_params import Ratios, SplitParams
from mlsys.domain.splitting import assigner
from mlsys.domain.strategies import windows
from mlsys.domain.strategies.draws import Draws, Ranks
from tests.domain.strategies.passes import CUTS, RATIOS, SEEDS, sizes_of, split

WINDOW = 16


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "WINDOW_ROWS", WINDOW)
    monkeypatch.setattr(windows.WindowedRows, "step", WINDOW)


def numbered(rows: int) -> pl.DataFrame:
    return pl.DataFrame({"x": range(rows)})


def test_one_pass_is_enough() -> None:
    made = assigner(SplitParams(), names=["x"])

    assert made.needs == "nothing"
    assert list(made.columns) == []


@pytest.mark.usefixtures("small_windows")
@given(st.integers(WINDOW, 400), RATIOS, SEEDS, CUTS)
def test_each_part_is_within_a_row_of_its_share_and_each_window_within_two(
    rows: int, ratios: Ratios, seed: int, cuts: list[int]
) -> None:
    found = split(numbered(rows), cuts=cuts, ratios=ratios, seed=seed)

    exact = ratios.exact()
    for part, share in exact.items():
        assert abs(sizes_of(found)[part] - rows * share) < 1
    for start in range(0, rows - WINDOW, WINDOW):
        train = int((found.codes[start : start + WINDOW] == 0).sum())
        assert abs(train - WINDOW * exact["train"]) < 2


@pytest.mark.usefixtures("small_windows")
@given(st.integers(WINDOW, 200), SEEDS, CUTS)
def test_the_blocks_make_no_difference(rows: int, seed: int, cuts: list[int]) -> None:
    found = split(numbered(rows), cuts=cuts, seed=seed)

    assert found.codes.tolist() == split(numbered(rows), seed=seed).codes.tolist()


@pytest.mark.usefixtures("small_windows")
def test_every_row_is_as_likely_as_any_other_to_be_tested() -> None:
    rows, draws = 3 * WINDOW, 600

    tested = np.zeros(rows)
    for seed in range(draws):
        tested += split(numbered(rows), seed=seed).codes == 2

    spread = np.sqrt(0.15 * 0.85 / draws)
    assert np.abs(tested / draws - 0.15).max() < 5 * spread


def test_of_equal_ranks_the_earlier_row_is_train(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_the_same(_: Draws, _place: int, count: int) -> Ranks:
        return np.full(count, 7, np.uint64)

    monkeypatch.setattr(Draws, "ranks", all_the_same)

    assert split(numbered(20)).codes.tolist() == [0] * 14 + [1] * 3 + [2] * 3


def test_a_long_table_has_the_shares_of_a_short_one() -> None:
    found = split(numbered(200_000), seed=3)

    assert sizes_of(found) == {"train": 140_000, "val": 30_000, "test": 30_000}


@pytest.mark.parametrize("rows", [1, 2])
def test_too_few_rows_are_refused(rows: int) -> None:
    with pytest.raises(InvalidInput, match=f"{rows} row.s. are too few"):
        split(numbered(rows))


@pytest.mark.usefixtures("small_windows")
def test_a_part_that_would_get_no_row_of_many_is_refused() -> None:
    ratios = Ratios(train=0.989, val=0.01, test=0.001)

    with pytest.raises(InvalidInput, match=r"100 row.s. are too few: .* test 0"):
        split(numbered(100), ratios=ratios)
