"""Samplers, pruners, objectives, folds and spaces that do not go together, told before a study."""

from typing import Any

import pytest

from mlsys.domain.messages import ExperimentWish
from mlsys.domain.spaces.rules import search_problems

CMA = {"sampler": "CmaEs"}
GRID = {"sampler": "Grid"}
WILCOXON = {"pruner": "WilcoxonPruner"}
THRESHOLD = "ThresholdPruner"


def problems(
    *, folded: bool = False, folds: int | None = None, **fields: Any
) -> list[tuple[str, str]]:
    wish = {
        "name": "toys",
        "target_column": "kind",
        "task_type": "classification",
        "model_type": "lightgbm",
        **fields,
    }
    found = search_problems(ExperimentWish.model_validate(wish), folded=folded, folds=folds)
    return [(one.field.removeprefix("optuna_config."), one.description) for one in found]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"model_type": "auto"},
        {"model_type": "auto", "optuna_config": {"sampler": "QMC"}},
        {"model_type": "auto", "objectives": ["metric", "size"]},
        {"optuna_config": CMA},
        {"optuna_config": {"sampler": "GP"}},
        {"optuna_config": {"sampler": "NSGAII"}, "objectives": ["latency"]},
        {"optuna_config": GRID, "search_space": {"num_leaves": [15, 31], "extra_trees": True}},
        {"optuna_config": GRID, "model_type": "auto", "search_space": {"catboost": {"depth": 4}}},
        {"optuna_config": {"pruner": "HyperbandPruner", "pruner_options": {"min_resource": 20}}},
        {"optuna_config": {"pruner": THRESHOLD, "pruner_options": {"lower": 0.1, "upper": 0.9}}},
        {"optuna_config": WILCOXON, "folded": True, "folds": 5},
        {"optuna_config": WILCOXON, "folded": True},
    ],
    ids=str,
)
def test_what_goes_together(fields: dict[str, Any]) -> None:
    assert problems(**fields) == []


@pytest.mark.parametrize(
    ("fields", "field", "description"),
    [
        (
            {"optuna_config": CMA, "model_type": "auto"},
            "sampler",
            "CmaEs cannot tune several libraries at once: ask for TPE",
        ),
        (
            {"optuna_config": CMA, "objectives": ["metric", "size"]},
            "sampler",
            "CmaEs has one objective: ask for TPE or NSGAII",
        ),
        (
            {"optuna_config": CMA, "search_space": {"extra_trees": [True, False]}},
            "search_space.extra_trees",
            "CmaEs searches numbers only: fix it, or ask for TPE",
        ),
        (
            {"objectives": ["metric", "metric"]},
            "objectives",
            "'metric' stands twice",
        ),
        (
            {"objectives": ["size"], "optuna_config": {"pruner": "HyperbandPruner"}},
            "pruner",
            "nothing is pruned by several objectives: ask for NopPruner",
        ),
        (
            {"optuna_config": {"pruner_options": {"percentile": 50}}},
            "pruner_options.percentile",
            "is for PercentilePruner, and the pruner is MedianPruner",
        ),
        (
            {"optuna_config": {"pruner": THRESHOLD}},
            "pruner_options",
            "ThresholdPruner needs lower or upper",
        ),
        (
            {"optuna_config": {"pruner": THRESHOLD, "pruner_options": {"lower": 1, "upper": 1}}},
            "pruner_options.lower",
            "expected less than upper, 1.0, got 1.0",
        ),
        (
            {"optuna_config": WILCOXON},
            "pruner",
            "WilcoxonPruner compares folds: ask for cv_folds, or another one",
        ),
        (
            {"optuna_config": WILCOXON, "folded": True, "folds": 4},
            "pruner",
            "WilcoxonPruner cannot be as sure as 0.1 with 4 folds",
        ),
        ({"optuna_config": GRID}, "search_space", "Grid tries what is named here, and nothing is"),
        (
            {"optuna_config": GRID, "search_space": {"lambda_l1": {"low": 0, "high": 1}}},
            "search_space.lambda_l1",
            "Grid needs values that can be counted: say step, or a list",
        ),
        (
            {
                "optuna_config": GRID,
                "model_type": "auto",
                "search_space": {"xgboost": {"gamma": {"low": 0, "high": 1}}},
            },
            "search_space.xgboost.gamma",
            "Grid needs values that can be counted: say step, or a list",
        ),
        (
            {
                "optuna_config": GRID,
                "search_space": {
                    "num_leaves": {"low": 2, "high": 2001},
                    "min_data_in_leaf": {"low": 1, "high": 1000},
                },
            },
            "search_space",
            "the grid has 2000000 points, which is more than 1000000: ask for Random",
        ),
        (
            {"search_space": {"max_bin": 3}},
            "search_space.max_bin",
            "cannot be searched: all trials ",
        ),
    ],
    ids=str,
)
def test_what_does_not_go_together_is_told(
    fields: dict[str, Any], field: str, description: str
) -> None:
    [(place, why)] = problems(**fields)

    assert place == field
    assert why.startswith(description)


def test_an_evolution_needs_two_numbers() -> None:
    fixed = dict.fromkeys(("learning_rate", "lambda_l1", "lambda_l2", "cat_smooth"), 0.1)
    fixed |= dict.fromkeys(("num_leaves", "min_data_in_leaf", "bagging_freq"), 2)
    fixed |= dict.fromkeys(("feature_fraction", "bagging_fraction"), 0.5)

    found = problems(optuna_config=CMA, search_space=fixed)

    assert found == [("search_space", "CmaEs needs at least two parameters that vary: ask for TPE")]
    assert problems(optuna_config=CMA, search_space=fixed | {"path_smooth": [0, 1]}) != []


def test_all_of_it_is_told_at_once() -> None:
    config = {"sampler": "CmaEs", "pruner": "WilcoxonPruner", "pruner_options": {"lower": 1}}

    found = problems(optuna_config=config, objectives=["size"], search_space={"eta": 1, "x": 1})

    assert [field for field, _ in found] == [
        "sampler",
        "pruner",
        "pruner_options.lower",
        "pruner",
        "search_space.eta",
        "search_space.x",
    ]
