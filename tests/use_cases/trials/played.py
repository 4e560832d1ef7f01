"""A study of several processes, all in this one, that go wrong as a seed says.

The storage, the slots, the lease and the lead are the real ones; their clock, their sleep and
their locks are the stage's. What beats in a thread of its own in a process does so here.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any, ClassVar, TypedDict

import optuna
import pytest
from optuna import Trial

from mlsys.adapters.documents import address
from mlsys.adapters.local.objects import FileObjects
from mlsys.domain.errors import Conflict, LostRace, MlsysError, Unavailable
from mlsys.domain.experiment_records import Experiment, ExperimentStatus
from mlsys.ports import Create, Delete, Document, Json, Page, Replace, Write
from mlsys.repositories.experiments import EXPERIMENTS
from mlsys.use_cases.leading import lead, leases
from mlsys.use_cases.leading.ends import End, Limits
from mlsys.use_cases.leading.lead import House, Worker, claim_lead, leader_is_ours
from mlsys.use_cases.leading.settling import counted
from mlsys.use_cases.trials import held_trial, slots, table
from mlsys.use_cases.trials.documents import parts_of
from mlsys.use_cases.trials.slots import Slots
from mlsys.use_cases.trials.storage import TrialStorage
from tests.use_cases.trials.broken_records import ClockedRecords
from tests.use_cases.trials.journal import Journal, value_of
from tests.use_cases.trials.short_trials import LEASE_SECONDS, MINIMIZE
from tests.use_cases.trials.stage import Cast, Killed, Stage, StageEvent

TRIALS = 6
TASKS = 3
EXPERIMENT_ID = "exp-1"
BEATS_PER_LEASE = 8
CALM_AFTER_TURNS = 500
START = datetime(2026, 1, 1, tzinfo=UTC)
LOST = 0.03
FAULTS = {"killed": 0.005, "stopped": 0.01, "terminated": 0.002}


class _Told(TypedDict):
    worker: Worker
    house: House
    stop: Event


class Play:
    """One study, from its first process to the end of its last."""

    def __init__(self, seed: int, home: Path) -> None:
        self.records = ClockedRecords(home / "records.db")
        self.objects = FileObjects(home)
        self.stage = Stage(seed, let_pass=self.records.let_pass)
        self.journal = Journal(LEASE_SECONDS)
        self.injected: Counter[str] = Counter()
        self.numbers = count(1)

    def perform(self) -> list[str]:
        """Play it, and return what is wrong in the end."""
        TrialStorage(self.records).create_new_study(MINIMIZE, EXPERIMENT_ID)
        experiment = Experiment(
            id=EXPERIMENT_ID,
            name="toys",
            status=ExperimentStatus.LAUNCHED,
            created_at=START,
            updated_at=START,
            request={},
            request_id="r-1",
        )
        EXPERIMENTS.create(EXPERIMENT_ID, experiment, records=self.records)
        for task in range(TASKS):
            Process(self, "study-1", task).start()
        for task in range(2):
            Process(self, "study-2", task).start()
        with pytest.MonkeyPatch.context() as patch:
            for module in (held_trial, slots):
                patch.setattr(module, "time", self.stage)
            for module in (held_trial, table):
                patch.setattr(module, "threading", self.stage)
            patch.setattr(lead, "monotonic", self.stage.monotonic)
            patch.setattr(leases, "Lock", self.stage.Lock)
            self.stage.play()
        return self.journal.violations(EXPERIMENT_ID, trials=TRIALS)

    def fault(self, *, lost: str) -> str | None:
        """Draw what goes wrong now, if anything; in the end nothing does."""
        calm = self.stage.turns > CALM_AFTER_TURNS
        luck = self.stage.chance.random()
        for fault, likely in {lost: LOST, **FAULTS}.items():
            luck -= likely
            if luck < 0 and not calm:
                self.injected[fault] += 1
                return fault
        return None


class Process(Cast):
    """One process of the job, which is started again after a failure."""

    def __init__(self, play: Play, execution: str, task: int) -> None:
        super().__init__()
        self._play = play
        self._stage = play.stage
        self._number = next(play.numbers)
        self._worker = Worker(execution, task, TASKS, threads=1, lease_seconds=LEASE_SECONDS)
        self._stop = StageEvent(play.stage)
        self._over = False
        self._records = FaultyRecords(play, self, self._number)
        self._house = House(self._records, play.objects, "artifacts", lambda: START)

    def start(self) -> None:
        """Let it begin with its next turn."""
        self._stage.enter(self, self._run)

    def suffer(self, fault: str | None) -> None:
        """Be killed, stopped for a while, or told to end."""
        if fault == "killed":
            self.killed = True
        elif fault == "stopped":
            pause = self._stage.chance.uniform(0.2, 3) * LEASE_SECONDS
            self.stopped_until = self._stage.seconds + pause
        elif fault == "terminated":
            self._stop.set()
        if fault in {"killed", "stopped"}:
            self._stage.pass_on()

    def _run(self) -> None:
        done = False
        try:
            done = self._share()
        except (Conflict, Killed, Unavailable):
            self._play.journal.died.add(self._number)
        self._over = True
        if not done:
            Process(self._play, self._worker.execution_id, self._worker.task).start()

    def _share(self) -> bool:
        """Do what `run_study` does, without the learning; return whether it need not come again."""
        told = _Told(worker=self._worker, house=self._house, stop=self._stop)
        if EXPERIMENTS.get(EXPERIMENT_ID, records=self._records).value.status.final:
            return True
        if self._worker.task > 0:
            return not leader_is_ours(EXPERIMENT_ID, **told) or self._search() is not None
        lead = claim_lead(EXPERIMENT_ID, **told)
        if lead is None:
            return not self._stop.is_set()
        self._beat(lead.lease.renew, lost=self._stop)
        with suppress(LostRace):
            lead.change({"status": ExperimentStatus.RUNNING})
            study = self._search()
            if study is None:
                return False
            lead.change({"status": ExperimentStatus.SUCCEEDED, "trials": counted(study)})
        return True

    def _search(self) -> optuna.Study | None:
        """Work as `work` does, with one slot; None if it was stopped."""
        storage = TrialStorage(self._records, max_trials=TRIALS, lease_seconds=LEASE_SECONDS)
        study = optuna.load_study(
            study_name=EXPERIMENT_ID,
            storage=storage,
            sampler=optuna.samplers.RandomSampler(seed=self._number),
        )
        slots = Slots(
            study,
            self._objective,
            storage,
            stop=self._stop,
            limits=Limits(),
            draw=None,
            on_finished=lambda trial: self._play.journal.count(self._number, trial.number),
            interrupted=lambda: None,
            catch=(Exception,),
            poll_seconds=0,
        )
        self._beat(lambda: storage.release_all() if self._stop.is_set() else storage.renew_due())
        slots.run()
        return None if slots.outcome().end is End.STOPPED else study

    def _objective(self, trial: Trial) -> float:
        trial.suggest_float("x", 0, 1)
        for step in range(2):
            self._stage.sleep(self._stage.chance.uniform(0, LEASE_SECONDS / 4))
            trial.report(1.0, step)
        _, number, attempt = parts_of(trial._trial_id)  # noqa: SLF001
        return value_of(number, attempt, self._number)

    def _beat(self, beat: Callable[[], object], *, lost: Any = None) -> None:
        """Beat in a thread of its own, until the process has ended or its lease is lost."""

        def beats() -> None:
            while not self._over:
                self._stage.sleep(LEASE_SECONDS / BEATS_PER_LEASE)
                try:
                    beat()
                except Conflict:
                    lost.set()
                    return
                except Unavailable:
                    continue

        self._stage.enter(self, beats)


class FaultyRecords:
    """The records as one process sees them: others act before each call, and answers are lost."""

    overwritten: ClassVar[tuple[type[MlsysError], ...]] = ()

    def __init__(self, play: Play, process: Process, number: int) -> None:
        self._play = play
        self._process = process
        self._number = number

    def get(self, collection: str, id: str) -> Document:
        self._wait()
        return self._play.records.get(collection, id)

    def get_many(self, collection: str, ids: Sequence[str]) -> dict[str, Document]:
        self._wait()
        return self._play.records.get_many(collection, ids)

    def query(self, collection: str, **asked: Any) -> Page:
        self._wait()
        return self._play.records.query(collection, **asked)

    def create(self, collection: str, id: str, body: Json) -> Document:
        [written] = self.commit([Create(collection, id, body)])
        assert written is not None
        return written

    def replace(self, seen: Document, body: Json) -> Document:
        [written] = self.commit([Replace(seen, body)])
        assert written is not None
        return written

    def commit(self, writes: Sequence[Write]) -> list[Document | None]:
        self._wait()
        fault = self._play.fault(lost="answer lost")
        written = self._applied(writes)
        self._play.journal.note(self._number, written, self._play.stage.seconds)
        self._process.suffer(fault)
        if fault == "answer lost":
            raise Unavailable("the answer was lost")
        return written

    def _wait(self) -> None:
        """Let others act, and perhaps much time pass, before a call arrives; or lose it."""
        fault = self._play.fault(lost="request lost")
        self._process.suffer(fault)
        self._play.stage.pass_on()
        if fault == "request lost":
            raise Unavailable("the request was lost")

    def _applied(self, writes: Sequence[Write]) -> list[Document | None]:
        try:
            return self._play.records.commit(writes)
        except self.overwritten:
            return self._play.records.commit([self._as_it_stands(one) for one in writes])

    def _as_it_stands(self, write: Write) -> Write:
        if isinstance(write, Delete):
            return write
        collection, id = address(write)
        found = self._play.records.get_many(collection, [id]).get(id)
        return write if found is None else Replace(found, write.body)
