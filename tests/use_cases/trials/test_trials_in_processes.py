"""Workers that are killed and stopped: the budget is met exactly, and losers leave nothing."""

# ruff: noqa: S311  # chance, not secrets

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from optuna.trial import FrozenTrial, TrialState

from tests.use_cases.trials.trial_worker import Order, storage_of
from tests.waiting import wait_for

Worker = subprocess.Popen[bytes]


@pytest.mark.parametrize("fenced", [True, False], ids=["fence", "no fence"])
def test_a_worker_stopped_for_longer_than_its_lease_leaves_nothing(
    tmp_path: Path, *, fenced: bool
) -> None:
    order = Order(str(tmp_path), trials=4, lease_seconds=0.4, trial_seconds=0.3, fenced=fenced)

    with _workers(replace(order, stops=True), 1) as [zombie]:
        wait_for(lambda: "State:\tT" in Path(f"/proc/{zombie.pid}/status").read_text())
        with _workers(order, 1) as [heir]:
            wait_for(lambda: heir.poll() is not None)
        zombie.send_signal(signal.SIGCONT)
        wait_for(lambda: zombie.poll() is not None)

    lost = _log(order)[0]["number"]
    assert max(line["attempt"] for line in _log(order) if line["number"] == lost) == 2
    assert bool(_violations(order)) is not fenced


def test_killed_stopped_and_terminated_workers_make_a_whole_study(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    order = Order(str(tmp_path), trials=36, lease_seconds=0.6, trial_seconds=0.2)
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    faults = [signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM] * 2
    injected: Counter[str] = Counter()

    with _workers(order, 3) as workers:
        wait_for(lambda: _log(order))
        for fault in chance.sample(faults, len(faults)):
            time.sleep(chance.uniform(0.05, 0.3))
            alive = [worker for worker in workers if worker.poll() is None]
            if not alive:
                break
            victim = chance.choice(alive)
            victim.send_signal(fault)
            injected[fault.name] += 1
            if fault is signal.SIGSTOP:
                time.sleep(order.lease_seconds * chance.uniform(0.5, 2))
                victim.send_signal(signal.SIGCONT)
            else:
                workers.append(_start(order))
        wait_for(lambda: all(worker.poll() is not None for worker in workers))

    with capsys.disabled():
        print(f"\n{dict(injected)}, {len(_log(order))} events, seed {seed}")  # noqa: T201
    assert injected.total() >= 3
    assert _violations(order) == [], f"seed {seed}"


def _violations(order: Order) -> list[str]:
    """Compare what is stored with what the workers noted."""
    trials = _trials(order)
    found = []
    if [trial.number for trial in trials] != list(range(order.trials)):
        found.append(f"numbers {[trial.number for trial in trials]}")
    for trial in trials:
        lines = [line for line in _log(order) if line["number"] == trial.number]
        attempts = {line["attempt"]: line["pid"] for line in lines if line["event"] == "started"}
        ends = [line["attempt"] for line in lines if line["event"] == "finished"]
        last = max(attempts)
        if trial.state is TrialState.COMPLETE:
            if (trial.value, trial.user_attrs["pid"]) != (last, attempts[last]):
                found.append(f"trial {trial.number} has a value of a loser, not of {last}")
        elif trial.state is not TrialState.FAIL or last != 3:
            found.append(f"trial {trial.number} is {trial.state.name} after attempt {last}")
        if ends not in ([], [last]):
            found.append(f"trial {trial.number} was finished by attempts {ends}, not {last}")
    return found


def _trials(order: Order) -> list[FrozenTrial]:
    storage = storage_of(order)
    return storage.get_all_trials(storage.get_study_id_from_name("churn"))


def _log(order: Order) -> list[dict[str, int | str]]:
    log = Path(order.folder) / "log"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@contextmanager
def _workers(order: Order, count: int) -> Iterator[list[Worker]]:
    workers = [_start(order) for _ in range(count)]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def _start(order: Order) -> Worker:
    command = [
        sys.executable,
        "-m",
        "tests.use_cases.trials.trial_worker",
        json.dumps(asdict(order)),
    ]
    path = os.pathsep.join(["shared", "."])
    return subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
