"""What may be asked instead of the default spaces, and what is told where it may not."""

from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsys.domain.choices import ModelType
from mlsys.domain.errors import InvalidInput
from mlsys.domain.learners.base import Learner
from mlsys.domain.learners.table import learner
from mlsys.domain.messages import ExperimentWish
from mlsys.domain.spaces.dimensions import Choice, Dimension, Float, Int
from mlsys.domain.spaces.overrides import MAX_STEPS, spaces_of
from mlsys.domain.spaces.search import SPACES, Spaces, suggest
from mlsys.domain.spaces.tunable import NEEDS, REFUSED, RENAMED, TUNABLE, OneOf, Real, why_not
from tests.domain.learning import BINARY, as_probability, examples, fit


def asked(
    search_space: dict[str, Any] | None, model_type: str = "lightgbm", sampler: str = "TPE"
) -> Spaces:
    wish = {
        "name": "toys",
        "target_column": "kind",
        "task_type": "classification",
        "model_type": model_type,
        "search_space": search_space,
        "optuna_config": {"sampler": sampler},
    }
    return spaces_of(ExperimentWish.model_validate(wish))


def told(search_space: dict[str, Any], model_type: str = "lightgbm") -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        asked(search_space, model_type)
    first = caught.value.violations[0]
    assert str(caught.value) == f"{first.field}: {first.description}"
    return [(one.field, one.description) for one in caught.value.violations]


@pytest.mark.parametrize("said", [None, {}])
def test_nothing_said_is_the_default(said: dict[str, Any] | None) -> None:
    assert asked(said) == {ModelType.LIGHTGBM: SPACES[ModelType.LIGHTGBM]}
    assert asked(said, "auto") == SPACES


@pytest.mark.parametrize(
    ("name", "said", "side"),
    [
        ("learning_rate", {"low": 0.01, "high": 0.2, "log": True}, Float(0.01, 0.2, log=True)),
        ("lambda_l2", {"low": 0, "high": 1}, Float(0.0, 1.0)),
        ("feature_fraction", {"low": 0.5, "high": 0.95, "step": 0.1}, Float(0.5, 0.9, step=0.1)),
        ("num_leaves", {"low": 8, "high": 64, "step": 8}, Int(8, 64, step=8)),
        ("num_leaves", {"low": 8, "high": 70, "step": 8}, Int(8, 64, step=8)),
        ("num_leaves", {"low": 8, "high": 64, "log": True}, Int(8, 64, log=True)),
        ("max_depth", 6, Int(6, 6)),
        ("lambda_l1", 0, Float(0.0, 0.0)),
        ("extra_trees", True, Choice((True,))),
        ("extra_trees", [True, False], Choice((True, False))),
        ("max_depth", [-1, 4], Choice((-1, 4))),
        ("cat_smooth", [1, 2.5], Choice((1.0, 2.5))),
    ],
    ids=str,
)
def test_each_form_of_an_override(name: str, said: Any, side: Dimension) -> None:
    assert asked({name: said})[ModelType.LIGHTGBM] == {**SPACES[ModelType.LIGHTGBM], name: side}


def test_parameters_are_drawn_in_one_order_however_they_are_said() -> None:
    said: dict[str, Any] = {"path_smooth": 1.0, "max_depth": 5, "learning_rate": 0.1}

    space = asked(said)[ModelType.LIGHTGBM]

    assert list(space) == [*SPACES[ModelType.LIGHTGBM], "max_depth", "path_smooth"]
    assert list(space) == list(asked(dict(reversed(said.items())))[ModelType.LIGHTGBM])


def test_auto_has_an_object_for_each_library() -> None:
    spaces = asked({"xgboost": {"grow_policy": ["depthwise", "lossguide"]}}, "auto")

    assert spaces[ModelType.XGBOOST]["grow_policy"] == Choice(("depthwise", "lossguide"))
    assert spaces[ModelType.CATBOOST] == SPACES[ModelType.CATBOOST]
    assert told({"xgboost": {"gamma": -1}, "lightgbm": 3, "gamma": 1}, "auto") == [
        ("search_space.lightgbm", "expected an object, got 3"),
        ("search_space.gamma", "auto wants an object for each of catboost, xgboost, lightgbm"),
        ("search_space.xgboost.gamma", "expected a number from 0, got -1"),
    ]


