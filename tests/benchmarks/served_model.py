"""The models that tests/benchmarks/serving.py serves: 15 numbers, 5 categories, two classes."""

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

from mlsys.domain.artifacts import Model, Postprocess, model_files
from mlsys.domain.choices import ModelType, TaskType
from mlsys.domain.encoding import encode_examples, encode_frame
from mlsys.domain.learners.table import learner
from mlsys.domain.model_records import ModelVersion, VersionStatus
from mlsys.domain.planning import fit_plan
from mlsys.domain.records import File
from mlsys.domain.scoring.table import FILE_NAMES
from mlsys.repositories.models import MODEL_VERSIONS
from mlsys.runtime import Runtime
from mlsys.use_cases.model_heads import PromoteRequest, promote, registering
from mlsys.use_cases.registry import model_id_of
from tests.benchmarks.ours import told_table

COLUMNS = 20
ASKED_ROWS = 100
BUCKET = "artifacts"


@dataclass(frozen=True)
class ServedModel:
    """A model, rows that every contestant is asked for, and what it says of them."""

    model_type: ModelType
    model: Model
    rows: list[dict[str, Any]]
    scores: list[float]

    @property
    def name(self) -> str:
        """What it is registered as."""
        return self.model_type.value

    def publish(self, runtime: Runtime) -> None:
        """Register it as the study job does, and promote it to production."""
        files = {}
        for name, content in model_files(self.model_type, self.model).items():
            uri = f"gs://{BUCKET}/models/{self.name}/v1/{name}"
            runtime.objects.put_once(uri, content)
            digest = sha256(content).hexdigest()
            files[name] = File(uri=uri, sha256=digest, size_bytes=len(content))
        now, records = runtime.now(), runtime.records
        number, writes = registering(self.name, op_id=uuid4().hex, at=now, records=records)
        version = ModelVersion(
            id=model_id_of(self.name, number),
            name=self.name,
            version=number,
            status=VersionStatus.READY,
            created_at=now,
            experiment_id="benchmark",
            split_id="benchmark",
            model_type=self.model_type.value,
            task=self.model.plan.task_kind,
            files=files,
            maximize=False,
        )
        records.commit([*writes, MODEL_VERSIONS.creation(version.id, version)])
        promote(version.id, PromoteRequest(stage="production"), records=records, now=now)

    def leave(self, folder: Path) -> None:
        """Write it where servers/scorers.py looks for it: the library's file, and what to know."""
        folder.mkdir(exist_ok=True)
        file = FILE_NAMES[self.model_type]
        (folder / file).write_bytes(self.model.booster.to_bytes())
        features = self.model.plan.features
        about = {
            "library": self.model_type.value,
            "file": file,
            "numbers": [one.name for one in features if one.kind == "numeric"],
            "words": {one.name: one.vocabulary for one in features if one.kind == "category"},
            "labels": self.model.plan.labels,
        }
        (folder / "about.json").write_text(json.dumps(about))


def served_model(model_type: ModelType, *, rows: int, trees: int) -> ServedModel:
    """Fit so many trees to so many rows; the same at each call."""
    table = told_table(rows + ASKED_ROWS, COLUMNS)
    train, asked = table.head(rows), table.tail(ASKED_ROWS).drop("target")
    plan = fit_plan(train, target="target", task_type=TaskType.CLASSIFICATION)
    library, threads = learner(model_type), 1
    binned = library.bin(encode_examples(plan, train), None, task=plan.task, threads=threads)
    booster = library.fit(binned, task=plan.task, params={}, rounds=trees, threads=threads, seed=7)
    model = Model(plan, booster, Postprocess())
    scores = model.predict(encode_frame(plan, asked)).tolist()
    return ServedModel(model_type, model, asked.to_dicts(), scores)
