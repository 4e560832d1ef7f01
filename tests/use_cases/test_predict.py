"""Rows in, answers out: with the labels that came in, every problem at once, and bit for bit."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from math import exp, log
from typing import Any

import polars as pl
import pytest

from mlsys.domain.answers import Predictions
from mlsys.domain.encoding import encode_frame
from mlsys.domain.errors import InvalidInput
from mlsys.edge.parsing import parse_json, parse_model
from mlsys.repositories.models import MODEL_VERSIONS
from mlsys.runtime import Runtime
from mlsys.use_cases.predict import PredictRequest
from mlsys.use_cases.serving.loaded_models import LoadedModels, ModelSelection
from tests.use_cases.conftest import MODELS, predict_rows

LIBRARIES = ["lightgbm", "xgboost", "catboost"]
ROW = {"size": 11, "colour": "red", "noise": 7}
DATED = {**ROW, "day": "2026-05-17"}
VALUED = {**DATED, "heavy": True}


def ask(
    models: LoadedModels, model: str, instances: Sequence[Any], **parameters: Any
) -> Predictions:
    """Ask as a caller does: in JSON."""
    body = {"model": model, "instances": instances, "parameters": parameters}
    request = parse_model(parse_json(json.dumps(body).encode()), PredictRequest)
    return predict_rows(request, models=models, request_id="r-1")


def as_instances(table: pl.DataFrame, names: Sequence[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(json.dumps(table.select(names).to_dicts(), default=str))
    return rows


def refused(models: LoadedModels, instances: Sequence[Any], **parameters: Any) -> dict[str, str]:
    """Return what a refusal says about each place."""
    with pytest.raises(InvalidInput) as caught:
        ask(models, "lightgbm", instances, **parameters)
    return {one.field: one.description for one in caught.value.violations}


@pytest.mark.parametrize(
    ("model", "row", "labels"),
    [
        *((library, ROW, ["big", "small"]) for library in LIBRARIES),
        ("whole", DATED, [2, 10, 33]),
        ("truth", {"colour": "red", "noise": 3, "price": 20.5}, [False, True]),
    ],
)
def test_labels_come_out_as_they_went_in(
    served: LoadedModels, model: str, row: Mapping[str, Any], labels: list[Any]
) -> None:
    answer = json.loads(ask(served, model, [row]).model_dump_json())

    [one] = answer["predictions"]
    names = [label if isinstance(label, str) else json.dumps(label) for label in labels]
    assert one["prediction"] in labels
    assert type(one["prediction"]) is type(labels[0])
    assert list(one["probabilities"]) == names
    assert sum(one["probabilities"].values()) == pytest.approx(1)
    assert (answer["model"], answer["model_id"], answer["version"]) == (model, f"{model}-v1", 1)
    assert answer["request_id"] == "r-1"


def test_the_probability_is_of_the_second_of_two_and_of_the_predicted_of_many(
    served: LoadedModels,
) -> None:
    [two] = ask(served, "lightgbm", [ROW]).predictions
    [many] = ask(served, "whole", [DATED]).predictions

    assert two.probabilities is not None
    assert two.probability == two.probabilities["small"]
    assert many.probabilities is not None
    assert many.probability == max(many.probabilities.values())
    assert many.probability == many.probabilities[str(many.prediction)]


def test_a_regression_answers_a_value_and_nothing_else(served: LoadedModels) -> None:
    answer = json.loads(ask(served, "value", [VALUED]).model_dump_json())

    [one] = answer["predictions"]
    assert list(one) == ["prediction"]
    assert isinstance(one["prediction"], float)


@pytest.mark.parametrize("model", MODELS)
def test_answers_are_bit_equal_to_what_training_makes_of_the_same_rows(
    served: LoadedModels, held_out: pl.DataFrame, model: str
) -> None:
    loaded = served.find(ModelSelection(model=model)).model
    expected = loaded.predict(encode_frame(loaded.plan, held_out))
    names = [feature.name for feature in loaded.plan.features]

    answers = ask(served, model, as_instances(held_out, names)).predictions

    assert held_out.height > 20
    if loaded.plan.task_kind == "multiclass":
        assert [list((one.probabilities or {}).values()) for one in answers] == expected.tolist()
    elif loaded.plan.task_kind == "binary":
        assert [one.probability for one in answers] == expected.tolist()
    else:
        assert [one.prediction for one in answers] == expected.tolist()


def test_one_row_and_many_answer_alike(served: LoadedModels, held_out: pl.DataFrame) -> None:
    rows = as_instances(held_out, ["size", "colour", "noise"])

    together = ask(served, "xgboost", rows).predictions
    alone = [ask(served, "xgboost", [row]).predictions[0] for row in rows]

    assert alone == together


def test_the_stored_threshold_decides_unless_another_is_given(trained: Runtime) -> None:
    before = ask(trained.models, "lightgbm", [ROW])
    [score] = [one.probability for one in before.predictions]
    assert score is not None
    store_threshold(score, trained)
    models = Runtime(trained.settings).models

    [at] = ask(models, "lightgbm", [ROW]).predictions
    [above] = ask(models, "lightgbm", [ROW], threshold=score + 1e-9).predictions
    [below] = ask(models, "lightgbm", [ROW], threshold=score - 1e-9).predictions

    assert before.predictions[0].threshold == 0.5
    assert (at.threshold, at.prediction) == (score, "small")
    assert (above.threshold, above.prediction) == (score + 1e-9, "big")
    assert (below.threshold, below.prediction) == (score - 1e-9, "small")


def store_threshold(threshold: float, runtime: Runtime) -> None:
    seen = MODEL_VERSIONS.get("lightgbm-v1", records=runtime.records)
    file = seen.value.files["postprocess.json"]
    content = json.dumps({"threshold": threshold}).encode()
    runtime.objects.put(file.uri, content)
    written = file.model_copy(update={"sha256": sha256(content).hexdigest()})
    files = {**seen.value.files, "postprocess.json": written}
    MODEL_VERSIONS.replace(
        seen, seen.value.model_copy(update={"files": files}), records=runtime.records
    )


@pytest.mark.parametrize("threshold", [-0.1, 1.1, "0.5", True])
def test_a_threshold_is_a_number_from_0_to_1(served: LoadedModels, threshold: Any) -> None:
    assert "parameters.threshold" in refused(served, [ROW], threshold=threshold)


@pytest.mark.parametrize(("model", "row"), [("whole", DATED), ("value", VALUED)])
def test_a_threshold_where_there_are_not_two_classes_is_told_to_be_ignored(
    served: LoadedModels, model: str, row: Mapping[str, Any]
) -> None:
    answer = ask(served, model, [row], threshold=0.3)

    assert answer.predictions[0].threshold is None
    assert any("threshold" in warning for warning in answer.warnings)


def test_keys_are_passed_through_and_are_no_unknown_columns(served: LoadedModels) -> None:
    keys: list[dict[str, Any]] = [{"id": "p1", "tags": {"team": [1]}}, {"id": None, "tags": 2}]
    rows = [{**ROW, **key} for key in keys]

    answer = ask(served, "lightgbm", rows, passthrough=["id", "tags"])

    assert [one.passthrough for one in answer.predictions] == keys
    assert answer.warnings == []
    assert (
        answer.predictions[0].probability
        == ask(served, "lightgbm", [ROW]).predictions[0].probability
    )


def test_a_feature_can_be_passed_through_and_is_still_used(served: LoadedModels) -> None:
    answer = ask(served, "lightgbm", [ROW], passthrough=["size"])

    [one] = answer.predictions
    assert one.passthrough == {"size": 11}
    assert one.probability == ask(served, "lightgbm", [ROW]).predictions[0].probability


@pytest.mark.parametrize("library", LIBRARIES)
def test_contributions_add_up_to_the_log_odds(served: LoadedModels, library: str) -> None:
    rows = [ROW, {**ROW, "colour": None}, {**ROW, "colour": "mauve", "size": 5}]

    for one in ask(served, library, rows, explain=True).predictions:
        assert one.explanation is not None
        assert one.probability is not None
        assert one.explanation.space == "log-odds"
        assert set(one.explanation.contributions) == set(ROW)
        total = one.explanation.base_value + sum(one.explanation.contributions.values())
        assert total == pytest.approx(log(one.probability / (1 - one.probability)), abs=1e-4)


def test_contributions_add_up_to_the_value(served: LoadedModels) -> None:
    [one] = ask(served, "value", [VALUED], explain=True).predictions

    assert one.explanation is not None
    assert one.explanation.space == "value"
    total = one.explanation.base_value + sum(one.explanation.contributions.values())
    assert total == pytest.approx(one.prediction)


def test_of_many_classes_the_predicted_one_is_explained(
    served: LoadedModels, held_out: pl.DataFrame
) -> None:
    loaded = served.find(ModelSelection(model="whole")).model
    sums = loaded.booster.contributions(encode_frame(loaded.plan, held_out)).sum(axis=2)

    rows = as_instances(held_out, [feature.name for feature in loaded.plan.features])
    answers = ask(served, "whole", rows, explain=True).predictions

    assert len({one.prediction for one in answers}) > 1
    for one, scores in zip(answers, sums.tolist(), strict=True):
        assert one.explanation is not None
        total = one.explanation.base_value + sum(one.explanation.contributions.values())
        share = exp(total) / sum(exp(score) for score in scores)
        assert share == pytest.approx(one.probability, abs=1e-5)


@pytest.mark.parametrize(
    ("row", "place", "problem"),
    [
        ({"colour": "red", "noise": 7}, "size", "expected a number, got no such column"),
        ({**ROW, "size": "abc"}, "size", 'expected a number, got "abc"'),
        ({**ROW, "size": "11"}, "size", 'expected a number, got "11"'),
        ({**ROW, "size": True}, "size", "expected a number, got true"),
        ({**ROW, "size": None}, "size", "expected a number, got null"),
        ({**ROW, "size": [1]}, "size", "expected a number, got a list"),
        ({**ROW, "noise": 10**400}, "noise", "expected a number below 1.8e308"),
        ({**ROW, "colour": 3}, "colour", "expected text, got 3"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_its_place(
    served: LoadedModels, row: Mapping[str, Any], place: str, problem: str
) -> None:
    told = refused(served, [ROW, row])

    assert list(told) == [f"instances[1].{place}"]
    assert told[f"instances[1].{place}"].startswith(problem)


def test_nan_is_refused_in_json_and_by_the_use_case_itself(served: LoadedModels) -> None:
    with pytest.raises(InvalidInput, match="NaN is not a JSON number"):
        ask(served, "lightgbm", [{**ROW, "size": float("nan")}])

    request = PredictRequest(model="lightgbm", instances=[{**ROW, "size": float("nan")}])
    with pytest.raises(InvalidInput) as caught:
        predict_rows(request, models=served, request_id="r-1")

    assert caught.value.violations[0].description == "expected a finite number, got NaN"


@pytest.mark.parametrize("instances", [[], [1], ["row"], [None], {"size": 1}, None])
def test_what_is_no_list_of_rows_is_refused(served: LoadedModels, instances: Any) -> None:
    assert next(iter(refused(served, instances))).startswith("instances")


def test_ten_thousand_rows_are_answered_and_one_more_is_refused(served: LoadedModels) -> None:
    assert len(ask(served, "lightgbm", [ROW] * 10_000).predictions) == 10_000

    assert "10000" in refused(served, [ROW] * 10_001)["instances"]


def test_all_problems_are_told_at_once_those_of_passthrough_too(served: LoadedModels) -> None:
    rows = [{**ROW, "id": "a", "size": "x"}, {**ROW, "id": "b"}, {"noise": None, "colour": 1}]

    told = refused(served, rows, passthrough=["id"])

    assert set(told) == {
        "instances[0].size",
        "instances[2].size",
        "instances[2].noise",
        "instances[2].colour",
        "instances[2].id",
    }
    assert told["instances[2].id"] == "is to be passed through, but is not there"


def test_of_very_many_problems_the_first_hundred_are_told(served: LoadedModels) -> None:
    assert len(refused(served, [{}] * 1000)) == 100
    assert len(refused(served, [ROW] * 1000, passthrough=["id"])) == 100
    assert len(refused(served, [None] * 1000, passthrough=["id"])) == 100


def test_unseen_categories_and_unknown_columns_are_warned_of(served: LoadedModels) -> None:
    rows = [{**ROW, "colour": "mauve"}, {**ROW, "colour": "mauve", "weather": "fair"}]

    answer = ask(served, "catboost", rows)

    assert len(answer.predictions) == 2
    assert len(answer.warnings) == 2
    assert answer.warnings[0].startswith("colour: 2 values are not among the 3 categories")
    assert '"weather"' in answer.warnings[1]
