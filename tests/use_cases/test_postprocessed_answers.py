"""What is stored with a model and made of its answers: bands and bounds; and why it says so."""

import io
import json
from typing import Any

import numpy as np
import polars as pl
import pytest

from mlsys.domain.answers import Explanation, Prediction
from mlsys.domain.artifacts import Postprocess
from mlsys.domain.encoding import encode_frame
from mlsys.domain.errors import InvalidInput
from mlsys.domain.split_records import Split
from mlsys.edge.parsing import parse_model
from mlsys.repositories.experiments import EXPERIMENTS
from mlsys.repositories.models import MODEL_VERSIONS
from mlsys.runtime import Runtime
from mlsys.settings import Settings
from mlsys.use_cases.experiments import request_experiment
from mlsys.use_cases.predict import PredictRequest
from mlsys.use_cases.serving.loaded_models import LoadedModels, ModelSelection
from tests.use_cases.conftest import MODELS, NOW, RISK, predict_rows, request_of
from tests.use_cases.training.crownings import prepared

ROW = {"size": 11, "colour": "red", "noise": 7}
SPACES = {
    "whole": "score before softmax",
    "value": "value",
    "mended": "log-odds before calibration",
    "parted": "score before softmax and calibration",
    "kept": "value before clipping",
}


def ask(
    models: LoadedModels, model: str, rows: list[dict[str, Any]], **parameters: Any
) -> list[Prediction]:
    body = {"model": model, "instances": rows, "parameters": parameters}
    request = parse_model(body, PredictRequest)
    return predict_rows(request, models=models, request_id="r").predictions


def rows_for(models: LoadedModels, model: str, held_out: pl.DataFrame) -> list[dict[str, Any]]:
    features = models.find(ModelSelection(model=model)).model.plan.features
    table = held_out.select(feature.name for feature in features)
    rows: list[dict[str, Any]] = json.loads(json.dumps(table.to_dicts(), default=str))
    return rows


def total(explanation: Explanation) -> float:
    return (
        explanation.base_value
        + sum(explanation.contributions.values())
        + (explanation.others or 0.0)
    )


def test_each_probability_is_in_its_band(served: LoadedModels, held_out: pl.DataFrame) -> None:
    answers = ask(served, "mended", rows_for(served, "mended", held_out))

    assert len({str(one.bands) for one in answers}) > 1
    for one in answers:
        likely = one.probability or 0.0
        level = "high" if likely >= 0.6 else "medium" if likely >= 0.2 else "low"
        assert one.bands == {"risk_level": level}


@pytest.mark.parametrize("model", SPACES)
def test_a_row_alone_is_answered_to_the_bit_as_among_others(
    served: LoadedModels, held_out: pl.DataFrame, model: str
) -> None:
    rows = rows_for(served, model, held_out)[:30]

    alone = [answer for row in rows for answer in ask(served, model, [row])]

    assert alone == ask(served, model, rows)
    assert len({str(one) for one in alone}) > 1


def test_without_stored_bands_an_answer_has_none(served: LoadedModels) -> None:
    [one] = ask(served, "lightgbm", [ROW])

    assert "bands" not in json.loads(one.model_dump_json())


def test_values_stay_within_the_stored_bounds(served: LoadedModels, held_out: pl.DataFrame) -> None:
    model = served.find(ModelSelection(model="kept")).model
    free = model.booster.predict(encode_frame(model.plan, held_out))

    answers = [one.prediction for one in ask(served, "kept", rows_for(served, "kept", held_out))]

    assert free.min() < 12
    assert free.max() > 15.5
    assert answers == np.clip(free, 12, 15.5).tolist()


def test_what_is_judged_is_what_is_answered(trained: Runtime, held_out: pl.DataFrame) -> None:
    version = MODEL_VERSIONS.get("kept-v1", records=trained.records).value
    model = trained.models.find(ModelSelection(model="kept")).model
    kept = model.predict(encode_frame(model.plan, held_out))

    told = version.test

    error = np.sqrt(np.mean((held_out.get_column("price").to_numpy() - kept) ** 2))
    assert told is not None
    assert told.value == pytest.approx(error)


def test_bands_and_bounds_are_told_in_the_signature(trained: Runtime) -> None:
    def output(model: str) -> Any:
        version = MODEL_VERSIONS.get(f"{model}-v1", records=trained.records).value
        content = trained.objects.read(version.files["signature.json"].uri)
        return json.load(io.BytesIO(content))["output"]

    assert output("mended")["bands"] == {"risk_level": RISK["labels"]}
    assert output("kept")["clip"] == {"lower": 12, "upper": 15.5}
    assert (output("lightgbm")["bands"], output("lightgbm")["clip"]) == ({}, None)


