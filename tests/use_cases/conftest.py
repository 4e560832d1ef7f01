"""Local homes: one with a split ready to learn from, one with models trained on it."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import polars as pl
import pytest

from mlsys.adapters.local.jobs import SubprocessJobs
from mlsys.domain.answers import Predictions
from mlsys.domain.experiment_records import Experiment, ExperimentStatus
from mlsys.domain.messages import ExperimentRequest, UploadFinished
from mlsys.domain.records import Part
from mlsys.domain.split_records import Split
from mlsys.handlers.study import handle
from mlsys.repositories.splits import SPLITS
from mlsys.runtime import Runtime
from mlsys.settings import Settings
from mlsys.use_cases.experiments import find_or_create, requested
from mlsys.use_cases.predict import PredictRequest, answer_rows
from mlsys.use_cases.serving.loaded_models import LoadedModels
from mlsys.use_cases.split import split_upload
from tests.homes import copy_home, home_of_all
from tests.use_cases.confined.children import Child
from tests.use_cases.splitting.ingestions import Scene
from tests.waiting import PATIENCE_SECONDS

NOW = datetime(2026, 11, 1, tzinfo=UTC)
OTHERS = ("grade", "heavy", "price", "day")
FEATURES = ["size", "colour", "noise", "day"]

RISK = {"cut_points": [0.2, 0.6], "labels": ["low", "medium", "high"]}
MODELS: dict[str, dict[str, Any]] = {
    "lightgbm": {"model_type": "lightgbm"},
    "xgboost": {"model_type": "xgboost"},
    "catboost": {"model_type": "catboost"},
    "whole": {"target_column": "grade", "model_type": "catboost", "feature_columns": FEATURES},
    "truth": {
        "target_column": "heavy",
        "model_type": "xgboost",
        "feature_columns": ["colour", "noise", "price"],
    },
    "value": {
        "target_column": "price",
        "model_type": "lightgbm",
        "task_type": "regression",
        "feature_columns": [*FEATURES, "heavy"],
    },
    "mended": {
        "model_type": "xgboost",
        "calibration": "sigmoid",
        "threshold_metric": "f1",
        "postprocess": {"bands": {"risk_level": RISK}},
    },
    "parted": {
        "target_column": "grade",
        "model_type": "lightgbm",
        "feature_columns": FEATURES,
        "calibration": "isotonic",
    },
    "kept": {
        "target_column": "price",
        "model_type": "xgboost",
        "task_type": "regression",
        "feature_columns": FEATURES,
        "postprocess": {"clip": {"lower": 12, "upper": 15.5}},
    },
}
"""Two classes of text with each library, whole numbers as classes, booleans, a regression; two
classes that are calibrated and in bands, many that are calibrated, a regression within bounds."""


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A home whose job runs until it is stopped."""
    scene = Scene(tmp_path / "home")
    yield scene
    scene.jobs.stop_all()


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Child:
    """A child that runs what it is given, in a folder of its own."""
    child = Child(tmp_path)
    monkeypatch.syspath_prepend(child.folder)
    return child


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(Settings(home=tmp_path / "home", threads=1))


@pytest.fixture
def ready_split(runtime: Runtime, home_with_a_split: Path) -> Split:
    """The split of a home of this test alone."""
    copy_home(home_with_a_split, runtime.settings.home)
    [split] = SPLITS.list(records=runtime.records).values
    return split


@pytest.fixture
def jobs(runtime: Runtime) -> Iterator[SubprocessJobs]:
    """A study job that runs until it is stopped."""
    jobs = SubprocessJobs(runtime.settings.home, {"study": ["sleep", "60"]}, grace_seconds=0.5)
    yield jobs
    jobs.stop_all()


