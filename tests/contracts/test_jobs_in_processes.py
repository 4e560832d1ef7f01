"""What the local platform asks of `SubprocessJobs` beyond the port."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlsys.adapters.local.jobs import SubprocessJobs
from mlsys.domain.errors import Corrupt
from mlsys.ports import ExecutionState
from tests.cloud.fixtures import MAX_RETRIES, TASK
from tests.contracts.test_jobs import attempts, ended, left, running
from tests.waiting import wait_for

NewJobs = Callable[[], SubprocessJobs]
START_AND_DIE = """
import os, sys
from pathlib import Path
from mlsys.adapters.local.jobs import SubprocessJobs

home, task, folder = sys.argv[1:]
jobs = SubprocessJobs(Path(home), {"work": [sys.executable, task]})
print(jobs.start("work", arguments=[folder, "sleep"]).id, flush=True)
os.abort()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "left"
    made.mkdir()
    return made


def supervisor_of(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1])


def test_an_execution_outlives_who_started_it(
    new_subprocess_jobs: NewJobs, folder: Path, tmp_path: Path
) -> None:
    starter = subprocess.run(
        [sys.executable, "-c", START_AND_DIE, str(tmp_path), str(TASK), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )

    left(folder, "started")

    assert starter.returncode == -signal.SIGABRT
    found = new_subprocess_jobs().look(starter.stdout.strip())
    assert found.state is ExecutionState.RUNNING


def test_what_was_interrupted_goes_on_as_its_next_attempt(
    new_subprocess_jobs: NewJobs, folder: Path
) -> None:
    started = new_subprocess_jobs().start("work", arguments=[str(folder), "sleep"])
    left(folder, "started")

    assert new_subprocess_jobs().stop_all() == [started.id]
    assert left(folder, "terminated") == {}

    assert new_subprocess_jobs().resume() == [started.id]
    left(folder, "started", attempt=1)
    assert new_subprocess_jobs().look(started.id).state is ExecutionState.RUNNING


def test_an_interruption_is_no_failure(new_subprocess_jobs: NewJobs, folder: Path) -> None:
    jobs = new_subprocess_jobs()
    started = jobs.start("work", arguments=[str(folder), "sleep"])
    for attempt in range(MAX_RETRIES + 1):
        left(folder, "started", attempt=attempt)
        jobs.stop_all()
        assert jobs.look(started.id).state is ExecutionState.FAILED
        jobs.resume()

    os.kill(left(folder, "started", attempt=MAX_RETRIES + 1)["pid"], signal.SIGKILL)

    left(folder, "started", attempt=MAX_RETRIES + 2)


def test_what_was_interrupted_can_be_cancelled(new_subprocess_jobs: NewJobs, folder: Path) -> None:
    jobs = new_subprocess_jobs()
    started = jobs.start("work", arguments=[str(folder), "sleep"])
    jobs.stop_all()

    jobs.cancel(started.id)

    wait_for(lambda: jobs.look(started.id).state is ExecutionState.CANCELLED)
    assert jobs.resume() == []


def test_a_supervisor_told_to_terminate_interrupts(
    new_subprocess_jobs: NewJobs, folder: Path
) -> None:
    jobs = new_subprocess_jobs()
    started = jobs.start("work", arguments=[str(folder), "sleep"])

    os.kill(supervisor_of(left(folder, "started")["pid"]), signal.SIGTERM)

    assert ended(jobs, started).state is ExecutionState.FAILED
    assert left(folder, "terminated") == {}
    assert jobs.resume() == [started.id]


def test_tasks_that_outlive_their_supervisor_are_running_until_all_is_stopped(
    new_subprocess_jobs: NewJobs, folder: Path
) -> None:
    jobs = new_subprocess_jobs()
    started = jobs.start("work", arguments=[str(folder), "stubborn"])
    orphan = left(folder, "started")["pid"]
    supervisor = supervisor_of(orphan)
    os.kill(supervisor, signal.SIGKILL)
    wait_for(lambda: supervisor not in running())

    assert jobs.look(started.id).state is ExecutionState.RUNNING
    jobs.stop_all()

    assert orphan not in running()
    assert jobs.look(started.id).state is ExecutionState.FAILED


def test_an_execution_of_which_all_died_has_failed_and_can_go_on(
    new_subprocess_jobs: NewJobs, folder: Path
) -> None:
    jobs = new_subprocess_jobs()
    started = jobs.start("work", arguments=[str(folder), "sleep"])

    os.killpg(os.getpgid(left(folder, "started")["pid"]), signal.SIGKILL)

    assert ended(jobs, started).state is ExecutionState.FAILED
    assert jobs.resume() == [started.id]
    left(folder, "started", attempt=1)


def test_what_was_cancelled_does_not_go_on(new_subprocess_jobs: NewJobs, folder: Path) -> None:
    jobs = new_subprocess_jobs()
    started = jobs.start("work", arguments=[str(folder), "sleep"])
    left(folder, "started")
    jobs.cancel(started.id)
    ended(jobs, started)

    assert new_subprocess_jobs().resume() == []


def test_a_dead_supervisor_is_replaced_and_its_task_started_again(
    new_subprocess_jobs: NewJobs, folder: Path
) -> None:
    jobs = new_subprocess_jobs()
    started = jobs.start("work", arguments=[str(folder), "sleep"])
    task = left(folder, "started")["pid"]
    os.kill(supervisor_of(task), signal.SIGKILL)

    wait_for(lambda: new_subprocess_jobs().resume() == [started.id])

    left(folder, "started", attempt=1)
    assert task not in running()
    assert jobs.look(started.id).state is ExecutionState.RUNNING


def test_an_execution_never_has_two_supervisors(new_subprocess_jobs: NewJobs, folder: Path) -> None:
    started = new_subprocess_jobs().start("work", arguments=[str(folder), "sleep"])
    left(folder, "started")
    new_subprocess_jobs().stop_all()

    with ThreadPoolExecutor(4) as pool:
        resumed = list(pool.map(lambda _: new_subprocess_jobs().resume(), range(4)))

    left(folder, "started", attempt=1)
    assert [id for ids in resumed for id in ids] == [started.id]
    assert attempts(folder) == {"0-0", "0-1"}


def test_no_secret_of_the_shell_reaches_a_task(
    new_subprocess_jobs: NewJobs, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_PASSWORD", "secret")
    monkeypatch.setenv("MLSYS_LOG_LEVEL", "debug")

    jobs = new_subprocess_jobs()
    ended(jobs, jobs.start("work", arguments=[str(folder), "write"]))

    told = left(folder, "started")["environment"]
    assert "MY_PASSWORD" not in told
    assert told["MLSYS_LOG_LEVEL"] == "debug"


def test_what_a_task_says_is_kept_for_people(new_subprocess_jobs: NewJobs, folder: Path) -> None:
    jobs = new_subprocess_jobs()

    done = ended(jobs, jobs.start("work", arguments=[str(folder), "fail"]))

    assert jobs.log_of(done.id).read_text().count("failing on purpose") == len(attempts(folder))


def test_a_command_that_cannot_be_started_has_failed(tmp_path: Path) -> None:
    jobs = SubprocessJobs(tmp_path, {"work": ["/no/such/program"]}, max_retries=0)

    done = ended(jobs, jobs.start("work", arguments=[]))

    assert done.state is ExecutionState.FAILED
    assert "cannot start /no/such/program" in jobs.log_of(done.id).read_text()


def test_a_damaged_status_is_corrupt_and_in_nobody_elses_way(
    new_subprocess_jobs: NewJobs, tmp_path: Path
) -> None:
    damaged = tmp_path / "jobs" / "work-damaged"
    damaged.mkdir(parents=True)
    (damaged / "status.json").write_text("{")

    with pytest.raises(Corrupt, match=r"status\.json"):
        new_subprocess_jobs().look("work-damaged")

    assert new_subprocess_jobs().stop_all() == []
    assert new_subprocess_jobs().resume() == []
