"""A process of a study that is told how to fail, forked from a server that imported everything."""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Event, Lock

import pytest

from mlsys import logs
from mlsys.adapters.documents import address, single
from mlsys.adapters.local.records import SqliteRecords
from mlsys.domain.errors import AlreadyExists, Conflict, MlsysError, Unavailable
from mlsys.handlers.study import handle
from mlsys.ports import Create, Delete, Document, Json, Records, Replace, Write
from mlsys.runtime import Runtime
from mlsys.settings import Settings
from mlsys.use_cases.trials.table import TrialTable

OVERWRITTEN: dict[str, tuple[type[MlsysError], ...]] = {
    "precondition": (Conflict,),
    "create": (AlreadyExists,),
}


@dataclass(frozen=True)
class Order:
    """What a process is told.

    Attributes:
        home: where objects, the log of writes and, without a `project`, the records are.
        project: of the records in the Firestore emulator; empty for SQLite.
        experiment_id: the study.
        execution: which execution this process is a task of.
        task: which one.
        tasks: of how many.
        lease_seconds: of the leader and of each trial.
        without: which guard is taken out: `precondition` (of a replace) and `create` overwrite what
            stands there, `batch` writes one document after the other, `takeover` leaves to the
            dead what they ran. Empty is none.
        die_after: after how many writes the process kills itself; 0 is never.
        sleep_in: in its how many-th trial the process stops itself; 0 is never.
        slow_seconds: how long a write may take on its way.
        lost: the share of writes that is not acknowledged, or not even done.
        seed: of what is lost.
        emulator: `host:port` of the Firestore emulator; empty for SQLite.
    """

    home: Path
    project: str
    experiment_id: str
    execution: str = "study-1"
    task: int = 0
    tasks: int = 1
    lease_seconds: float = 1.0
    without: str = ""
    die_after: int = 0
    sleep_in: int = 0
    slow_seconds: float = 0.0
    lost: float = 0.0
    seed: int = 0
    emulator: str = ""

    @property
    def log(self) -> Path:
        """Where every process notes which trial documents it wrote."""
        return self.home / f"{self.experiment_id}.log"


def run(order: Order) -> None:
    """Do one task's share, as the job's main does; exit with 1 if it is to be started again."""
    logs.configure("error")
    if order.emulator:
        os.environ["FIRESTORE_EMULATOR_HOST"] = order.emulator
    sys.stderr = (order.home / "processes.log").open("a")
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = Settings(home=order.home, threads=1, lease_seconds=order.lease_seconds)
    environment = {
        "CLOUD_RUN_EXECUTION": order.execution,
        "CLOUD_RUN_TASK_INDEX": str(order.task),
        "CLOUD_RUN_TASK_COUNT": str(order.tasks),
    }
    runtime = OrderedRuntime(settings, order=order)
    if order.without == "takeover":
        pytest.MonkeyPatch().setattr(TrialTable, "take_over", lambda _: None)
    try:
        ended = handle(order.experiment_id, runtime, environment=environment, stop=stop)
    except MlsysError as error:
        sys.stderr.write(f"{order}: {error!r}\n")
        sys.exit(1)
    sys.exit(1 if stop.is_set() and not ended.status.final else 0)


def records_of(home: Path, project: str) -> Records:
    """Connect to the records that all processes of a test share."""
    if not project:
        return SqliteRecords(home / "records.db")
    from google.cloud import firestore

    from mlsys.adapters.gcp.records import FirestoreRecords

    return FirestoreRecords(firestore.Client(project=project))


@dataclass(frozen=True)
class OrderedRuntime(Runtime):
    """A home whose records do as they are told."""

    order: Order = Order(Path(), "", "")

    @cached_property
    def records(self) -> Records:
        """The shared records, with their faults."""
        return FaultyRecords(records_of(self.order.home, self.order.project), self.order)


class FaultyRecords:
    """Records that lose writes or their acknowledgement, and kill their process."""

    def __init__(self, records: Records, order: Order) -> None:
        self._records = records
        self._order = order
        self._chance = random.Random(f"{order.seed}-{os.getpid()}")  # noqa: S311 - nothing secret
        self._writes = 0
        self._claims: set[str] = set()
        self._counting = Lock()
        self.get = records.get
        self.get_many = records.get_many
        self.query = records.query

    def create(self, collection: str, id: str, body: Json) -> Document:
        return single(self.commit([Create(collection, id, body)]))

    def replace(self, seen: Document, body: Json) -> Document:
        return single(self.commit([Replace(seen, body)]))

    def commit(self, writes: Sequence[Write]) -> list[Document | None]:
        if self._order.without == "batch":
            return [one for write in writes for one in self._faulty([write])]
        return self._faulty(writes)

    def _faulty(self, writes: Sequence[Write]) -> list[Document | None]:
        with self._counting:
            self._writes += 1
            last = self._writes == self._order.die_after
            luck = self._chance.random()
        time.sleep(self._order.slow_seconds * self._chance.random())
        if luck < self._order.lost / 2:
            raise Unavailable("the request was lost")
        written = self._written(writes)
        for one in written:
            if one is not None and "attempt" in one.body and "number" in one.body:
                self._note(one.body)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        if luck < self._order.lost:
            raise Unavailable("the answer was lost")
        return written

    def _written(self, writes: Sequence[Write]) -> list[Document | None]:
        overwritten = OVERWRITTEN.get(self._order.without, ())
        while True:
            try:
                return self._records.commit(writes)
            except overwritten:
                writes = [self._as_it_stands(one) for one in writes]

    def _as_it_stands(self, write: Write) -> Write:
        """Make a write of something that changed meanwhile, or that exists, one that succeeds."""
        if isinstance(write, Delete):
            return write
        collection, id = address(write)
        found = self._records.get_many(collection, [id]).get(id)
        return write if found is None else Replace(found, write.body)

    def _note(self, body: Json) -> None:
        """Append one line at once, so that a killed process leaves whole lines only."""
        line = {name: body[name] for name in ("number", "attempt", "owner", "state")}
        log = os.open(self._order.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(log, f"{json.dumps(line)}\n".encode())
        os.close(log)
        if body["owner"] not in self._claims:
            self._claims.add(body["owner"])
            if len(self._claims) == self._order.sleep_in:
                os.kill(os.getpid(), signal.SIGSTOP)
