"""Splits whose processes are killed and stopped at every write: one READY split, all rows in it."""

import os
import signal
from pathlib import Path

import pytest

from mlsys.domain.split_records import SplitStatus
from mlsys.ports import Json
from tests.faults.splits import Scene
from tests.use_cases.splitting.uploads import failure_of
from tests.waiting import PATIENCE_SECONDS, wait_for

CONTRACT = {
    "columns": {"id": {"role": "key"}, "x": {"max": 6}, "y": {"role": "target"}},
    "on_violation": "quarantine_rows",
}
QUARANTINING: Json = {"contract": CONTRACT, "split": {"strategy": "stratified"}}
DRAFTING: Json = {"split": {"seed": 1}}
REFUSING: Json = {"contract": {**CONTRACT, "on_violation": "reject"}}

RECORDS = ["claim", "beat", "end"]
PARTS = ["train.parquet", "val.parquet", "test.parquet", "rows.parquet"]
OTHERS = ["reasons.json", "reasons.html", "profile.json", "manifest.json"]
BEFORE = [f"before {name}" for name in (*RECORDS, *PARTS, *OTHERS)]
AFTER = [f"after {name}" for name in (*RECORDS, *PARTS, OTHERS[-1])]
NEXT = [f"after {name}" for name in OTHERS[:-1]]
"""When one of these is written the next follows at once: that is before the next."""
BEGUN = [f"begun {name}" for name in PARTS]
DRAFTED = ["before drafted_dataset.json", "after drafted_dataset.json"]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "home", QUARANTINING)


def test_there_is_no_other_write(tmp_path: Path) -> None:
    found: set[str] = set()
    for name, dataset in {"leaves out": QUARANTINING, "drafts": DRAFTING}.items():
        scene = Scene(tmp_path / name, dataset)
        with scene.delivery() as process:
            found |= set(process.communicate()[0].splitlines())
        assert scene.violations() == []

    beats = {"before beat", "after beat"}
    assert found | beats == {*BEFORE, *AFTER, *NEXT, *BEGUN, *DRAFTED}


@pytest.mark.parametrize("points", [BEFORE, [*AFTER, BEGUN[0]]], ids=["before", "after"])
def test_killed_at_any_write_it_is_one_split_after_the_next_delivery(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], points: list[str]
) -> None:
    scenes = {point: Scene(tmp_path / point, QUARANTINING) for point in points}

    kills = sum(scene.killed_at(point) for point, scene in scenes.items())
    for scene in scenes.values():
        scene.redelivered()
        scene.all_children_end()

    violations = {point: found for point, one in scenes.items() if (found := one.violations())}

    with capsys.disabled():
        counted = f"{kills} kills {points[0].split()[0]} a write, {len(points)} histories"
        print(f"\n{counted}, violations: {violations or 0}")  # noqa: T201 - what was counted
    assert violations == {}
    assert kills == len(points)


def test_killed_while_it_writes_a_draft_or_reasons_it_ends_alike(tmp_path: Path) -> None:
    drafting, refusing = Scene(tmp_path / "d", DRAFTING), Scene(tmp_path / "r", REFUSING)

    assert drafting.killed_at(DRAFTED[0])
    assert refusing.killed_at("before reasons.html")
    drafting.redelivered()
    refused = refusing.redelivered()

    assert drafting.violations() == []
    assert refused.status is SplitStatus.QUARANTINED
    assert len(refusing.platform.artifacts()) == 2


@pytest.mark.parametrize(
    ("point", "fenced"),
    [("begun val.parquet", True), ("before end", True), ("before end", False)],
    ids=["while it writes", "at the end", "at the end without the fence"],
)
def test_a_split_stopped_for_longer_than_its_lease_changes_nothing_any_more(
    scene: Scene, point: str, *, fenced: bool
) -> None:
    with scene.delivery(point, signal="SIGSTOP", fenced=fenced) as zombie:
        wait_for(lambda: _state(zombie.pid) == "T")
        scene.redelivered()
        assert scene.violations() == []
        remains = scene.remains()

        zombie.send_signal(signal.SIGCONT)
        said, _ = zombie.communicate(timeout=PATIENCE_SECONDS)

    scene.all_children_end()
    assert (scene.remains() == remains) is fenced
    assert ("raised busy" in said) is fenced


def test_a_child_that_is_killed_from_outside_fails_the_split_and_leaves_nothing(
    scene: Scene,
) -> None:
    with scene.delivery() as process:
        wait_for(scene.children)
        for child in scene.children():
            os.kill(child, signal.SIGKILL)
        assert process.wait(PATIENCE_SECONDS) == 0

    failure = failure_of(scene.redelivered())
    assert failure.code == "too_large"
    assert "killed" in failure.message
    assert scene.platform.artifacts() == {}


def test_a_child_whose_parent_is_killed_ends_by_itself(scene: Scene) -> None:
    with scene.delivery("begun train.parquet", signal="SIGSTOP") as process:
        wait_for(lambda: _state(process.pid) == "T")
        assert len(scene.children()) == 1
        process.kill()
        process.wait(PATIENCE_SECONDS)

    scene.all_children_end()
    assert scene.platform.artifacts() == {}
    scene.redelivered()
    assert scene.violations() == []


def _state(pid: int) -> str:
    """Return what Linux says a process does: T is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