def test_a_grid_holds_what_is_named_and_the_defaults_of_the_rest() -> None:
    space = dict(asked({"num_leaves": [15, 31]}, sampler="Grid")[ModelType.LIGHTGBM])

    assert space.pop("num_leaves") == Choice((15, 31))
    assert all(len(side.values or "none") == 1 for side in space.values())
    assert space["lambda_l1"] == Float(0.0, 0.0)
    assert space["min_data_in_leaf"] == Int(20, 20)


@pytest.mark.parametrize(
    ("said", "field", "description"),
    [
        (0.7, "", "expected a whole number from 2 to 131072, got 0.7"),
        (True, "", "expected a whole number from 2 to 131072, got true"),
        (1, "", "expected a whole number from 2 to 131072, got 1"),
        (None, "", "expected a whole number from 2 to 131072, got null"),
        ([], "", "expected 1 to 100 values, got 0"),
        ([3, 3], "[1]", "3 stands twice"),
        ([3, "x"], "[1]", 'expected a whole number from 2 to 131072, got "x"'),
        ({"low": 3}, ".high", "is required"),
        ({"low": 3, "high": 3}, ".low", "expected less than high, 3, got 3"),
        ({"low": 3, "high": 9, "step": 0}, ".step", "expected a number above 0, got 0"),
        ({"low": 3, "high": 9, "step": 0.5}, ".step", "expected a whole number, got 0.5"),
        ({"low": 3, "high": 9, "log": 1}, ".log", "expected true or false, got 1"),
        (
            {"low": 3, "high": 9, "log": True, "step": 2},
            ".step",
            "a range has log or step, not both",
        ),
        (
            {"low": 3, "high": 9, "choices": [3]},
            ".choices",
            "there is no such field; want low, high, log, step",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_told_with_its_place(
    said: Any, field: str, description: str
) -> None:
    assert told({"num_leaves": said}) == [(f"search_space.num_leaves{field}", description)]


@pytest.mark.parametrize(
    ("name", "said", "field", "description"),
    [
        ("lambda_l1", {"low": 0, "high": 1, "log": True}, ".low", "log needs it above 0, got 0"),
        (
            "lambda_l1",
            {"low": 0, "high": 1, "step": "x"},
            ".step",
            "expected a number above 0, got",
        ),
        (
            "lambda_l1",
            {"low": 0, "high": 1, "step": 1e-9},
            ".step",
            f"makes more than {MAX_STEPS} ",
        ),
        ("feature_fraction", 0, "", "expected a number above 0, at most 1, got 0"),
        ("feature_fraction", 1.5, "", "expected a number above 0, at most 1, got 1.5"),
        ("lambda_l2", -1, "", "expected a number from 0, got -1"),
        ("lambda_l2", float("inf"), "", "expected a number from 0, got Infinity"),
        ("extra_trees", 1, "", "expected false or true, got 1"),
        ("extra_trees", {"low": 0}, "", "has no range: expected false or true, or a list"),
        ("min_child_samples", 3, "", "say 'min_data_in_leaf', which is the same"),
        ("max_bin", 63, "", "cannot be searched: all trials share one set of bins"),
        ("seed", 3, "", "cannot be searched: all seeds come from optuna_config.seed"),
        ("nonsense", 3, "", "lightgbm has no such parameter that can be searched; these can: le"),
    ],
    ids=str,
)
def test_what_the_library_would_refuse_or_ignore_is_told_before(
    name: str, said: Any, field: str, description: str
) -> None:
    [(place, why)] = told({name: said})

    assert place == f"search_space.{name}{field}"
    assert why.startswith(description)


def test_everything_wrong_is_told_at_once() -> None:
    fields = [field for field, _ in told({"num_leaves": {"low": 9, "high": 3}, "eta": 1, "x": 2})]

    assert fields == ["search_space.eta", "search_space.x", "search_space.num_leaves.low"]


def test_catboost_needs_the_right_bootstrap() -> None:
    needs = "needs bootstrap_type to be 'Bernoulli' or 'MVS': say so beside it"

    assert told({"subsample": 0.5}, "catboost") == [("search_space.subsample", needs)]
    assert told({"subsample": 0.5, "bootstrap_type": "Bayesian"}, "catboost")[0][1] == needs
    both = {"subsample": 0.5, "bootstrap_type": ["MVS", "Bernoulli"]}
    assert asked(both, "catboost")[ModelType.CATBOOST]["subsample"] == Float(0.5, 0.5)


def test_trees_that_cannot_be_explained_are_refused() -> None:
    assert "contributions" in told({"grow_policy": "Depthwise"}, "catboost")[0][1]
    assert "no such parameter" in told({"grow_policy": "Depthwise"})[0][1]


def test_the_library_accepts_each_tunable_parameter_and_explains_itself(
    model_type: ModelType, library: Learner
) -> None:
    rows = examples(BINARY, rows=300)
    binned = library.bin(rows, None, task=BINARY, threads=1)

    for name, bounds in TUNABLE[model_type].items():
        params = {other: min(map(str, values)) for other, values in needed(name)}
        for value in some(bounds) if name != "n_estimators" else ():
            model = fit(library, BINARY, binned=binned, rounds=3, params={**params, name: value})

            raw = model.contributions(rows.matrix).sum(axis=-1)
            assert as_probability(BINARY, raw) == pytest.approx(
                model.predict(rows.matrix), abs=1e-5
            )


def test_the_library_knows_each_tunable_parameter(model_type: ModelType, library: Learner) -> None:
    for name in TUNABLE[model_type].keys() - {"n_estimators"}:
        with pytest.raises(InvalidInput):
            fit(library, BINARY, rounds=1, params={name: "nonsense"})


def test_what_mlsys_sets_itself_cannot_be_searched(model_type: ModelType, library: Learner) -> None:
    refused = {name for names in REFUSED.values() for name in names}

    for name in sorted(refused - TUNABLE[model_type].keys()):
        assert why_not(model_type, name).startswith("cannot be searched")
    with pytest.raises(InvalidInput, match="parameters that mlsys sets itself"):
        fit(library, BINARY, rounds=1, params=dict.fromkeys(refused, 1))


def test_what_is_the_same_leads_to_what_can_be_searched(model_type: ModelType) -> None:
    assert set(RENAMED[model_type].values()) <= TUNABLE[model_type].keys()
    assert not RENAMED[model_type].keys() & TUNABLE[model_type].keys()
    assert SPACES[model_type].keys() <= TUNABLE[model_type].keys()


@given(st.data())
def test_what_is_suggested_lies_in_the_overridden_space(data: st.DataObject) -> None:
    model_type = data.draw(st.sampled_from(list(ModelType)))
    said = data.draw(spoken(model_type))
    spaces = asked(said, model_type.value)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))

    drawn = suggest(study.ask(), spaces)

    all_drawn = {**drawn.params, "n_estimators": drawn.rounds}
    for name, value in said.items():
        if isinstance(value, dict):
            assert value["low"] <= all_drawn[name] <= value["high"]
        else:
            assert all_drawn[name] in (value if isinstance(value, list) else [value])


@settings(max_examples=25)
@given(st.data())
def test_what_is_suggested_is_accepted_by_the_library(data: st.DataObject) -> None:
    model_type = data.draw(st.sampled_from(list(ModelType)))
    spaces = asked(data.draw(spoken(model_type)), model_type.value)
    drawn = suggest(optuna.create_study().ask(), spaces)

    model = fit(
        learner(model_type),
        BINARY,
        train=examples(BINARY, rows=200),
        rounds=1,
        params=drawn.params,
    )

    assert model.rounds == 1


def spoken(model_type: ModelType) -> st.SearchStrategy[dict[str, Any]]:
    """Any search space of a library that can be asked for."""
    sides = {
        name: st.one_of(
            st.sampled_from(some(bounds)),
            st.lists(st.sampled_from(some(bounds)), min_size=1, unique=True),
            *([] if isinstance(bounds, OneOf) else [ranges(some(bounds))]),
        )
        for name, bounds in TUNABLE[model_type].items()
        if not needed(name)
    }
    return st.fixed_dictionaries({}, optional=sides)


def ranges(values: list[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Ranges between two values."""
    low, high = values
    forms: list[dict[str, Any]] = [{}, {"step": 1}]
    if low > 0:
        forms.append({"log": True})
    return st.sampled_from([{"low": low, "high": high, **form} for form in forms])


def needed(name: str) -> list[tuple[str, frozenset[Any]]]:
    return [NEEDS[name]] if name in NEEDS else []


def some(bounds: Any) -> list[Any]:
    if isinstance(bounds, OneOf):
        return list(bounds.values)
    if isinstance(bounds, Real):
        return [0.5, 1.0] if bounds.high == 1 else [1.5, 3.0]
    return [max(bounds.low, 2), min(bounds.high, 6)]
