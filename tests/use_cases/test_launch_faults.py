"""Launches that meet each other, or die half way: the job is started once, or once more."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from mlsys.adapters.local.jobs import SubprocessJobs
from mlsys.adapters.local.records import SqliteRecords
from mlsys.domain.errors import Busy, Unavailable
from mlsys.domain.experiment_records import ExperimentStatus
from mlsys.domain.split_records import Split
from mlsys.ports import Document, Execution, Json
from mlsys.runtime import Runtime
from tests.use_cases.conftest import request_of
from tests.use_cases.launches import LONG, deliver, started
from tests.use_cases.trials.broken_records import UnfencedRecords


class Overtaken(SqliteRecords):
    """Lets another delivery come first: calls `first` once, before a replace."""

    first: Callable[[], object] | None = None

    def replace(self, seen: Document, body: Json) -> Document:
        first, self.first = self.first, None
        if first is not None:
            first()
        return super().replace(seen, body)


class OvertakenUnfenced(Overtaken, UnfencedRecords):
    """The same, and then overwrites what the other wrote."""


@pytest.mark.parametrize("fenced", [True, False], ids=["fence", "no fence"])
def test_of_two_deliveries_at_the_same_moment_one_starts_the_job(
    ready_split: Split, runtime: Runtime, jobs: SubprocessJobs, *, fenced: bool
) -> None:
    kind = Overtaken if fenced else OvertakenUnfenced
    records = kind(runtime.settings.home / "records.db")
    request = request_of(ready_split)
    records.first = lambda: deliver(request, runtime, jobs)

    if fenced:
        with pytest.raises(Busy, match="another delivery"):
            deliver(request, runtime, jobs, records=records)
    else:
        deliver(request, runtime, jobs, records=records)

    assert len(started(runtime)) == (1 if fenced else 2)


def test_of_many_racing_deliveries_one_starts_the_job(
    ready_split: Split, runtime: Runtime, jobs: SubprocessJobs
) -> None:
    with ThreadPoolExecutor(8) as pool:
        asked = [
            pool.submit(deliver, request_of(ready_split), runtime, jobs, message_id=f"m-{n}")
            for n in range(8)
        ]

    failures = [one.exception() for one in asked if one.exception()]
    assert all(isinstance(one, Busy) for one in failures)
    assert len(failures) < 8
    assert len(started(runtime)) == 1


class Killed(Exception):
    """What a killed process looks like from inside."""


class DyingJobs(SubprocessJobs):
    """Kills whoever started a job, before it could note which."""

    def start(self, job: str, *, arguments: Sequence[str], tasks: int = 1) -> Execution:
        super().start(job, arguments=arguments, tasks=tasks)
        raise Killed


def test_a_launcher_that_died_after_the_start_is_followed_when_its_lease_is_over(
    ready_split: Split, runtime: Runtime, jobs: SubprocessJobs
) -> None:
    dying = DyingJobs(runtime.settings.home, {"study": LONG}, grace_seconds=0.5)
    with pytest.raises(Killed):
        deliver(request_of(ready_split), runtime, dying)

    with pytest.raises(Busy):
        deliver(request_of(ready_split), runtime, jobs)
    time.sleep(0.2)
    again = deliver(request_of(ready_split), runtime, jobs, lease_seconds=0.1)

    assert again.launches == 2
    assert not jobs.look(str(again.execution_id)).state.final
    assert len(started(runtime)) == 2


class SilentJobs(SubprocessJobs):
    """Cannot be asked to start anything."""

    def start(self, job: str, *, arguments: Sequence[str], tasks: int = 1) -> Execution:
        raise Unavailable(f"{job} {arguments} {tasks}")


def test_a_start_that_failed_for_the_moment_is_tried_again(
    ready_split: Split, runtime: Runtime, jobs: SubprocessJobs
) -> None:
    with pytest.raises(Unavailable):
        deliver(request_of(ready_split), runtime, SilentJobs(runtime.settings.home, {}))

    time.sleep(0.1)
    again = deliver(request_of(ready_split), runtime, jobs, lease_seconds=0.05)

    assert again.status is ExperimentStatus.LAUNCHED
    assert len(started(runtime)) == 1
