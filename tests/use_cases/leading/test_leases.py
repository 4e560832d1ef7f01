"""One worker at a time, by the server's clock, and fenced."""

from threading import Event
from time import sleep

import pytest

from mlsys.domain.errors import Busy, Conflict, NotFound
from mlsys.ports import Create, Records
from mlsys.use_cases.leading import leases
from mlsys.use_cases.leading.leases import Lease, acquire
from tests.waiting import PATIENCE_SECONDS

BRIEF = 0.2


def taken(records: Records, owner: str, *, seconds: float = 60) -> Lease:
    return acquire(records, "leases", "study", owner=owner, seconds=seconds)


def test_the_first_one_gets_it(records: Records) -> None:
    assert taken(records, "a").attempt == 1


def test_another_has_to_wait_while_the_holder_is_heard_of(records: Records) -> None:
    taken(records, "a")

    with pytest.raises(Busy, match="held by a"):
        taken(records, "b")


def test_the_same_owner_takes_over_at_once_as_its_next_attempt(records: Records) -> None:
    first = taken(records, "a")

    second = taken(records, "a")

    assert second.attempt == 2
    with pytest.raises(Conflict):
        first.renew()


def test_silence_for_a_lease_loses_it(records: Records) -> None:
    silent = taken(records, "a", seconds=BRIEF)
    sleep(BRIEF * 1.5)

    taken(records, "b", seconds=BRIEF)

    with pytest.raises(Conflict):
        silent.renew()


def test_a_heartbeat_keeps_it(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "HEARTBEATS_PER_LEASE", 40)  # so many may come late
    lost = Event()

    with taken(records, "a", seconds=2).heartbeat(lost=lost):
        sleep(2.5)

        with pytest.raises(Busy):
            taken(records, "b", seconds=2)

    assert not lost.is_set()


def test_the_heartbeat_says_when_it_is_lost(records: Records) -> None:
    lost = Event()

    with taken(records, "a", seconds=BRIEF).heartbeat(lost=lost):
        taken(records, "a", seconds=BRIEF)

        assert lost.wait(PATIENCE_SECONDS)


def test_who_lost_it_commits_nothing(records: Records) -> None:
    zombie = taken(records, "a")
    taken(records, "a")

    with pytest.raises(Conflict):
        zombie.commit([Create("things", "one", {})])

    with pytest.raises(NotFound):
        records.get("things", "one")


def test_without_the_fence_the_zombie_would_have_written(records: Records) -> None:
    taken(records, "a")
    taken(records, "a")

    records.commit([Create("things", "one", {})])

    assert records.get("things", "one").body == {}


def test_the_holder_commits_as_often_as_it_likes(records: Records) -> None:
    lease = taken(records, "a")

    lease.commit([Create("things", "one", {})])
    lease.commit([Create("things", "two", {})])

    assert set(records.get_many("things", ["one", "two"])) == {"one", "two"}
