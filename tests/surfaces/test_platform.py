"""`mlsys up` from inside: one process serves a home, all of it, and leaves nothing behind."""

import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mlsys.adapters.local.executions import Folder, State
from mlsys.adapters.local.jobs import SubprocessJobs
from mlsys.adapters.local.messages import SqliteMessages
from mlsys.adapters.local.objects import FileObjects
from mlsys.dev.platform import Platform
from mlsys.dev.watcher import POLL_SECONDS, Watcher
from mlsys.domain.errors import AlreadyExists, InvalidInput
from mlsys.domain.split_records import SplitStatus
from mlsys.ports import ObjectInfo
from tests.surfaces.platforms import ROWS, call, splits
from tests.waiting import wait_for


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSYS_LOG_LEVEL", "error")


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with Platform(tmp_path / "home") as running:
        yield running


def study_of(platform: Platform, *command: str) -> SubprocessJobs:
    """Let the study be another command."""
    home = platform.runtime.settings.home
    jobs = SubprocessJobs(home, {"study": command}, grace_seconds=1)
    vars(platform.runtime)["jobs"] = jobs
    return jobs


def test_a_dropped_file_is_split(platform: Platform) -> None:
    platform.uploads.joinpath("toys").mkdir()
    platform.uploads.joinpath("toys/table.csv").write_text(ROWS)

    wait_for(lambda: [one for one in splits(platform) if one.status is SplitStatus.READY])

    assert sum(splits(platform)[0].rows.values()) == 60


class Copied(FileObjects):
    """Each look finds one step more of a copy done."""

    def __init__(self, home: Path, to_do: Iterable[Callable[[], object]]) -> None:
        super().__init__(home)
        self.to_do = deque(to_do)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        if self.to_do:
            self.to_do.popleft()()
        return super().list(prefix)


def test_a_file_that_was_copied_slowly_is_told_of_once_and_whole(tmp_path: Path) -> None:
    told: list[ObjectInfo] = []
    file = tmp_path / "uploads" / "toys" / "table.csv"
    file.parent.mkdir(parents=True)

    def copy_a_line() -> None:
        with file.open("a") as copied:
            copied.write("1,2\n")

    with Watcher(Copied(tmp_path, [copy_a_line] * 12), "uploads", told.append):
        wait_for(lambda: told)
        time.sleep(POLL_SECONDS * 3)

    assert [(one.uri, one.size_bytes) for one in told] == [("gs://uploads/toys/table.csv", 48)]