@pytest.fixture
def trained(tmp_path: Path, trained_home: Path) -> Runtime:
    """The trained models in a home of this test alone."""
    home = tmp_path / "trained"
    copy_home(trained_home, home)
    return Runtime(Settings(home=home, threads=1))


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let who waits for a pointer do so however slow this machine is."""
    for name in ("PATIENCE_SECONDS", "IN_TROUBLE_SECONDS"):
        monkeypatch.setattr(f"mlsys.use_cases.serving.pointers.{name}", PATIENCE_SECONDS)


@pytest.fixture(scope="session")
def served(trained_home: Path) -> LoadedModels:
    """The trained models, for tests that change nothing."""
    return Runtime(Settings(home=trained_home)).models


@pytest.fixture(scope="session")
def held_out(trained_home: Path) -> pl.DataFrame:
    """The test rows that no trained model has seen."""
    return rows_of("test", Runtime(Settings(home=trained_home)))


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory, home_with_a_split: Path) -> Path:
    """Every model of `MODELS` in production; `lightgbm` has a second version, which is not."""

    def make(home: Path) -> None:
        copy_home(home_with_a_split, home)
        runtime = Runtime(Settings(home=home, threads=1))
        [split] = SPLITS.list(records=runtime.records).values
        for name, fields in MODELS.items():
            wish = {"stage": "production", "gates": {"must_improve": False}}
            train(split, runtime, name=name, auto_promote=wish, **fields)
        train(split, runtime, name="lightgbm", request_id="again")

    return home_of_all(tmp_path_factory, "trained", make)


@pytest.fixture(scope="session")
def home_with_a_split(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 rows: `size` and `colour` tell `kind`, `noise` tells nothing, `id` is a key.

    What is ignored are targets of other types, and features for those who ask for them.
    """
    return home_of_all(tmp_path_factory, "with-a-split", drop_the_table)


def drop_the_table(home: Path) -> None:
    """Split it."""
    runtime = Runtime(Settings(home=home))
    rows = ["id,size,colour,noise,kind,grade,heavy,price,day"]
    for row in range(200):
        kind = "big" if row % 3 == 0 else "small"
        size = 5 + row % 7 + (4 if kind == "big" else 0)
        colour = ("red", "green", "blue")[row % 5 % 3] if row % 4 else ""
        ignored = f"{(2, 10, 33)[row % 3]},{str(size > 9).lower()},{size * 1.5 + row % 2}"
        day = f"2026-{1 + row % 12:02}-{1 + row % 28:02}"
        rows.append(f"k{row},{size},{colour},{row * 37 % 101},{kind},{ignored},{day}")
    roles = {"id": "key", "kind": "target", **dict.fromkeys(OTHERS, "ignore")}
    dataset: dict[str, Any] = {
        "contract": {"columns": {name: {"role": role} for name, role in roles.items()}},
        "split": {"strategy": "stratified"},
    }
    runtime.objects.put("gs://uploads/toys/dataset.json", json.dumps(dataset).encode())
    dropped = runtime.objects.put("gs://uploads/toys/table.csv", "\n".join(rows).encode())
    split_upload(
        UploadFinished(bucket="uploads", name="toys/table.csv", generation=dropped.generation),
        workshop=runtime.workshop({}),
        uploads_bucket="uploads",
    )


def request_of(split: Split, **fields: Any) -> ExperimentRequest:
    """Ask for a study of the trained homes' split."""
    return ExperimentRequest.model_validate(
        {
            "split_id": split.id,
            "name": "toys",
            "target_column": "kind",
            "task_type": "classification",
            "model_type": "lightgbm",
            "request_id": "r-1",
            **fields,
        }
    )


def asked_for(split: Split, runtime: Runtime, **fields: Any) -> Experiment:
    """Record an experiment as the launcher finds it."""
    request = request_of(split, **{"optuna_config": {"n_trials": 3}, **fields})
    return find_or_create(requested(request, now=NOW), records=runtime.records).value


def train(split: Split, runtime: Runtime, **fields: Any) -> Experiment:
    """Run a study of one trial to its end."""
    asked = {"optuna_config": {"n_trials": 1}, "request_id": fields["name"], **fields}
    ended = handle(asked_for(split, runtime, **asked).id, runtime, environment={}, stop=Event())
    assert ended.status is ExperimentStatus.SUCCEEDED, ended.failure
    return ended


def predict_rows(request: PredictRequest, *, models: LoadedModels, request_id: str) -> Predictions:
    """Answer what `POST /v1/predict` is asked."""
    found = models.find(request)
    told = answer_rows(found, request.instances, request.parameters, request_id=request_id)
    return Predictions.model_validate(told, strict=True, extra="forbid")


def rows_of(part: Part, runtime: Runtime) -> pl.DataFrame:
    """Read a part of the only split."""
    [split] = SPLITS.list(records=runtime.records).values
    return pl.read_parquet(io.BytesIO(runtime.objects.read(split.files[part].uri)))
