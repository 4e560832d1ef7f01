"""The job's side of a hand-over: claim it, wait for who has it, or leave it to the next."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from io import FileIO
from pathlib import Path
from threading import Event
from typing import BinaryIO

import pytest

from mlsys.adapters.local.objects import FileObjects
from mlsys.adapters.local.records import SqliteRecords
from mlsys.dev.routes import ROUTES
from mlsys.domain.errors import Busy, NotFound, Unavailable
from mlsys.domain.split_records import Progress, SplitStatus
from mlsys.edge.http import Request, Table, respond
from mlsys.ports import Document, Replace, Write
from mlsys.runtime import Runtime
from mlsys.settings import Settings
from mlsys.use_cases.split import MAX_OUTAGES, split_handed_over
from mlsys.use_cases.splitting.claims import TELL_EVERY, Claim, claim
from tests.processes import killed_on_failure
from tests.use_cases.splitting.ingestions import INGEST, Scene
from tests.waiting import PATIENCE_SECONDS, wait_for

LARGE = b"x,y\n" + b"1,2\n" * 60


class SilentRecords(SqliteRecords):
    """Does not answer so many times."""

    def __init__(self, path: Path, times: int) -> None:
        super().__init__(path)
        self.left = times

    def get(self, collection: str, id: str) -> Document:
        self.left -= 1
        if self.left >= 0:
            raise Unavailable("out to lunch")
        return super().get(collection, id)


class SlowFile(FileIO):
    """Takes its time."""

    def read(self, size: int | None = -1, /) -> bytes:
        time.sleep(0.02)
        return super().read(size)


class SlowObjects(FileObjects):
    """Lets one watch the reading of a table."""

    @contextmanager
    def open_reader(self, uri: str, *, generation: str) -> Iterator[BinaryIO]:
        with super().open_reader(uri, generation=generation) as source:
            yield SlowFile(source.fileno(), closefd=False)


class NotingRecords(SqliteRecords):
    """Keeps the progress that was written."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.told: list[Progress] = []

    def commit(self, writes: Sequence[Write]) -> list[Document | None]:
        for write in writes:
            if isinstance(write, Replace) and write.body["progress"] is not None:
                self.told.append(Progress.model_validate(write.body["progress"]))
        return super().commit(writes)


class LivelyRecords(SqliteRecords):
    """The holder gives a sign of life just before it is taken over."""

    def __init__(self, path: Path, holder: Claim) -> None:
        super().__init__(path)
        self._holder = holder

    def commit(self, writes: Sequence[Write]) -> list[Document | None]:
        if any(isinstance(write, Replace) for write in writes):
            self._holder.note()
        return super().commit(writes)


@pytest.fixture
def scene(scene: Scene) -> Scene:
    """One whose function has handed a table over."""
    scene.deliver(scene.drop("churn/rows.csv", LARGE))
    return scene


@pytest.fixture
def held(scene: Scene) -> Claim:
    """The work, in the hands of another attempt."""
    return claimed_by("ingest-0", scene)


def claimed_by(execution_id: str, scene: Scene, lease_seconds: float = 60) -> Claim:
    taken = claim(
        scene.split(),
        records=scene.records,
        lease_seconds=lease_seconds,
        now=scene.workshop().now,
        execution_id=execution_id,
    )
    assert isinstance(taken, Claim)
    return taken


def run(scene: Scene, split_id: str) -> int:
    return subprocess.run(
        [*INGEST, "--split", split_id, "--request-id=--e 1", "--traceparent=00-1-2-01"],
        env=environment(scene),
        check=False,
        timeout=PATIENCE_SECONDS,
    ).returncode


def environment(scene: Scene) -> dict[str, str]:
    python = {"PYTHONPATH": os.pathsep.join(sys.path)}
    return {**os.environ, **python, "MLSYS_HOME": str(scene.home)}


