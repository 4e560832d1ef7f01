"""SQLite stores under many processes, kill -9, a full disk, a lock, a damaged file."""

import gc
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from mlsys.adapters.local import database
from mlsys.adapters.local.records import SqliteRecords
from mlsys.domain.errors import Corrupt, Unavailable

PRELUDE = """
import os, pathlib, resource, sys
from mlsys.adapters.local.records import SqliteRecords
from mlsys.domain.errors import AlreadyExists, Conflict, Unavailable
from mlsys.ports import Create, Replace
path = pathlib.Path(sys.argv[1])
"""

CREATE_ALL = """
records = SqliteRecords(path)
for number in range(60):
    try:
        records.create("claims", f"c{number}", {"by": os.getpid()})
    except AlreadyExists:
        continue
    print(number)
"""

COUNT = """
records = SqliteRecords(path)
counted = 0
while counted < 40:
    seen = records.get("counters", "c")
    try:
        records.replace(seen, {"n": seen.body["n"] + 1})
    except Conflict:
        continue
    counted += 1
"""

COMMIT_PAIRS = """
records = SqliteRecords(path)
pair = records.commit([Create("pairs", "a", {"n": 0}), Create("pairs", "b", {"n": 0})])
number = 0
while True:
    number += 1
    pair = records.commit([Replace(one, {"n": number}) for one in pair])
    print(number, flush=True)
"""

FILL_UP = """
records = SqliteRecords(path)
resource.setrlimit(resource.RLIMIT_FSIZE, (6_000_000, 6_000_000))
failed = 0
for number in range(200):
    try:
        records.create("bodies", f"b{number}", {"text": ["x" * 100_000]})
    except Unavailable:
        failed += 1
        continue
    print(number)
print(failed, file=sys.stderr)
"""

FORK = """
records = SqliteRecords(path)
records.create("things", "parent", {})
child = os.fork()
if child == 0:
    records.create("things", "child", {})
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
records.create("things", "after", {})
"""


def test_of_racing_processes_exactly_one_creates_each_document(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    racers = [_start(CREATE_ALL, path) for _ in range(3)]

    won = [line for racer in racers for line in _output(racer).split()]

    assert sorted(won, key=int) == [str(number) for number in range(60)]


def test_processes_that_count_together_lose_no_count(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    SqliteRecords(path).create("counters", "c", {"n": 0})
    counters = [_start(COUNT, path) for _ in range(3)]

    for counter in counters:
        _output(counter)

    assert SqliteRecords(path).get("counters", "c").body == {"n": 120}


def test_a_killed_process_leaves_whole_commits_and_all_it_was_told_of(tmp_path: Path) -> None:
    path = tmp_path / "records.db"

    with _start(COMMIT_PAIRS, path) as writer:
        assert writer.stdout is not None
        for _ in range(20):
            writer.stdout.readline()
        writer.kill()
        acknowledged = [int(line) for line in writer.stdout.read().split() if line.isdigit()]

    pair = SqliteRecords(path).get_many("pairs", ["a", "b"])
    last = pair["a"].body["n"]
    assert last == pair["b"].body["n"]
    assert last >= max([20, *acknowledged[:-1]])


def test_a_full_disk_is_unavailable_and_the_store_tells_the_truth(tmp_path: Path) -> None:
    path = tmp_path / "records.db"

    filler = _start(FILL_UP, path)
    acknowledged, failed = filler.communicate(timeout=60)

    records = SqliteRecords(path)
    stored = {one.id for one in records.query("bodies", limit=300).documents}
    assert filler.returncode == 0
    assert int(failed) > 0
    assert stored == {f"b{number}" for number in acknowledged.split()}
    assert records.create("bodies", "again", {}).id == "again"


def test_a_forked_process_has_connections_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "records.db"

    _output(_start(FORK, path))

    stored = SqliteRecords(path).query("things").documents
    assert {one.id for one in stored} == {"parent", "child", "after"}


def test_a_lock_that_stays_is_unavailable_for_writers_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_TIMEOUT_SECONDS", 0.1)
    records = SqliteRecords(tmp_path / "records.db")
    seen = records.create("things", "a", {})
    blocker = sqlite3.connect(tmp_path / "records.db", isolation_level=None)
    blocker.execute("begin immediate")

    with pytest.raises(Unavailable, match=r"records\.db"):
        SqliteRecords(tmp_path / "records.db")
    assert records.get("things", "a").revision == seen.revision

    blocker.execute("rollback")
    blocker.close()
    assert records.replace(seen, {"n": 1}).body == {"n": 1}


def test_a_damaged_file_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    path.write_bytes(b"not a database" * 1000)

    with pytest.raises(Corrupt, match=r"records\.db"):
        SqliteRecords(path)


def test_a_store_that_goes_away_closes_its_files(tmp_path: Path) -> None:
    records = SqliteRecords(tmp_path / "records.db")
    records.create("things", "a", {})
    opened = _open_files(tmp_path)

    del records
    gc.collect()

    assert opened
    assert _open_files(tmp_path) == []


def _start(script: str, path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + script, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _output(process: subprocess.Popen[str]) -> str:
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return output


def _open_files(folder: Path) -> list[str]:
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("needs /proc to count open files")
    targets = [one.readlink() for one in descriptors.iterdir() if one.is_symlink()]
    return [str(target) for target in targets if target.is_relative_to(folder)]
