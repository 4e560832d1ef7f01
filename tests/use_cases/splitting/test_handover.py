"""What is too large for a function is handed to the job: one execution at a time, five in all."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from structlog.testing import capture_logs

from mlsys.adapters.local.jobs import SubprocessJobs
from mlsys.domain.errors import Busy, NotFound, Unavailable
from mlsys.domain.split_records import Attempt, SplitStatus
from mlsys.use_cases.splitting.claims import Claim, claim
from mlsys.use_cases.splitting.handover import MAX_LAUNCHES, handed_dataset
from tests.use_cases.splitting.ingestions import (
    FailingJobs,
    InterruptedRecords,
    Killed,
    LateRecords,
    QuickJobs,
    Scene,
    UnfencedRecords,
    ended,
)
from tests.waiting import wait_for

LARGE = b"x,y\n" + b"1,2\n" * 60


def test_a_large_table_is_handed_to_the_job(scene: Scene) -> None:
    scene.drop("churn/dataset.json", b'{"split": {"strategy": "random", "seed": 7}}')
    event = scene.drop("churn/rows.csv", LARGE)

    with capture_logs() as logs:
        split = scene.deliver(event)

    assert split == scene.split()
    assert (split.status, split.launches) == (SplitStatus.RUNNING, 1)
    [execution] = scene.executions()
    assert execution["arguments"] == ["--split", split.id, "--request-id=--e 1"]
    assert scene.jobs.look(str(split.execution_id)).tasks == 1
    dataset = handed_dataset(split, "artifacts", objects=scene.objects)
    assert dataset.split.seed == 7
    assert [one["event"] for one in logs] == ["split.handed_over"]


@pytest.mark.parametrize(
    ("name", "above_bytes", "taken"),
    [
        ("rows.csv", 99, True),
        ("rows.csv", 100, False),
        ("rows.CSV.GZ", 599, True),
        ("rows.csv.zst", 600, False),
        ("rows.parquet", 599, True),
    ],
)
def test_how_large_a_table_is_goes_by_what_it_will_be_unpacked(
    scene: Scene, name: str, above_bytes: int, *, taken: bool
) -> None:
    split = scene.deliver(scene.drop("churn/rows.csv", LARGE))
    source = split.sources[0].model_copy(update={"uri": f"gs://u/c/{name}", "size_bytes": 50})
    fresh = split.model_copy(update={"launches": 0, "sources": [source, source]})

    ingestion = scene.workshop(above_bytes=above_bytes).ingestion

    assert ingestion is not None
    assert ingestion.takes(fresh) is taken


def test_events_that_come_again_while_the_job_runs_are_acknowledged(scene: Scene) -> None:
    event = scene.drop("churn/rows.csv", LARGE)
    first = scene.deliver(event)

    again = [scene.deliver(event, lease_seconds=lease) for lease in (60, 0)]

    assert again == [first, first]
    assert len(scene.executions()) == 1


def test_of_racing_deliveries_one_starts_the_job(scene: Scene) -> None:
    event = scene.drop("churn/rows.csv", LARGE)
    together = Barrier(6)

    def outcome(_: int) -> str:
        together.wait()
        try:
            return scene.deliver(event).status
        except Busy:
            return "BUSY"

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(outcome, range(6)))

    assert "RUNNING" in outcomes
    assert set(outcomes) <= {"RUNNING", "BUSY"}
    assert len(scene.executions()) == scene.split().launches == 1


def test_only_who_counts_the_launch_starts_the_job(scene: Scene) -> None:
    event = scene.drop("churn/rows.csv", LARGE)

    with pytest.raises(Busy, match="handed over by another delivery"):
        scene.deliver(event, records=InterruptedRecords(scene, lambda: scene.deliver(event)))

    assert len(scene.executions()) == 1


def test_who_comes_second_to_create_the_record_finds_the_job_at_work(scene: Scene) -> None:
    event = scene.drop("churn/rows.csv", LARGE)
    first = scene.deliver(event)

    assert scene.deliver(event, records=LateRecords(scene, 2)) == first


def test_without_the_fence_two_executions_are_found(scene: Scene) -> None:
    event = scene.drop("churn/rows.csv", LARGE)

    scene.deliver(event, records=UnfencedRecords(scene, lambda: scene.deliver(event)))

    assert len(scene.executions()) == 2


@pytest.mark.parametrize("started", [False, True])
def test_a_function_that_dies_at_the_start_of_the_job_is_followed_after_its_lease(
    scene: Scene, *, started: bool
) -> None:
    event = scene.drop("churn/rows.csv", LARGE)
    with pytest.raises(Killed):
        scene.deliver(event, jobs=FailingJobs(scene, Killed(), started=started))

    with pytest.raises(Busy, match="is in other hands"):
        scene.deliver(event)
    followed = scene.deliver(event, lease_seconds=0)

    assert (followed.launches, followed.status) == (2, SplitStatus.RUNNING)
    assert len(scene.executions()) == 1 + started


def test_a_function_that_dies_after_the_job_took_over_is_not_missed(scene: Scene) -> None:
    event = scene.drop("churn/rows.csv", LARGE)

    def claims_and_kills(execution_id: str) -> None:
        _claim(scene, execution_id)
        raise Killed

    with pytest.raises(Killed):
        scene.deliver(event, jobs=QuickJobs(scene, claims_and_kills))

    assert scene.deliver(event, lease_seconds=0).launches == 1
    assert len(scene.executions()) == 1


def test_a_job_that_is_quicker_than_the_note_of_its_start_keeps_its_claim(scene: Scene) -> None:
    event = scene.drop("churn/rows.csv", LARGE)
    claims: list[Claim] = []

    split = scene.deliver(
        event, jobs=QuickJobs(scene, lambda one: claims.append(_claim(scene, one)))
    )

    assert claims[0].note(description="still ours").attempt == split.attempt
    assert split.execution_id == claims[0].seen.value.execution_id


def test_an_execution_without_an_outcome_is_followed_by_others_at_most_five_in_all(
    scene: Scene,
) -> None:
    event = scene.drop("churn/rows.csv", LARGE)
    jobs = scene.jobs_of(["false"])
    seen = []
    for _ in range(MAX_LAUNCHES):
        seen.append(scene.deliver(event, jobs=jobs))
        wait_for(lambda: ended(seen[-1].execution_id, jobs))

    last = scene.deliver(event, jobs=jobs)

    assert [one.launches for one in seen] == [1, 2, 3, 4, 5]
    assert len({one.execution_id for one in seen}) == len(scene.executions()) == 5
    assert last.status is SplitStatus.FAILED
    assert last.failure is not None
    assert last.failure.code == "job_died"
    assert scene.deliver(event, jobs=jobs) == last


def test_an_execution_of_which_nobody_knows_any_more_is_followed_by_another(scene: Scene) -> None:
    event = scene.drop("churn/rows.csv", LARGE)
    scene.deliver(event)
    scene.change(execution_id="ingest-gone")

    assert scene.deliver(event).launches == 2


def test_who_follows_a_dead_job_need_not_wait_for_its_lease(scene: Scene) -> None:
    event = scene.drop("churn/rows.csv", LARGE)
    dead = scene.jobs_of(["false"])
    split = scene.deliver(event, jobs=dead)
    zombie = _claim(scene, str(split.execution_id))
    wait_for(lambda: ended(split.execution_id, dead))

    scene.deliver(event)
    followed = _claim(scene, "ingest-2")

    assert followed.seen.value.attempt.number == 2
    with pytest.raises(Busy, match=r"took split-.* over"):
        zombie.note(description="from the grave")


def test_a_job_that_is_not_deployed_fails_the_split(scene: Scene) -> None:
    event = scene.drop("churn/rows.csv", LARGE)
    jobs = SubprocessJobs(scene.home, {})

    with pytest.raises(NotFound, match="no job 'ingest'"):
        scene.deliver(event, jobs=jobs)

    failure = scene.split().failure
    assert failure is not None
    assert failure.code == "not_found"
    assert scene.deliver(event, jobs=jobs).status is SplitStatus.FAILED


def test_nobody_gives_up_what_another_just_wrote_to(scene: Scene) -> None:
    event = scene.drop("churn/rows.csv", LARGE)
    scene.deliver(event)
    scene.change(launches=MAX_LAUNCHES, execution_id="ingest-gone")
    interrupted = InterruptedRecords(scene, lambda: scene.change(labels={"team": "a"}))

    with pytest.raises(Busy, match="handed over by another delivery"):
        scene.deliver(event, records=interrupted)

    assert scene.split().status is SplitStatus.RUNNING


def test_a_start_that_a_backend_denies_is_no_launch(scene: Scene) -> None:
    event = scene.drop("churn/rows.csv", LARGE)
    for _ in range(MAX_LAUNCHES + 1):
        with pytest.raises(Unavailable):
            scene.deliver(event, jobs=FailingJobs(scene, Unavailable("out to lunch")))

    assert scene.deliver(event).launches == 1


def test_a_table_that_killed_two_functions_is_handed_over(scene: Scene) -> None:
    event = scene.drop("churn/rows.csv", LARGE)
    scene.deliver(event)
    killed = Attempt(number=2, token="dead")  # noqa: S106 - no password
    scene.change(launches=0, execution_id=None, attempt=killed)
    plenty = {"above_bytes": 2**30}

    with pytest.raises(Busy, match="is in other hands"):
        scene.deliver(event, **plenty)
    split = scene.deliver(event, lease_seconds=0, **plenty)

    assert (split.launches, split.attempt) == (1, Attempt(number=2))
    assert len(scene.executions()) == 2


def test_what_cannot_be_split_is_not_handed_over(scene: Scene) -> None:
    scene.drop("churn/dataset.json", b"{")

    event = scene.drop("churn/rows.csv", LARGE)

    split = scene.deliver(event)

    assert split.status is SplitStatus.FAILED
    assert split == scene.split()
    assert scene.executions() == []
    with pytest.raises(Busy, match="another attempt has just begun"):
        scene.deliver(event, records=LateRecords(scene, 1))


def _claim(scene: Scene, execution_id: str) -> Claim:
    claimed = claim(
        scene.split(),
        records=scene.records,
        lease_seconds=60,
        now=scene.workshop().now,
        execution_id=execution_id,
    )
    assert isinstance(claimed, Claim)
    return claimed
