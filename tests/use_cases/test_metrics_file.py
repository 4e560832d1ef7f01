"""metrics.json of real studies: complete, strict JSON, and explained in docs/metrics.md."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from mlsys.domain.evaluation.formulas import FORMULAS
from mlsys.domain.split_records import Split
from mlsys.handlers.study import handle
from mlsys.repositories.models import MODEL_VERSIONS
from mlsys.runtime import Runtime
from tests.use_cases.conftest import asked_for

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
ASKED: dict[str, dict[str, Any]] = {
    "plain": {},
    "all": {
        "weight_column": "price",
        "cv_folds": 2,
        "class_weight": "balanced",
        "calibration": "sigmoid",
        "threshold_metric": "balanced_accuracy",
        "slices": ["colour", "day"],
    },
    "many": {"target_column": "grade", "calibration": "isotonic", "slices": ["size"]},
    "value": {"target_column": "price", "task_type": "regression", "slices": ["id"]},
}


def documents(split: Split, runtime: Runtime, fields: dict[str, Any]) -> dict[str, Any]:
    """Run a study to its end, and read the JSON files of its version, strictly."""
    ended = handle(asked_for(split, runtime, **fields).id, runtime, environment={}, stop=Event())
    assert ended.failure is None
    version = MODEL_VERSIONS.get(ended.model_id or "", records=runtime.records).value
    return {
        name: json.loads(runtime.objects.read(file.uri), parse_constant=_refuse)
        for name, file in version.files.items()
        if name.endswith(".json")
    }


def _refuse(constant: str) -> None:
    raise AssertionError(constant)


def fields_of(value: Any) -> Iterator[str]:
    """Name the fields at all depths, but for those that are data: metrics and columns."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            if name not in {"metrics", "baselines", "slices"}:
                yield from fields_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from fields_of(inner)


@pytest.mark.parametrize("fields", ASKED.values(), ids=list(ASKED))
def test_every_field_is_explained(
    ready_split: Split, runtime: Runtime, fields: dict[str, Any]
) -> None:
    found = documents(ready_split, runtime, fields)["metrics.json"]

    named = set(re.findall(r"[`\"](\w+)[`\"]", PAGE.read_text()))
    assert {name for name in fields_of(found) if "/" not in name} - named == set()
    assert found["metric"]["name"] in {name for table in FORMULAS.values() for name in table}
    assert found["test"]["low"] <= found["test"]["value"] <= found["test"]["high"]
    assert found["parts"]["test"]["interval"] == found["test"]
    for name, value in found["parts"]["test"]["metrics"].items():
        assert found[f"test/{name}"] == value


def test_what_was_decided_stands_in_all_files(ready_split: Split, runtime: Runtime) -> None:
    found = documents(ready_split, runtime, ASKED["all"])

    stored = found["postprocess.json"]
    output = found["signature.json"]["output"]
    chosen = found["metrics.json"]["threshold"]
    assert stored["calibration"]["curves"][0]["method"] == output["calibration"] == "sigmoid"
    assert stored["threshold"] == output["threshold"] == chosen["threshold"]
    assert chosen["metric"] == "balanced_accuracy"
    assert chosen["chosen_on"] == "out_of_fold"
    assert (
        chosen["value"]
        == (found["metrics.json"]["parts"]["out_of_fold"]["metrics"]["balanced_accuracy"])
    )
    assert found["metrics.json"]["calibration"] == {
        "method": "sigmoid",
        "fitted_on": "out_of_fold",
    }
    metadata = found["metadata.json"]
    assert metadata["classes"] == output["classes"] == ["big", "small"]
    assert metadata["threshold"] == chosen
    assert metadata["calibration"] == found["metrics.json"]["calibration"]


def test_without_wishes_two_classes_part_at_one_half(ready_split: Split, runtime: Runtime) -> None:
    found = documents(ready_split, runtime, {})

    assert found["metrics.json"]["threshold"] == {"threshold": 0.5}
    assert found["metrics.json"]["calibration"] is None
    assert found["metrics.json"]["slices"] == {}
    assert found["postprocess.json"].pop("threshold") == 0.5
    assert not any(found["postprocess.json"].values())


def test_slices_cover_all_rows_of_their_part(ready_split: Split, runtime: Runtime) -> None:
    found = documents(ready_split, runtime, ASKED["all"])["metrics.json"]

    assert found["slices"].keys() == {"colour", "day"}
    for parts in found["slices"].values():
        assert parts.keys() == {"out_of_fold", "test"}
        for part, slices in parts.items():
            assert sum(one["rows"] for one in slices) == found["parts"][part]["rows"]
