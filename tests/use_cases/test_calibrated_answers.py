"""What a calibrated model answers, and what its explanation is of."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest

from mlsys.domain.encoding import encode_frame
from mlsys.use_cases.predict import PredictRequest
from mlsys.use_cases.serving.loaded_models import LoadedModels, ModelSelection
from tests.use_cases.conftest import predict_rows

ROW = {"size": 11, "colour": "red", "noise": 7}


def ask(models: LoadedModels, model: str, row: dict[str, Any]) -> Any:
    parameters = {"explain": True}
    body = {"model": model, "instances": [row], "parameters": parameters}
    request = PredictRequest.model_validate(body)
    return predict_rows(request, models=models, request_id="r").predictions[0]


def test_two_classes_part_at_the_threshold_of_calibrated_probabilities(
    served: LoadedModels, held_out: pl.DataFrame
) -> None:
    stored = served.find(ModelSelection(model="mended")).model.postprocess
    rows = held_out.select("size", "colour", "noise").to_dicts()

    answers = [ask(served, "mended", row) for row in rows]

    assert {one.threshold for one in answers} == {stored.threshold}
    for one in answers:
        assert one.prediction == ("small" if one.probability >= stored.threshold else "big")


def test_the_explanation_of_a_calibrated_answer_is_of_the_model_before(
    served: LoadedModels, held_out: pl.DataFrame
) -> None:
    model = served.find(ModelSelection(model="mended")).model
    before = model.booster.predict(encode_frame(model.plan, held_out))[0]
    row = held_out.select("size", "colour", "noise").to_dicts()[0]

    answer = ask(served, "mended", row)

    explained = answer.explanation
    assert explained.space == "log-odds before calibration"
    total = explained.base_value + sum(explained.contributions.values())
    assert total == pytest.approx(math.log(before / (1 - before)), abs=1e-4)
    assert not np.isclose(answer.probability, before)


def test_many_calibrated_classes_sum_to_one(served: LoadedModels) -> None:
    answer = ask(served, "parted", {**ROW, "day": "2026-05-17"})

    assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert answer.probability == max(answer.probabilities.values())