def test_a_success_is_told_of_when_its_whole_folder_was_copied(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []
    folder = tmp_path / "uploads" / "toys" / "may"
    folder.mkdir(parents=True)
    names = ["_SUCCESS", *(f"part-{part}.csv" for part in range(8))]
    objects = Copied(tmp_path, [folder.joinpath(name).touch for name in names])

    def tell(one: ObjectInfo) -> None:
        told.append((one.uri.rpartition("/")[2], len(objects.to_do)))

    with Watcher(objects, "uploads", tell):
        wait_for(lambda: len(told) == 9)
        time.sleep(POLL_SECONDS * 3)

    assert sorted(name for name, _ in told) == names
    assert dict(told)["_SUCCESS"] == 0 < dict(told)["part-0.csv"]


def test_a_file_that_was_replaced_is_told_of_again(tmp_path: Path) -> None:
    told: list[ObjectInfo] = []
    objects = FileObjects(tmp_path)

    with Watcher(objects, "uploads", told.append):
        for content in (b"first", b"second"):
            objects.put("gs://uploads/toys/table.csv", content)
            wait_for(lambda: told and told[-1].size_bytes == len(content))  # noqa: B023

    assert len({one.generation for one in told}) == len(told) == 2


def test_a_file_whose_name_is_no_address_does_not_stop_the_watching(platform: Platform) -> None:
    folder = platform.uploads / "toys"
    folder.mkdir()
    for name in ("50%.csv", "a[1].csv", "what?.csv", "back\\slash.csv", "tab\t.csv"):
        folder.joinpath(name).write_text(ROWS)
    time.sleep(POLL_SECONDS * 3)

    folder.joinpath("table.csv").write_text(ROWS)

    wait_for(lambda: splits(platform))
    assert [one.source_uri for one in splits(platform)] == ["gs://uploads/toys/table.csv"]


def test_a_second_process_on_the_same_home_is_refused_and_told_where_the_first_is(
    platform: Platform,
) -> None:
    home = platform.runtime.settings.home
    with pytest.raises(AlreadyExists, match=platform.url):
        Platform(home).start()

    script = (
        "import sys, pathlib; from mlsys.dev.platform import Platform\n"
        "Platform(pathlib.Path(sys.argv[1])).start()"
    )
    other = subprocess.run(
        [sys.executable, "-c", script, str(home)],
        env={**os.environ, "PYTHONPATH": "shared"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert other.returncode == 1
    assert f"AlreadyExists: mlsys already runs on {home}" in other.stderr
    assert call(platform, "GET", "/healthz")[0] == 200


def test_a_port_that_is_taken_is_refused_and_leaves_the_home_free(
    platform: Platform, tmp_path: Path
) -> None:
    port = urlsplit(platform.url).port
    assert port is not None

    with pytest.raises(InvalidInput, match="is taken"):
        Platform(tmp_path / "other", port=port).start()

    with Platform(tmp_path / "other") as other:
        assert call(other, "GET", "/readyz")[0] == 200


def test_a_stop_ends_every_thread_and_every_process(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    platform = Platform(tmp_path / "home")
    jobs = study_of(platform, "sleep", "1234.5")
    with platform:
        execution = jobs.start("study", arguments=[], tasks=2)
        folder = Folder(tmp_path / "home" / "jobs" / execution.id)
        wait_for(lambda: folder.alive and len(processes_with("1234.5")) == 2)
        assert call(platform, "GET", "/healthz")[0] == 200
        assert set(threading.enumerate()) - before

    assert folder.read().state is State.INTERRUPTED
    assert not folder.alive
    assert processes_with("1234.5") == []
    wait_for(lambda: set(threading.enumerate()) <= before)
    platform.stop()


def processes_with(word: str) -> list[Path]:
    """Return the processes that have a word among their own arguments, supervisors aside."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0] == b"sleep" and word.encode() in words:
            found.append(path)
    return found


def test_an_interrupted_job_goes_on_at_the_next_start(tmp_path: Path) -> None:
    script = (
        "import os, sys, time; attempt = os.environ['CLOUD_RUN_TASK_ATTEMPT']\n"
        "if attempt == '0': time.sleep(60)"
    )
    first = Platform(tmp_path / "home")
    jobs = study_of(first, sys.executable, "-c", script)
    with first:
        execution = jobs.start("study", arguments=[])
        folder = Folder(tmp_path / "home" / "jobs" / execution.id)
        wait_for(lambda: folder.read().tasks[0].attempt == 0)

    second = Platform(tmp_path / "home")
    study_of(second, sys.executable, "-c", script)
    with second:
        wait_for(lambda: folder.read().state is State.SUCCEEDED)

    assert folder.read().tasks[0].attempt == 1


def test_what_was_not_delivered_before_a_stop_is_delivered_after_the_next_start(
    tmp_path: Path,
) -> None:
    with Platform(tmp_path / "home") as first:
        outbox = first.runtime.messages
        assert isinstance(outbox, SqliteMessages)
    uploads = tmp_path / "home" / "uploads" / "toys"
    uploads.mkdir()
    uploads.joinpath("table.csv").write_text(ROWS)

    with Platform(tmp_path / "home") as second:
        wait_for(lambda: splits(second))
        wait_for(lambda: outbox.waiting() == 0)

    assert outbox.dead_letters() == []


def test_calls_are_answered_while_an_upload_is_split(platform: Platform) -> None:
    rows = "\n".join(f"{n},{n * 7},{'ab'[n % 2]},some words {n}" for n in range(200_000))
    platform.runtime.objects.put("gs://uploads/toys/big.csv", f"x,z,y,w\n{rows}\n".encode())
    wait_for(lambda: splits(platform))

    slowest, answered = 0.0, 0
    while splits(platform)[0].status is SplitStatus.RUNNING:
        began = time.monotonic()
        assert call(platform, "GET", "/v1/models")[0] == 200
        slowest, answered = max(slowest, time.monotonic() - began), answered + 1

    assert splits(platform)[0].status is SplitStatus.READY
    assert answered > 0
    assert slowest < 5