@pytest.mark.parametrize("model", MODELS)
def test_contributions_add_up_in_the_space_that_is_named(
    served: LoadedModels, held_out: pl.DataFrame, model: str
) -> None:
    loaded = served.find(ModelSelection(model=model)).model
    rows = rows_for(served, model, held_out)

    answers = ask(served, model, rows, explain=True)

    told = loaded.booster.predict(encode_frame(loaded.plan, held_out))
    sums = np.array([total(one.explanation) for one in answers if one.explanation])
    assert len(sums) == len(rows) > 20
    assert {one.explanation.space for one in answers if one.explanation} == {
        SPACES.get(model, "log-odds")
    }
    if loaded.plan.task_kind == "regression":
        assert sums == pytest.approx(told, rel=1e-6, abs=1e-6)
    elif loaded.plan.task_kind == "binary":
        assert 1 / (1 + np.exp(-sums)) == pytest.approx(told, abs=1e-6)
    else:
        classes = [loaded.plan.labels.index(one.prediction) for one in answers]
        every = loaded.booster.contributions(encode_frame(loaded.plan, held_out)).sum(axis=2)
        exponentials = np.exp(every)
        exponentials[np.arange(len(rows)), classes] = np.exp(sums)
        shares = exponentials / exponentials.sum(axis=1, keepdims=True)
        assert shares == pytest.approx(told, abs=1e-6)


@pytest.mark.parametrize("model", ["lightgbm", "xgboost", "catboost", "whole", "kept"])
def test_of_the_strongest_features_the_rest_is_one_sum(
    served: LoadedModels, held_out: pl.DataFrame, model: str
) -> None:
    rows = rows_for(served, model, held_out)

    every = ask(served, model, rows, explain=True)
    some = ask(served, model, rows, explain=2)

    for all_of_it, part in zip(every, some, strict=True):
        assert all_of_it.explanation is not None
        assert part.explanation is not None
        ranked = sorted(all_of_it.explanation.contributions.items(), key=lambda one: -abs(one[1]))
        assert list(part.explanation.contributions.items()) == ranked[:2]
        assert part.explanation.others == pytest.approx(sum(value for _, value in ranked[2:]))
        assert total(part.explanation) == pytest.approx(total(all_of_it.explanation), abs=1e-9)


def test_more_features_than_there_are_leave_nothing_over(served: LoadedModels) -> None:
    [one] = ask(served, "lightgbm", [ROW], explain=99)
    [plain] = ask(served, "lightgbm", [ROW], explain=True)

    assert one.explanation is not None
    assert plain.explanation is not None
    assert set(one.explanation.contributions) == set(ROW)
    assert one.explanation.others == 0
    assert "others" not in json.loads(plain.model_dump_json())["explanation"]


@pytest.mark.parametrize("explain", [0, -1, 1.5, "true", None, [1]])
def test_what_is_to_be_explained_is_a_choice_or_a_number(
    served: LoadedModels, explain: Any
) -> None:
    with pytest.raises(InvalidInput) as caught:
        ask(served, "lightgbm", [ROW], explain=explain)

    [problem] = caught.value.violations
    assert problem.field == "parameters.explain"
    assert problem.description.startswith("expected true, false or how many features to tell")


def test_bands_that_make_no_sense_are_refused_before_anything_is_published(
    ready_split: Split, runtime: Runtime
) -> None:
    bands = {"risk": {"cut_points": [0.5, 0.5], "labels": ["a"]}}
    request = request_of(ready_split, postprocess={"bands": bands})

    with pytest.raises(InvalidInput) as caught:
        request_experiment(
            request,
            records=runtime.records,
            messages=runtime.messages,
            topic="experiments",
            attributes={},
            now=NOW,
        )

    assert {one.field for one in caught.value.violations} == {
        "postprocess.bands.risk.cut_points",
        "postprocess.bands.risk.labels",
    }
    assert EXPERIMENTS.list(records=runtime.records).values == []


def test_bands_of_many_classes_are_refused_before_anything_is_learnt(
    ready_split: Split, runtime: Runtime
) -> None:
    asked = {"target_column": "grade", "postprocess": {"bands": {"risk": RISK}}}

    with pytest.raises(InvalidInput, match="this is multiclass; leave it out"):
        prepared(ready_split, runtime, **asked)


def test_what_was_asked_for_is_stored(trained: Runtime) -> None:
    models = Runtime(Settings(home=trained.settings.home)).models

    stored = models.find(ModelSelection(model="mended")).model.postprocess

    assert stored.bands == Postprocess.model_validate({"bands": {"risk_level": RISK}}).bands
    assert stored.calibration is not None
    assert models.find(ModelSelection(model="value")).model.postprocess == Postprocess()