def handles_sigterm(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    [caught] = [line for line in status.splitlines() if line.startswith("SigCgt:")]
    return bool(int(caught.split()[1], 16) & 1 << (signal.SIGTERM - 1))


def test_a_split_that_is_final_is_left_as_it_is(scene: Scene, held: Claim) -> None:
    ready = held.note(status=SplitStatus.READY)

    code = run(scene, ready.id)

    assert code == 0
    assert scene.split() == ready


def test_a_split_that_is_not_there_is_an_error(scene: Scene) -> None:
    assert run(scene, "split-none") == 1


def test_a_split_that_nobody_handed_over_is_not_the_jobs(scene: Scene) -> None:
    scene.objects.delete(f"gs://artifacts/splits/{scene.split().id}/dataset.json")

    with pytest.raises(NotFound, match=r"dataset\.json"):
        split_handed_over(scene.split().id, workshop=scene.job_workshop())


def test_a_second_execution_waits_for_the_first_and_changes_nothing(
    scene: Scene, held: Claim
) -> None:
    workshop = scene.job_workshop(lease_seconds=8, execution_id="ingest-2")

    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(split_handed_over, scene.split().id, workshop=workshop)
        with pytest.raises(TimeoutError):
            second.result(timeout=0.2)
        ready = held.note(status=SplitStatus.READY)
        seen = second.result(timeout=PATIENCE_SECONDS)

    assert seen == ready == scene.split()
    assert (seen.attempt.number, seen.execution_id) == (1, "ingest-0")


@pytest.mark.usefixtures("held")
def test_a_job_that_is_told_to_end_while_it_waits_ends_at_once(scene: Scene) -> None:
    before = scene.split()
    with killed_on_failure(
        subprocess.Popen([*INGEST, "--split", before.id], env=environment(scene))
    ) as process:
        wait_for(lambda: handles_sigterm(process.pid))
        process.send_signal(signal.SIGTERM)
        code = process.wait(PATIENCE_SECONDS)

    assert code == 1
    assert scene.split() == before


def test_backends_that_come_back_are_waited_for(scene: Scene, held: Claim) -> None:
    ready = held.note(status=SplitStatus.READY)
    records = SilentRecords(scene.home / "records.db", MAX_OUTAGES)
    workshop = scene.job_workshop(records=records, lease_seconds=0.01)

    assert split_handed_over(ready.id, workshop=workshop) == ready


def test_backends_that_do_not_come_back_end_the_job(scene: Scene) -> None:
    records = SilentRecords(scene.home / "records.db", MAX_OUTAGES + 1)
    workshop = scene.job_workshop(records=records, lease_seconds=0.01)

    with pytest.raises(Unavailable, match="out to lunch"):
        split_handed_over(scene.split().id, workshop=workshop)

    assert records.left == 0


def test_a_job_that_ends_does_not_wait_for_backends(scene: Scene) -> None:
    stopping = Event()
    stopping.set()
    records = SilentRecords(scene.home / "records.db", 1)

    with pytest.raises(Unavailable, match="out to lunch"):
        split_handed_over(
            "split-1", workshop=scene.job_workshop(records=records, stopping=stopping)
        )


def test_what_others_write_meanwhile_stays_and_takes_nothing_over(
    scene: Scene, held: Claim
) -> None:
    scene.change(labels={"team": "a"})

    held.note(description="work goes on")

    assert scene.split().labels == {"team": "a"}
    assert scene.split().description == "work goes on"


def test_a_holder_that_lives_after_all_is_not_taken_over(scene: Scene, held: Claim) -> None:
    lively = LivelyRecords(scene.home / "records.db", held)

    with pytest.raises(Busy, match="another attempt is at"):
        claim(scene.split(), records=lively, lease_seconds=0, now=scene.workshop().now)

    assert scene.split().attempt == held.seen.value.attempt


def test_progress_grows_while_a_table_is_read(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    some = b"".join(b"%d,%d\n" % (n, n % 7) for n in range(1000))
    handed = scene.deliver(scene.drop("churn/rows.csv", b"x,y\n" + some * 10_000))
    records = NotingRecords(scene.home / "records.db")
    workshop = scene.job_workshop(
        objects=SlowObjects(scene.home), records=records, lease_seconds=0.3
    )

    split = split_handed_over(handed.id, workshop=workshop)

    scene.jobs.stop_all()
    assert (split.status, split.progress) == (SplitStatus.READY, None), split.failure
    read = [progress.bytes_read for progress in records.told]
    assert read == sorted(read)
    assert len(set(read)) > 2
    assert {progress.bytes_read <= progress.bytes_total for progress in records.told} == {True}


def test_progress_is_told_now_and_then_and_begins_anew_with_each_attempt(
    scene: Scene, held: Claim
) -> None:
    def told() -> Progress | None:
        return scene.split().progress

    clock = [scene.workshop().now()]
    held.now = lambda: clock[0]
    held.note()
    held.beat(Progress(bytes_read=1, bytes_total=9))
    assert told() is None

    clock[0] += TELL_EVERY + timedelta(seconds=1)
    held.beat(Progress(bytes_read=5, bytes_total=9))
    assert told() == Progress(bytes_read=5, bytes_total=9)
    answer = respond(
        Table(ROUTES),
        Request("GET", f"/v1/splits/{scene.split().id}"),
        Runtime(Settings(home=scene.home)),
    )
    assert json.loads(answer.body)["progress"] == {"bytes_read": 5, "bytes_total": 9}

    clock[0] += held.lease
    held.beat()
    assert told() == Progress(bytes_read=5, bytes_total=9)

    taken = claimed_by("ingest-2", scene, lease_seconds=0)
    assert told() is None
    assert taken.seen.value.execution_id == "ingest-2"
