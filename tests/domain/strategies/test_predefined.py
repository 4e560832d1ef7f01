"""`predefined`: a column of the table says where each row goes."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.domain.errors import InvalidInput
from mlsys.domain.split_params import SplitParams
from mlsys.domain.splitting import assigner
from mlsys.domain.strategies.base import MAX_ROWS_NAMED
from tests.domain.strategies.passes import CUTS, names_of, split

WISH: dict[str, Any] = {"strategy": "predefined", "split_column": "p"}
NAMES = {
    "train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "Test": "test",
    "TRAIN": "train",
}


@given(st.lists(st.sampled_from(sorted(NAMES)), max_size=60), CUTS)
def test_rows_go_where_the_column_says(names: list[str], cuts: list[int]) -> None:
    said = ["train", "dev", "test", *names]

    found = split(pl.DataFrame({"p": said}), cuts=cuts, **WISH)

    assert names_of(found) == [NAMES[name] for name in said]


def test_other_names_are_refused_with_their_rows_over_all_blocks() -> None:
    said = ["train", "val", "test", "holdout", "train", None, " test"]

    with pytest.raises(
        InvalidInput, match=r"predefined knows train.*3 row.*row 4, 6, 7$"
    ) as caught:
        split(pl.DataFrame({"p": said}), cuts=[5], **WISH)

    assert [one.description for one in caught.value.violations] == [
        "row 4: got 'holdout'",
        "row 6: nothing is there",
        "row 7: got ' test'",
    ]


def test_of_many_other_names_the_first_are_told() -> None:
    with pytest.raises(InvalidInput, match=r"and 300 row.*row 1, 2, 3, 4, 5, …$") as caught:
        split(pl.DataFrame({"p": ["x" * 500] * 300}), cuts=[50, 120], **WISH)

    violations = caught.value.violations
    assert len(violations) == MAX_ROWS_NAMED
    assert violations[-1].description == f"row {MAX_ROWS_NAMED}: got '{'x' * 80}'"


def test_sensitive_names_are_not_told() -> None:
    made = assigner(SplitParams(**WISH), names=["p"], sensitive=["p"])
    made.assign(pl.DataFrame({"p": ["secret"]}), 0)

    with pytest.raises(InvalidInput) as caught:
        made.finish()

    assert [one.description for one in caught.value.violations] == ["row 1: got a sensitive value"]
    assert "secret" not in str(caught.value)


def test_a_column_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidInput, match="predefined knows train"):
        split(pl.DataFrame({"p": [0, 1, 2]}), **WISH)


def test_a_part_without_rows_is_named() -> None:
    with pytest.raises(InvalidInput, match="val and test would have no row, of 2: column 'p'"):
        split(pl.DataFrame({"p": ["train", "train"]}), **WISH)
