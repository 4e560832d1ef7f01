"""Studies of many processes on either backend, and what may not be wrong with them in the end."""

import json
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from mlsys.adapters.local.objects import FileObjects
from mlsys.domain.experiment_records import Experiment, ExperimentStatus
from mlsys.domain.messages import ExperimentRequest
from mlsys.domain.model_records import VersionStatus
from mlsys.domain.split_records import Split
from mlsys.ports import Json, Records
from mlsys.repositories.experiments import EXPERIMENTS
from mlsys.repositories.models import MODEL_VERSIONS
from mlsys.repositories.splits import SPLITS
from mlsys.use_cases.experiments import find_or_create, requested
from tests.faults.processes import stop_between_writes
from tests.faults.study_process import Order, records_of, run
from tests.use_cases.splitting.uploads import TARGET, Platform, csv_rows, ready
from tests.waiting import PATIENCE_SECONDS

PRELOADED = [
    "google.cloud.firestore",
    "lightgbm",
    "mlsys.adapters.gcp.records",
    "mlsys.use_cases.training.material",
    "tests.faults.study_process",
]

Process = ForkServerProcess


def forks() -> ForkServerContext:
    """Return what forks processes that have imported everything already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


@dataclass
class Crowd:
    """Experiments in one home, on one backend, and the processes at them."""

    home: Path
    project: str
    rows: int = 300
    split: Split = field(init=False)
    records: Records = field(init=False)

    def __post_init__(self) -> None:
        platform = Platform(self.home)
        platform.drop("toys/dataset.json", TARGET)
        self.split = ready(platform.split("toys/table.csv", csv_rows(self.rows)))
        self.records = records_of(self.home, self.project)
        if self.project:
            SPLITS.create(self.split.id, self.split, records=self.records)

    def study(self, **config: Any) -> "Study":
        """Ask for a study, and a model, that no other test knows."""
        name = f"toys-{uuid4().hex[:8]}"
        request = ExperimentRequest.model_validate(
            {
                "split_id": self.split.id,
                "name": name,
                "target_column": "y",
                "task_type": "classification",
                "model_type": "lightgbm",
                "optuna_config": {"sampler": "Random", **config},
                "request_id": name,
            }
        )
        asked = find_or_create(requested(request, now=datetime.now(UTC)), records=self.records)
        trials = request.optuna_config.n_trials
        emulator = os.environ.get("FIRESTORE_EMULATOR_HOST", "")
        return Study(
            self, name, trials, Order(self.home, self.project, asked.value.id, emulator=emulator)
        )


@dataclass
class Study:
    """One experiment."""

    crowd: Crowd
    name: str
    trials: int
    order: Order

    @property
    def experiment(self) -> Experiment:
        """The record as it stands."""
        return EXPERIMENTS.get(self.order.experiment_id, records=self.crowd.records).value

    def start(self, stack: ExitStack, **told: Any) -> Process:
        """Start a process; it is dead when the stack is unwound."""
        process = forks().Process(target=run, args=(Order(**(vars(self.order) | told)),))
        process.start()
        stack.callback(process.join)
        stack.callback(process.kill)
        return process

    def run(self, *, patience_seconds: float = PATIENCE_SECONDS, **told: Any) -> int | None:
        """Let one process do its share; return its exit code, or None if it did not end."""
        with ExitStack() as stack:
            process = self.start(stack, **told)
            process.join(patience_seconds)
            return process.exitcode

    def bodies(self) -> list[Json]:
        """Read all trials by number."""
        trials = f"experiments/{self.order.experiment_id}/trials"
        page = self.crowd.records.query(trials, order_by="number", limit=1000)
        return [document.body for document in page.documents]

    def states(self) -> dict[str, int]:
        """Count the trials by state."""
        found = [body["state"] for body in self.bodies()]
        return {state: found.count(state) for state in sorted(set(found))}

    def finished(self) -> int:
        """Count the trials that have ended."""
        counts = self.states()
        return sum(counts.values()) - counts.get("RUNNING", 0) - counts.get("WAITING", 0)

    def done(self) -> list[Json]:
        """Read the trials that were completed."""
        return [body for body in self.bodies() if body["state"] == "COMPLETE"]

    def held(self) -> int:
        """Count the trials that somebody runs."""
        return sum(body["state"] == "RUNNING" and bool(body["owner"]) for body in self.bodies())

    def notes(self) -> list[Json]:
        """Read what the processes noted about the trials they wrote."""
        log = self.order.log
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def outcome(self) -> list[object]:
        """Return all that must not change any more once the study has ended."""
        return [self.experiment, self.bodies(), self._versions()]

    def violations(self, status: ExperimentStatus = ExperimentStatus.SUCCEEDED) -> list[str]:
        """Return what is wrong with a study that should have ended so."""
        experiment, bodies = self.experiment, self.bodies()
        whole = status is ExperimentStatus.SUCCEEDED and experiment.ended_by == "n_trials"
        numbers = [body["number"] for body in bodies]
        versions = self._versions()
        made = [one for one in versions if one.status is not VersionStatus.ABANDONED]
        named = [] if experiment.model_id is None else [experiment.model_id]
        found = []
        if experiment.status is not status:
            found.append(f"it is {experiment.status}: {experiment.failure}")
        if numbers != list(range(self.trials if whole else len(bodies))):
            found.append(f"the numbers are {numbers}")
        if self.finished() != len(bodies) or experiment.trials != self.states():
            found.append(f"the record counts {experiment.trials}, there are {self.states()}")
        if [one.id for one in made] != named or (status is ExperimentStatus.SUCCEEDED) > len(made):
            found.append(f"{[(one.id, one.status) for one in made]} stand, named is {named}")
        if [one.version for one in versions] != list(range(1, len(versions) + 1)):
            found.append(f"the versions are {[one.id for one in versions]}")
        objects = FileObjects(self.crowd.home)
        for file in (file for version in made for file in version.files.values()):
            objects.read(file.uri, sha256=file.sha256)
        return found + [wrong for body in bodies for wrong in self._stolen(body)]

    def _stolen(self, body: Json) -> Iterator[str]:
        """Say whether two had one attempt, or somebody ended a trial that another had."""
        notes = [note for note in self.notes() if note["number"] == body["number"]]
        last = max((note["attempt"] for note in notes), default=0)
        had = {(note["attempt"], note["owner"]) for note in notes if note["owner"]}
        enders = {
            note["owner"]
            for note in notes
            if note["state"] not in {"RUNNING", "WAITING"} and note["attempt"] <= last
        }
        if len(had) > len({attempt for attempt, _ in had}):
            yield f"trial {body['number']}: two had one attempt of {had}"
        if body["attempt"] < last or enders - {body["owner"]}:
            yield f"trial {body['number']}: {body['attempt']} of {last}, ended by {enders}"

    def _versions(self) -> list[Any]:
        where = {"name": self.name}
        found = MODEL_VERSIONS.list(records=self.crowd.records, where=where).values
        return sorted(found, key=lambda one: one.version)


def tell(capsys: pytest.CaptureFixture[str], *counted: object) -> None:
    """Print what a test counted."""
    with capsys.disabled():
        print("\n", *counted)  # noqa: T201


def send(process: Process, what: signal.Signals) -> None:
    """Send a signal to a process, which may have ended."""
    with suppress(ProcessLookupError):
        os.kill(int(process.pid or 0), what)


def sleeps(process: Process) -> bool:
    """Whether a process is stopped."""
    with suppress(OSError):
        status = Path(f"/proc/{process.pid}/stat").read_text()
        return status.rpartition(") ")[2].startswith("T")
    return False


def stop(process: Process, study: Study) -> None:
    """Stop a process, which may have ended, while it keeps no other from going on."""
    if study.crowd.project:
        send(process, signal.SIGSTOP)
        return
    with suppress(ProcessLookupError):
        stop_between_writes(int(process.pid or 0), study.crowd.home)
