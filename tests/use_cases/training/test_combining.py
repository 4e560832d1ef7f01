"""CatBoost combines categories where two together tell more than each by itself."""

from typing import Any

import numpy as np
import pytest

from mlsys.domain.choices import ModelType
from mlsys.domain.features import Feature, Kind, Plan
from mlsys.domain.folding import Fold
from mlsys.domain.learners.base import Examples
from mlsys.domain.messages import ExperimentRequest
from mlsys.domain.spaces.dimensions import Int
from mlsys.domain.spaces.overrides import spaces_of
from mlsys.domain.spaces.search import first_trials
from mlsys.use_cases.training import combining
from mlsys.use_cases.training.binned import Binned
from mlsys.use_cases.training.combining import CATBOOST, COMPLEXITY, settled

ROWS, WORDS = 3_000, 6


@pytest.fixture(autouse=True)
def _a_table_of_some_thousand_rows_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(combining, "LEAST_ROWS", ROWS)


@pytest.mark.parametrize("target", ["two classes", "numbers"])
def test_it_combines_them_where_pairs_tell_what_single_ones_do_not(target: str) -> None:
    assert COMPLEXITY not in settled_for(told_by="pairs", target=target)


@pytest.mark.parametrize("target", ["two classes", "numbers"])
def test_it_takes_each_by_itself_where_pairs_tell_no_more(target: str) -> None:
    assert settled_for(told_by="singles", target=target)[COMPLEXITY] == Int(1, 1)


def test_the_warnings_of_the_experiment_say_that_it_does() -> None:
    space = settled_for(told_by="singles")

    [note] = first_trials({CATBOOST: space}).notes

    assert "max_ctr_complexity, 4, is not in its search space; 1 is tried instead" in note


def test_it_is_settled_alike_each_time() -> None:
    assert settled_for(told_by="singles") == settled_for(told_by="singles")


@pytest.mark.parametrize(
    "case",
    [
        {"rows": ROWS - 1},
        {"categories": 1},
        {"search_space": {COMPLEXITY: {"low": 1, "high": 4}}},
        {"optuna_config": {"sampler": "Grid"}, "search_space": {"depth": [4, 6]}},
    ],
    ids=["few rows", "one column of categories", "asked otherwise", "a grid"],
)
def test_other_tables_and_wishes_stay_as_they_are(case: dict[str, Any]) -> None:
    assert settled_for(told_by="singles", **case).get(COMPLEXITY) != Int(1, 1)


def test_what_cannot_be_learnt_is_left_to_the_first_trial() -> None:
    assert COMPLEXITY not in settled_for(told_by="nothing")


def test_other_libraries_are_not_concerned() -> None:
    request = asked(model_type="lightgbm")
    spaces = spaces_of(request)

    assert settled(spaces, request, binned=binned_of(told_by="singles"), threads=1) == spaces


def settled_for(
    *,
    told_by: str,
    target: str = "two classes",
    rows: int = ROWS,
    categories: int = 2,
    **wish: Any,
) -> dict[str, Any]:
    request = asked(**wish)
    binned = binned_of(told_by=told_by, target=target, rows=rows, categories=categories)
    return dict(settled(spaces_of(request), request, binned=binned, threads=1)[CATBOOST])


def asked(**wish: Any) -> ExperimentRequest:
    return ExperimentRequest.model_validate(
        {
            "split_id": "split",
            "name": "pairs",
            "target_column": "target",
            "task_type": "classification",
            "model_type": ModelType.CATBOOST.value,
            "optuna_config": {},
        }
        | wish
    )


def binned_of(
    *, told_by: str, target: str = "two classes", rows: int = ROWS, categories: int = 2
) -> Binned:
    """Make a table of two columns of words, whose pairs or singles have effects of their own."""
    rng = np.random.default_rng(0)
    words = rng.integers(0, WORDS, size=(rows + ROWS, 2))
    first, second = words.T
    effects = {
        "pairs": rng.normal(size=(WORDS, WORDS))[first, second],
        "singles": rng.normal(size=WORDS)[first] + rng.normal(size=WORDS)[second],
        "nothing": np.full(len(words), -9.0),
    }
    told = effects[told_by] + 0.5 * rng.normal(size=len(words))
    values = told if target == "numbers" else (told > 0).astype(float)
    kinds = tuple(place < categories for place in range(2))
    train, val = (
        Examples(words[some].astype(float), values[some], kinds)
        for some in (slice(rows), slice(rows, None))
    )
    column: list[Kind] = ["category" if one else "numeric" for one in kinds]
    plan = Plan(
        features=tuple(
            Feature(name=f"word_{place}", kind=kind, nullable=False)
            for place, kind in enumerate(column)
        ),
        target="target",
        task_kind="regression" if target == "numbers" else "binary",
        labels=() if target == "numbers" else (0, 1),
    )
    return Binned(plan, (Fold(train, val),), threads=1)
