"""How the classes of a prediction are named, whatever type they have."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from mlsys.domain.artifacts import Model, Postprocess
from mlsys.domain.features import Feature, Plan
from mlsys.domain.learners.base import Floats
from mlsys.domain.model_records import ModelVersion, VersionStatus
from mlsys.use_cases.predict import PredictRequest
from mlsys.use_cases.serving.loaded_models import LoadedModel
from tests.use_cases.conftest import NOW, predict_rows


@dataclass
class Fixed:
    """A booster, and the models of a server, that know one answer."""

    plan: Plan
    scores: Floats

    def predict(self, _: Floats) -> Floats:
        return self.scores

    def predict_row(self, _: Sequence[float]) -> list[float]:
        scores: list[float] = self.scores.ravel().tolist()
        return scores

    def find(self, _: Any) -> LoadedModel:
        version = ModelVersion(
            id="churn-v1",
            name="churn",
            version=1,
            status=VersionStatus.READY,
            created_at=NOW,
            experiment_id="e",
            split_id="s",
            model_type="lightgbm",
            task=self.plan.task_kind,
            maximize=True,
        )
        return LoadedModel(version, Model(self.plan, self, Postprocess()))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("labels", "scores", "prediction", "names"),
    [
        ((False, True), [0.75], True, ["false", "true"]),
        ((0, 1), [0.25], 0, ["0", "1"]),
        (("no", "yes"), [0.75], "yes", ["no", "yes"]),
        ((0, 5, 9), [[0.25, 0.25, 0.5]], 9, ["0", "5", "9"]),
    ],
)
def test_a_class_has_the_name_that_json_gives_it(
    labels: Any, scores: Any, prediction: Any, names: list[str]
) -> None:
    kind = "binary" if len(labels) == 2 else "multiclass"
    age = Feature(name="age", kind="numeric", nullable=True)
    models = Fixed(
        Plan(features=(age,), target="y", task_kind=kind, labels=labels), np.array(scores)
    )
    request = PredictRequest(model="churn", instances=[{"age": 3}])

    [answer] = predict_rows(request, models=models, request_id="r").predictions  # type: ignore[arg-type]

    assert answer.prediction == prediction
    assert list(answer.probabilities or {}) == names
