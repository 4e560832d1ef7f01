"""How a split may be wished for, and what does not belong together."""

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from pydantic import ValidationError

from mlsys.domain.split_params import Ratios, SplitParams


def test_ratios_are_what_was_written_free_of_binary_rounding() -> None:
    assert Ratios(train=0.7, val=0.1, test=0.2).exact() == {
        "train": Fraction(7, 10),
        "val": Fraction(1, 10),
        "test": Fraction(2, 10),
    }


def test_ratios_that_miss_one_by_rounding_sum_to_one() -> None:
    third = Ratios(train=0.3333333333, val=0.3333333333, test=0.3333333334)

    assert sum(third.exact().values()) == 1


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"ratios": {"train": 0.7, "val": 0.2, "test": 0.2}}, "sum to 1, got 1.1"),
        ({"ratios": {"train": 0.8, "val": 0.0, "test": 0.2}}, "val may be 0 only with folds"),
        ({"strategy": "random", "n_splits": 3}, "n_splits is for group_kfold, kfold, strat"),
        ({"strategy": "random", "gap": timedelta(days=1)}, "gap is for time, and the strategy is"),
        ({"strategy": "group", "train_only": 3}, "train_only is for kfold, random"),
        ({"strategy": "hash", "bins": 3}, "bins is for stratified"),
        ({"strategy": "predefined"}, "predefined needs split_column"),
        ({"strategy": "time", "gap": timedelta(0)}, "greater than 0"),
    ],
)
def test_what_does_not_belong_together_is_refused(wish: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        SplitParams(**wish)
