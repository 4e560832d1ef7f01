"""What `Jobs` promises, on every backend."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlsys.domain.errors import InvalidInput, NotFound
from mlsys.ports import Execution, ExecutionState, Jobs
from tests.waiting import wait_for


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the tasks leave what they found."""
    made = tmp_path / "left"
    made.mkdir()
    return made


def left(folder: Path, what: str, *, index: int = 0, attempt: int = 0) -> Any:
    """Wait for what an attempt of a task leaves."""
    file = folder / f"{what}-{index}-{attempt}.json"
    wait_for(file.exists)
    return json.loads(file.read_text())


def ended(jobs: Jobs, started: Execution) -> Execution:
    wait_for(lambda: jobs.look(started.id).state.final)
    return jobs.look(started.id)


def attempts(folder: Path) -> set[str]:
    return {file.stem.removeprefix("started-") for file in folder.glob("started-*")}


def test_a_start_returns_at_once_and_the_execution_runs(jobs: Jobs, folder: Path) -> None:
    started = jobs.start("work", arguments=[str(folder), "sleep"])

    found = jobs.look(started.id)
    assert (found.job, found.tasks, found.state) == ("work", 1, ExecutionState.RUNNING)
    assert not found.state.final
    jobs.cancel(started.id)


def test_tasks_that_end_with_0_succeed(jobs: Jobs, folder: Path) -> None:
    done = ended(jobs, jobs.start("work", arguments=[str(folder), "write"], tasks=2))

    assert done.state is ExecutionState.SUCCEEDED
    assert (done.succeeded, done.failed) == (2, 0)


def test_each_task_knows_who_it_is(jobs: Jobs, folder: Path) -> None:
    started = jobs.start("work", arguments=[str(folder), "write", "a b", "$HOME"], tasks=2)

    for index in range(2):
        found = left(folder, "started", index=index)
        told = found["environment"]
        assert found["arguments"] == [str(folder), "write", "a b", "$HOME"]
        assert told["CLOUD_RUN_EXECUTION"] == started.id
        assert told["CLOUD_RUN_TASK_INDEX"] == str(index)
        assert told["CLOUD_RUN_TASK_ATTEMPT"] == "0"
        assert told["CLOUD_RUN_TASK_COUNT"] == "2"
    ended(jobs, started)


def test_tasks_of_an_execution_live_side_by_side(jobs: Jobs, folder: Path) -> None:
    started = jobs.start("work", arguments=[str(folder), "sleep"], tasks=2)

    pids = {left(folder, "started", index=index)["pid"] for index in range(2)}

    assert pids <= running()
    jobs.cancel(started.id)
    ended(jobs, started)


def test_arguments_arrive_as_they_are(jobs: Jobs, folder: Path) -> None:
    arguments = [str(folder), "write", "", "-", "--flag=1", "'x' \"y\" ; &", "é\n🐘"]

    ended(jobs, jobs.start("work", arguments=arguments))

    assert left(folder, "started")["arguments"] == arguments


def test_an_execution_without_tasks_is_refused(jobs: Jobs, folder: Path) -> None:
    with pytest.raises(InvalidInput, match="at least 1 task, got 0"):
        jobs.start("work", arguments=[str(folder), "write"], tasks=0)


def test_a_task_that_fails_is_started_again_as_the_next_attempt(jobs: Jobs, folder: Path) -> None:
    done = ended(jobs, jobs.start("work", arguments=[str(folder), "flaky", "2"]))

    assert done.state is ExecutionState.SUCCEEDED
    assert attempts(folder) == {"0-0", "0-1", "0-2"}


def test_only_when_the_attempts_are_used_up_the_execution_has_failed(
    jobs: Jobs, folder: Path
) -> None:
    done = ended(jobs, jobs.start("work", arguments=[str(folder), "fail", "1"], tasks=2))

    assert done.state is ExecutionState.FAILED
    assert (done.succeeded, done.failed) == (1, 1)
    assert {"1-0", "1-1", "1-2"} <= attempts(folder)
    assert "1-3" not in attempts(folder)


def test_a_killed_task_is_started_again(jobs: Jobs, folder: Path) -> None:
    started = jobs.start("work", arguments=[str(folder), "sleep"])
    os.kill(left(folder, "started")["pid"], signal.SIGKILL)

    assert left(folder, "started", attempt=1)["environment"]["CLOUD_RUN_TASK_ATTEMPT"] == "1"
    jobs.cancel(started.id)
    ended(jobs, started)


def test_a_cancelled_task_is_asked_to_end(jobs: Jobs, folder: Path) -> None:
    started = jobs.start("work", arguments=[str(folder), "sleep"])
    left(folder, "started")

    jobs.cancel(started.id)

    assert ended(jobs, started).state is ExecutionState.CANCELLED
    assert left(folder, "terminated") == {}
    assert attempts(folder) == {"0-0"}


def test_a_task_that_will_not_end_is_killed(jobs: Jobs, folder: Path) -> None:
    started = jobs.start("work", arguments=[str(folder), "stubborn"])
    pid = left(folder, "started")["pid"]

    jobs.cancel(started.id)

    assert ended(jobs, started).state is ExecutionState.CANCELLED
    assert pid not in running()


def running() -> set[int]:
    """Return the processes that are no zombies."""
    alive = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields[0] != "Z":
            alive.add(int(status.parent.name))
    return alive


def test_cancelling_what_has_ended_changes_nothing(jobs: Jobs, folder: Path) -> None:
    done = ended(jobs, jobs.start("work", arguments=[str(folder), "write"]))

    jobs.cancel(done.id)

    assert jobs.look(done.id) == done


def test_what_does_not_exist_is_not_found(jobs: Jobs) -> None:
    with pytest.raises(NotFound):
        jobs.start("play", arguments=[])
    for id in ("work-0000000", "play-1", "work", "", "../work-1", "work-1/../x"):
        for call in (jobs.look, jobs.cancel):
            with pytest.raises(NotFound):
                call(id)


def test_an_execution_is_seen_from_anywhere(new_jobs: Callable[[], Jobs], folder: Path) -> None:
    started = new_jobs().start("work", arguments=[str(folder), "write"])

    assert ended(new_jobs(), started).state is ExecutionState.SUCCEEDED


def test_two_starts_are_two_executions(jobs: Jobs, folder: Path) -> None:
    first, second = (jobs.start("work", arguments=[str(folder), "write"]) for _ in range(2))

    assert first.id != second.id
    assert {ended(jobs, one).state for one in (first, second)} == {ExecutionState.SUCCEEDED}
