"""What holds for every strategy, however the table comes in blocks."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, get_args

import numpy as np
import polars as pl
import pytest
from hypothesis import given

from mlsys.domain.errors import InvalidInput
from mlsys.domain.records import PARTS
from mlsys.domain.split_params import FOLDED, SplitParams, Strategy
from mlsys.domain.splitting import STRATEGIES, Assigner, assigner
from mlsys.domain.strategies.base import Numbers
from tests.domain.strategies.passes import (
    COLUMNS,
    CUTS,
    assigned,
    blocks,
    names_of,
    settled,
    sizes_of,
    split,
)

ROWS = 300
TABLE = pl.DataFrame(
    {
        "y": [("a", "b", "b")[n % 3] for n in range(ROWS)],
        "g": [n * n % 37 for n in range(ROWS)],
        "t": [date(2026, 1, 1) + timedelta(days=n * 7 % 101) for n in range(ROWS)],
        "k": [f"key {n}" for n in range(ROWS)],
        "p": [PARTS[n % 7 % 3] for n in range(ROWS)],
    }
)
WISHES: dict[str, dict[str, Any]] = {
    strategy: {"strategy": strategy} | ({"split_column": "p"} if strategy == "predefined" else {})
    for strategy in STRATEGIES
}

each_strategy = pytest.mark.parametrize("wish", WISHES.values(), ids=WISHES)


def test_every_strategy_that_may_be_asked_for_is_there() -> None:
    assert set(STRATEGIES) == set(get_args(Strategy))


@each_strategy
@given(cuts=CUTS, other_cuts=CUTS)
def test_blocks_make_no_difference(
    wish: dict[str, Any], cuts: list[int], other_cuts: list[int]
) -> None:
    whole = split(TABLE, **wish)

    in_blocks = assigned(settled(TABLE, cuts=cuts, **wish), TABLE, other_cuts)

    assert np.array_equal(in_blocks.codes, whole.codes)
    assert (in_blocks.folds is None) == (whole.folds is None)
    if whole.folds is not None and in_blocks.folds is not None:
        assert np.array_equal(in_blocks.folds, whole.folds)


@each_strategy
def test_a_pass_that_begins_anew_forgets_the_one_before(wish: dict[str, Any]) -> None:
    whole = split(TABLE, **wish)
    made = settled(pl.concat([TABLE[:100], TABLE[:100]]), cuts=[100], **wish)

    for start, block in blocks(TABLE, [150]):
        made.survey(block, start)
    made.settle(TABLE.height)
    made.assign(TABLE[:150], 0)

    assert np.array_equal(assigned(made, TABLE, [50]).codes, whole.codes)


@each_strategy
def test_other_columns_and_their_order_make_no_difference(wish: dict[str, Any]) -> None:
    wider = TABLE.with_columns(other=pl.lit(1)).select("other", *reversed(TABLE.columns))

    assert np.array_equal(split(wider, **wish).codes, split(TABLE, **wish).codes)


@each_strategy
def test_each_row_is_in_one_part_and_only_rows_of_train_are_in_folds(wish: dict[str, Any]) -> None:
    found = split(TABLE, **wish)

    assert found.codes.dtype == np.int8
    assert sum(sizes_of(found).values()) == ROWS
    assert min(sizes_of(found).values()) > 0
    assert (found.folds is not None) == (wish["strategy"] in FOLDED)
    if found.folds is not None:
        assert set(found.folds[found.codes == 0].tolist()) == {0, 1, 2, 3, 4}
        assert set(found.folds[found.codes != 0].tolist()) == {-1}


def test_parts_never_change_from_release_to_release() -> None:
    second = {
        name: "".join(part[1] for part in names_of(split(TABLE[:40], **wish)))
        for name, wish in WISHES.items()
    }

    assert second == {
        "random": "rrrraerareararararrrrrrrrreerrrrrrrrreer",
        "stratified": "rrarerrrrrrerarerrrarrerrerrrrarrrraerra",
        "group": "rarrrrerrrerrearrrrrrrraerrerrrerrrrarar",
        "time": "rrrrrrrrrraaeeerrrrrrrrraaeeerrrrrrrrraa",
        "hash": "rrrrrrararrrrarrrrrrrrrrarerrrrrrrrrrere",
        "predefined": "raeraerraeraerraeraerraeraerraeraerraera",
        "kfold": "rrrraerareararararrrrrrrrreerrrrrrrrreer",
        "stratified_kfold": "rrarerrrrrrerarerrrarrerrerrrrarrrraerra",
        "group_kfold": "rarrrrerrrerrearrrrrrrraerrerrrerrrrarar",
    }


@each_strategy
def test_the_seed_matters_where_something_is_drawn(wish: dict[str, Any]) -> None:
    one, two = (split(TABLE, seed=seed, **wish) for seed in (1, 2))

    drawn = wish["strategy"] not in {"time", "hash", "predefined"}
    assert (not np.array_equal(one.codes, two.codes)) == drawn


@each_strategy
def test_what_was_settled_is_told_as_json(wish: dict[str, Any]) -> None:
    told = settled(TABLE, **wish).describe()

    assert told
    assert json.loads(json.dumps(told, allow_nan=False)) == told


@each_strategy
def test_a_table_without_rows_is_refused(wish: dict[str, Any]) -> None:
    empty = TABLE.clear()

    with pytest.raises(InvalidInput, match=r"too few|no row"):
        assigned(settled(empty, **wish), empty)


@pytest.mark.parametrize(
    ("strategy", "column"),
    [("stratified", "y"), ("group_kfold", "g"), ("time", "t"), ("hash", "k"), ("predefined", "p")],
)
def test_a_column_that_is_not_there_is_named(strategy: str, column: str) -> None:
    names = [name for name in TABLE.columns if name != column]

    with pytest.raises(InvalidInput, match=f"no column '{column}'") as caught:
        assigner(SplitParams(**WISHES[strategy]), names=names, **COLUMNS)

    assert [one.field for one in caught.value.violations] == [column]


@pytest.mark.parametrize(
    ("strategy", "wanted"),
    [
        ("stratified", "a target"),
        ("stratified_kfold", "a target"),
        ("group", "a group column"),
        ("group_kfold", "a group column"),
        ("time", "a time column"),
        ("hash", "key columns"),
    ],
)
def test_a_column_that_was_not_named_is_asked_for(strategy: str, wanted: str) -> None:
    with pytest.raises(InvalidInput, match=f"{strategy} needs {wanted}"):
        assigner(SplitParams(**WISHES[strategy]), names=TABLE.columns)


@pytest.mark.parametrize("strategy", sorted(FOLDED))
def test_a_column_of_folds_is_not_written_over(strategy: str) -> None:
    with pytest.raises(InvalidInput, match="the table has one"):
        assigner(SplitParams(**WISHES[strategy]), names=[*TABLE.columns, "fold"], **COLUMNS)


@pytest.mark.parametrize(
    ("strategy", "column"),
    [("stratified", "y"), ("group", "g"), ("time", "t"), ("hash", "k"), ("predefined", "p")],
)
def test_rows_that_lack_what_is_needed_are_named_over_all_blocks(
    strategy: str, column: str
) -> None:
    gone = pl.int_range(pl.len()).is_in([3, 250])
    table = TABLE.with_columns(pl.when(~gone).then(pl.col(column)))
    made = assigner(SplitParams(**WISHES[strategy]), names=table.columns, first_row=2, **COLUMNS)

    with pytest.raises(InvalidInput, match=f"2 row.s. of '{column}'.* row 5, 252$") as caught:
        pass_over(made, table, cuts=[100, 200])

    said = [one.description for one in caught.value.violations]
    assert said == ["row 5: nothing is there", "row 252: nothing is there"]


@pytest.mark.parametrize("strategy", ["stratified", "group", "time", "hash", "predefined"])
def test_rows_are_called_by_their_numbers_where_some_were_left_out(strategy: str) -> None:
    table = pl.DataFrame({name: [None] * 7 for name in TABLE.columns}, schema=TABLE.schema)
    made = assigner(SplitParams(**WISHES[strategy]), names=table.columns, **COLUMNS)

    with pytest.raises(InvalidInput, match=r"7 row.*: row 0, 10, 20, 30, 40, …"):
        pass_over(made, table, numbers=np.arange(7) * 10)


def pass_over(
    made: Assigner, table: pl.DataFrame, *, cuts: Sequence[int] = (), numbers: Numbers | None = None
) -> None:
    if made.needs == "columns":
        for start, block in blocks(table, cuts):
            made.survey(block, start, numbers)
        made.settle(table.height)
    for start, block in blocks(table, cuts):
        made.assign(block, start, numbers)
    made.finish()
