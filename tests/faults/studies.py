"""A study in real processes, and what may not be wrong with it in the end."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from mlsys.domain.errors import MlsysError
from mlsys.domain.experiment_records import Experiment, ExperimentStatus
from mlsys.domain.messages import ExperimentRequest
from mlsys.domain.model_records import VersionStatus
from mlsys.ports import Json
from mlsys.repositories import EXPERIMENTS, MODEL_VERSIONS
from mlsys.runtime import Runtime
from mlsys.settings import Settings
from mlsys.use_cases.experiments import find_or_create, requested
from tests.use_cases.uploads import TARGET, Platform, csv_rows, ready
from tests.waiting import PATIENCE_SECONDS

STUDY = "mlsys.handlers.study"
UNFENCED = "tests.faults.unfenced_study"
LEASE_SECONDS = 1.5
TRIALS = 60

Process = subprocess.Popen[bytes]


@dataclass
class Scene:
    """One experiment in a home of its own, and the processes at it."""

    home: Path
    trials: int = TRIALS
    request: ExperimentRequest = field(init=False)
    experiment_id: str = field(init=False)

    def __post_init__(self) -> None:
        platform = Platform(self.home)
        platform.drop("toys/dataset.json", TARGET)
        split = ready(platform.split("toys/table.csv", csv_rows(1500)))
        self.request = ExperimentRequest.model_validate(
            {
                "split_id": split.id,
                "name": "toys",
                "target_column": "y",
                "task_type": "classification",
                "model_type": "lightgbm",
                "optuna_config": {"n_trials": self.trials, "sampler": "Random"},
                "request_id": uuid4().hex,
            }
        )
        experiment = requested(self.request, now=datetime.now(UTC))
        self.experiment_id = find_or_create(experiment, records=self.runtime.records).value.id

    @property
    def runtime(self) -> Runtime:
        """The home, as any process sees it."""
        return Runtime(Settings(home=self.home))

    def environment(self) -> dict[str, str]:
        """Return what the job is told by its environment."""
        return {
            "MLSYS_HOME": str(self.home),
            "MLSYS_LEASE_SECONDS": str(LEASE_SECONDS),
            "MLSYS_THREADS": "1",
            "MLSYS_LOG_LEVEL": "error",
            "PYTHONPATH": os.pathsep.join(["shared", "."]),
        }

    @contextmanager
    def process(self, module: str = STUDY, **variables: str) -> Iterator[Process]:
        """Start the job; it is dead when the block ends."""
        with subprocess.Popen(
            [sys.executable, "-m", module, "--experiment", self.experiment_id],
            env={**os.environ, **self.environment(), **variables},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def run(self, **variables: str) -> int:
        """Let one process do its share; return its exit code."""
        with self.process(**variables) as process:
            return process.wait(PATIENCE_SECONDS)

    def experiment(self) -> Experiment:
        """Read the experiment."""
        return EXPERIMENTS.get(self.experiment_id, records=self.runtime.records).value

    def trial_bodies(self) -> list[Json]:
        """Read all trials by number."""
        page = self.runtime.records.query(
            f"experiments/{self.experiment_id}/trials", order_by="number", limit=1000
        )
        return [document.body for document in page.documents]

    def finished(self) -> int:
        """Count the trials that have ended."""
        return sum(body["state"] not in {"RUNNING", "WAITING"} for body in self.trial_bodies())

    def held(self) -> int:
        """Count the trials that somebody runs, or died with."""
        return sum(
            body["state"] == "RUNNING" and bool(body["owner"]) for body in self.trial_bodies()
        )

    def outcome(self) -> list[object]:
        """Return all that must not change any more once the study has ended."""
        versions = MODEL_VERSIONS.list(records=self.runtime.records).values
        return [self.experiment(), self.trial_bodies(), versions]

    def violations(self) -> list[str]:
        """Return what is wrong with a study that should have ended well."""
        experiment, bodies = self.experiment(), self.trial_bodies()
        numbers = [body["number"] for body in bodies]
        versions = MODEL_VERSIONS.list(records=self.runtime.records).values
        made = [one for one in versions if one.status is VersionStatus.READY]
        found = []
        if experiment.status is not ExperimentStatus.SUCCEEDED:
            found.append(f"the experiment is {experiment.status}: {experiment.failure}")
        if numbers != list(range(self.trials)):
            found.append(f"wanted {self.trials} dense numbers, got {numbers}")
        if self.finished() != len(bodies):
            found.append(f"{len(bodies) - self.finished()} trials have not finished")
        if sum(experiment.trials.values()) != self.trials:
            found.append(f"the record counts {experiment.trials}")
        if [one.id for one in made] != [experiment.model_id]:
            found.append(f"{[one.id for one in made]} are READY, named is {experiment.model_id}")
        for version in made:
            for file in version.files.values():
                try:
                    self.runtime.objects.read(file.uri, sha256=file.sha256)
                except MlsysError as error:
                    found.append(str(error))
        return found
