"""A model as files, and back: the only door through which a model is loaded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from mlsys.domain.evaluation.calibration import Calibration, calibrated
from mlsys.domain.features import Plan
from mlsys.domain.learners.base import Booster, Floats
from mlsys.domain.messages import ModelType
from mlsys.domain.records import Record
from mlsys.domain.scoring.table import FILE_NAMES, load_booster

PREPROCESS = "preprocess.json"
POSTPROCESS = "postprocess.json"
SIGNATURE = "signature.json"
METRICS = "metrics.json"
METADATA = "metadata.json"


class Postprocess(Record):
    """What is done with a prediction: it is calibrated, then the second class from `threshold` on.

    The threshold is one of calibrated probabilities, and means nothing but for two classes.
    """

    threshold: float = Field(0.5, ge=0, le=1)
    calibration: Calibration | None = None


@dataclass(frozen=True)
class Model:
    """All that a prediction needs."""

    plan: Plan
    booster: Booster
    postprocess: Postprocess

    def predict(self, matrix: Floats) -> Floats:
        """Score rows of (n, k) as people see them: `Booster.predict`, calibrated."""
        return calibrated(self.postprocess.calibration, self.booster.predict(matrix))


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
    plan, calibration = model.plan, model.postprocess.calibration
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
        },
        "feature_schema_version": plan.feature_schema_version,
    }
