"""One worker of a study as a process: `python -m tests.use_cases.trials.trial_worker '{...}'`.

It notes each trial that it starts and finishes in a log that all workers append to.
"""

import json
import os
import random
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import optuna
from optuna.trial import FrozenTrial

from mlsys.adapters.local.records import SqliteRecords
from mlsys.use_cases.trials.documents import parts_of
from mlsys.use_cases.trials.storage import TrialStorage
from mlsys.use_cases.trials.work import work
from tests.use_cases.trials.broken_records import UnfencedRecords


@dataclass(frozen=True)
class Order:
    """What a worker is told: where, how long, and whether to break the rules."""

    folder: str
    trials: int
    lease_seconds: float
    trial_seconds: float
    fenced: bool = True
    stops: bool = False
    """Whether it stops itself, by SIGSTOP, in the first trial that it is the first to work on."""


def storage_of(order: Order) -> TrialStorage:
    """Return the storage that all workers of an order share."""
    kind = SqliteRecords if order.fenced else UnfencedRecords
    return TrialStorage(
        kind(Path(order.folder) / "records.db"),
        max_trials=order.trials,
        lease_seconds=order.lease_seconds,
    )


def main(order: Order) -> None:
    """Work until the budget is finished, or SIGTERM."""
    stop = Event()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: stop.set())
    storage = storage_of(order)
    study = optuna.create_study(
        storage=storage,
        study_name="churn",
        load_if_exists=True,
        sampler=optuna.samplers.RandomSampler(),
    )

    def objective(trial: optuna.Trial) -> float:
        attempt = _note(order, "started", trial.number, trial._trial_id)  # noqa: SLF001
        if order.stops and attempt == 1:
            os.kill(os.getpid(), signal.SIGSTOP)
        trial.set_user_attr("pid", os.getpid())
        trial.suggest_float("x", 0, 1)
        for step in range(5):
            time.sleep(order.trial_seconds / 5 * random.uniform(0.5, 1.5))  # noqa: S311
            trial.report(float(step), step)
        return float(attempt)

    def finished(trial: FrozenTrial) -> None:
        _note(order, "finished", trial.number, trial._trial_id)  # noqa: SLF001

    work(study, objective, storage=storage, stop=stop, on_finished=finished, poll_seconds=0.05)


def _note(order: Order, event: str, number: int, trial_id: int) -> int:
    """Append one line at once, so that a killed worker leaves whole lines only."""
    attempt = parts_of(trial_id)[2]
    line = {"event": event, "number": number, "attempt": attempt, "pid": os.getpid()}
    log = os.open(Path(order.folder) / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, f"{json.dumps(line)}\n".encode())
    os.close(log)
    return attempt


if __name__ == "__main__":
    main(Order(**json.loads(sys.argv[1])))
