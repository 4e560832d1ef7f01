"""Hundreds of studies of several processes, each going wrong as its seed says, on a virtual clock.

Processes are killed, stopped for longer than a lease, told to end and started twice, and their
writes or the answers to these are lost; in between, any of their threads may act.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import optuna
import pytest
import structlog

from mlsys.domain.errors import AlreadyExists, Conflict
from mlsys.ports import Document, Json, Write
from mlsys.use_cases.leading.leases import Lease
from mlsys.use_cases.trials.held_trial import HeldTrial
from mlsys.use_cases.trials.table import TrialTable
from tests.use_cases.trials.played import FAULTS, FaultyRecords, Play

SEEDS = 150
SEEDS_OF_A_CONTROL = 50
MEMORY = Path("/dev/shm")  # noqa: S108 - a disk that syncs would take most of the time


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    silent = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=silent)
    yield
    optuna.logging.set_verbosity(verbosity)


def test_whatever_goes_wrong_each_trial_is_made_and_counted_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found, injected = {}, Counter[str]()

    for seed in range(SEEDS):
        play, violations = performed(seed)
        injected += play.injected
        if violations:
            found[seed] = violations

    with capsys.disabled():
        print(f"\n{SEEDS} plays, {dict(injected)}, {len(found)} with violations")  # noqa: T201
    assert set(injected) == {"request lost", "answer lost", *FAULTS}
    assert found == {}


def test_a_seed_plays_the_same_again() -> None:
    first, second = (performed(7)[0] for _ in range(2))

    written, again = (
        [(one.process, one.id, one.body.get("state"), one.seconds) for one in play.journal.entries]
        for play in (first, second)
    )
    assert written == again


def any_running(_: TrialTable, seen: Document) -> bool:
    return bool(seen.body["state"] == "RUNNING")


def lost_at_any_conflict(held: HeldTrial, _: Json) -> None:
    held.lost = True
    held.check()


def without_the_lease(lease: Lease, writes: list[Write]) -> list[Document | None]:
    return lease._records.commit(writes) if writes else []  # noqa: SLF001


WITHOUT: dict[str, tuple[type, str, object, str]] = {
    "precondition": (FaultyRecords, "overwritten", (Conflict,), "changed after its end"),
    "create": (FaultyRecords, "overwritten", (AlreadyExists,), "written by who had lost it"),
    "look at the lease": (TrialTable, "_is_abandoned", any_running, "written by who had lost it"),
    "own token": (HeldTrial, "_look_again", lost_at_any_conflict, "counted by nobody"),
    "leader's fence": (Lease, "commit", without_the_lease, "written by who does not lead"),
}


@pytest.mark.parametrize(("place", "name", "instead", "wrong"), WITHOUT.values(), ids=WITHOUT)
def test_without_a_guard_a_play_is_found_that_goes_wrong(
    monkeypatch: pytest.MonkeyPatch, place: type, name: str, instead: object, wrong: str
) -> None:
    monkeypatch.setattr(place, name, instead)

    plays = (performed(seed)[1] for seed in range(SEEDS_OF_A_CONTROL))

    assert any(one.startswith(wrong) for violations in plays for one in violations)


def performed(seed: int) -> tuple[Play, list[str]]:
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as home:
        play = Play(seed, Path(home))
        return play, play.perform()
