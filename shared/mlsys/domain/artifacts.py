"""A model as files, and back: the only door through which a model is loaded."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from pydantic import Field

from mlsys.domain.choices import ModelType
from mlsys.domain.evaluation.calibration import Calibration, calibrated
from mlsys.domain.features import Plan
from mlsys.domain.learners.base import Booster, Floats
from mlsys.domain.postprocessing import Bands, Clip
from mlsys.domain.records import Record
from mlsys.domain.scoring.table import FILE_NAMES, load_booster

PREPROCESS = "preprocess.json"
POSTPROCESS = "postprocess.json"
SIGNATURE = "signature.json"
METRICS = "metrics.json"
METADATA = "metadata.json"


class Postprocess(Record):
    """What is done with a prediction: it is calibrated, then the second class from `threshold` on.

    The threshold is one of calibrated probabilities, as are the bands, which have their names;
    both mean nothing but for two classes. `clip` bounds a regression.
    """

    threshold: float = Field(0.5, ge=0, le=1)
    calibration: Calibration | None = None
    bands: dict[str, Bands] = Field(default_factory=dict)
    clip: Clip | None = None

    def mended(self, prediction: Floats) -> Floats:
        """Calibrate what a booster predicts, and keep it within its bounds."""
        if self.clip is not None and (self.clip.lower, self.clip.upper) != (None, None):
            return np.clip(prediction, self.clip.lower, self.clip.upper)
        return calibrated(self.calibration, prediction)


@dataclass(frozen=True)
class Model:
    """All that a prediction needs."""

    plan: Plan
    booster: Booster
    postprocess: Postprocess

    def predict(self, matrix: Floats) -> Floats:
        """Score rows of (n, k) as people see them: `Booster.predict`, calibrated and clipped."""
        return self.postprocess.mended(self.booster.predict(matrix))

    def predict_row(self, row: Sequence[float]) -> list[float]:
        """Score (k,) a row alone, to the same bits: [value or P(class 1)], or (n_classes,)."""
        scores = self.booster.predict_row(row)
        if self.postprocess.calibration is None and self.postprocess.clip is None:
            return scores
        shaped = np.array(scores if len(scores) == 1 else [scores])
        mended: list[float] = self.postprocess.mended(shaped).ravel().tolist()
        return mended

    @cached_property
    def trees(self) -> int:
        """How many trees a row walks through, as most libraries have one for each score."""
        return self.booster.rounds * self.plan.task.n_scores

    @property
    def score_space(self) -> str:
        """Name what contributions sum to: what the booster says before anything is done with it."""
        mended = self.postprocess.calibration is not None
        if self.plan.task_kind == "regression":
            return "value" if self.postprocess.clip is None else "value before clipping"
        if self.plan.task_kind == "binary":
            return "log-odds before calibration" if mended else "log-odds"
        return "score before softmax and calibration" if mended else "score before softmax"


def needed_files(model_type: ModelType) -> tuple[str, ...]:
    """Name the files that `load_model` wants; the others are for people."""
    return (FILE_NAMES[model_type], PREPROCESS, POSTPROCESS)


def model_files(model_type: ModelType, model: Model) -> dict[str, bytes]:
    """Write a model down, with the signature of what it takes and gives."""
    return {
        FILE_NAMES[model_type]: model.booster.to_bytes(),
        PREPROCESS: json_file(model.plan.model_dump(mode="json")),
        POSTPROCESS: json_file(model.postprocess.model_dump(mode="json")),
        SIGNATURE: json_file(_signature(model)),
    }


def load_model(model_type: ModelType, files: Mapping[str, bytes]) -> Model:
    """Read what `model_files` wrote. Verify the sha256 of each file first."""
    plan = Plan.model_validate_json(files[PREPROCESS])
    content = files[FILE_NAMES[model_type]]
    return Model(
        plan=plan,
        booster=load_booster(model_type, content, task=plan.task),
        postprocess=Postprocess.model_validate_json(files[POSTPROCESS]),
    )


def json_file(value: Any) -> bytes:
    """Write JSON that is the same bytes for the same value, and that people can read."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def _signature(model: Model) -> dict[str, Any]:
    plan, calibration, clip = model.plan, model.postprocess.calibration, model.postprocess.clip
    return {
        "inputs": [
            {"name": one.name, "type": one.kind, "nullable": one.nullable} for one in plan.features
        ],
        "output": {
            "target": plan.target,
            "task": plan.task_kind,
            "classes": list(plan.labels),
            "threshold": model.postprocess.threshold if plan.task_kind == "binary" else None,
            "calibration": calibration.method if calibration else None,
            "bands": {name: list(one.labels) for name, one in model.postprocess.bands.items()},
            "clip": clip.model_dump(mode="json") if clip else None,
        },
        "feature_schema_version": plan.feature_schema_version,
    }
