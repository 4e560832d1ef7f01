"""What calls answer besides records; here, so that a client needs no library that computes it."""

import json
from functools import partial
from operator import is_
from typing import Any, Literal

from pydantic import BaseModel, Field

from mlsys.domain.records import Part, Time

Method = Literal["shap", "native", "permutation"]
PlotFormat = Literal["png", "html"]
MEDIA_TYPES: dict[PlotFormat, str] = {"png": "image/png", "html": "text/html"}


def label_name(label: str | float) -> str:
    """Write a label as the name of a JSON member: true is `true`, as in `prediction`."""
    return label if isinstance(label, str) else json.dumps(label)


def _present() -> Any:
    return Field(default=None, exclude_if=partial(is_, None))


class TrialRow(BaseModel):
    """One trial, for people: its value on val if it was completed, and why it failed if it did.

    `value` is the metric; `values` are all of several objectives, and absent where it is alone.
    """

    number: int
    state: str
    value: float | str | None
    values: list[float | str] | None = _present()
    params: dict[str, Any]
    rounds: int | None
    failure: str | None
    attempt: int
    started_at: Time | None
    completed_at: Time | None


class Explanation(BaseModel):
    """Additive contributions in raw-score space: base value and contributions sum to the score.

    For many classes, of the class that is predicted. Where only the features that moved the answer
    most are told, the strongest first, `others` is the sum of the rest.
    """

    space: str
    base_value: float
    contributions: dict[str, float]
    others: float | None = _present()


class Prediction(BaseModel):
    """The answer for one row. `probability` is of the second class, or of the predicted one.

    `bands` says by name which band the probability is in, as stored with the model. What does not
    apply to the task, or was not asked for, is absent.
    """

    prediction: str | int | float | bool
    probability: float | None = _present()
    probabilities: dict[str, float] | None = _present()
    threshold: float | None = _present()
    bands: dict[str, str] | None = _present()
    passthrough: dict[str, Any] | None = _present()
    explanation: Explanation | None = _present()


class Predictions(BaseModel):
    """The answers, in the order of the rows, and who gave them."""

    predictions: list[Prediction]
    model: str
    model_id: str
    version: int
    request_id: str
    warnings: list[str]


class FeatureImportance(BaseModel):
    """One feature; the shares of all features sum to 1.

    `deviation` is the standard deviation over repeated permutations; `classes` are the mean
    absolute contributions to each of many classes.
    """

    feature: str
    importance: float
    share: float
    deviation: float | None = _present()
    classes: dict[str, float] | None = _present()


class Importances(BaseModel):
    """All features, the most important first.

    `shap` is the mean absolute contribution (Lundberg and Lee 2017, "A unified approach to
    interpreting model predictions"), summed over classes; `native` is the library's; `permutation`
    is by how much the metric gets worse, which is `metric_value` while nothing is permuted. `space`
    says what is measured: the raw score that contributions sum to, or the metric.
    """

    importances: list[FeatureImportance]
    method: Method
    space: str
    split: Part | None
    samples: int
    seed: int | None
    repeats: int | None = _present()
    metric_value: float | None = _present()
    model: str
    model_id: str
    version: int
    request_id: str
    warnings: list[str]


class Alive(BaseModel):
    """The process answers."""

    status: str = "ok"


class Ready(BaseModel):
    """It can work: the backends that were asked answered, or models are loaded that do without.

    `degraded` if one of the models is not the one that was promoted last; it says why.
    """

    status: Literal["ok", "degraded"] = "ok"
    backends: dict[str, str] = Field(default_factory=dict)
    models: dict[str, str] = Field(default_factory=dict)


class Version(BaseModel):
    """What runs here."""

    version: str
    commit: str
    backend: str
    python: str
