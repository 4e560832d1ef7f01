"""What `FileObjects` promises beyond the port: people and other programs use the same folder."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlsys.adapters.local.objects import FileObjects
from mlsys.domain.errors import AlreadyExists, InvalidInput, NotFound, Unavailable

RACERS = 6
PUT_ONCE = """
import sys, time
from pathlib import Path
from mlsys.adapters.local.objects import FileObjects
from mlsys.domain.errors import AlreadyExists

home, name = Path(sys.argv[1]), sys.argv[2]
objects = FileObjects(home / "objects")
(home / f"ready-{name}").touch()
while not (home / "go").exists():
    time.sleep(0.001)
try:
    objects.put_once("gs://bucket/a", name.encode())
except AlreadyExists:
    sys.exit(3)
"""
HALF_WRITE = """
import sys, time
from pathlib import Path
from mlsys.adapters.local.objects import FileObjects

objects = FileObjects(Path(sys.argv[1]) / "objects")
with objects.open_writer("gs://bucket/a", once=sys.argv[2] == "once") as writer:
    writer.write(bytes(1_000_000))
    (Path(sys.argv[1]) / "half").touch()
    time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where `gs://bucket/` lies."""
    folder = tmp_path / "objects" / "bucket"
    folder.mkdir(parents=True)
    return folder


def test_a_dropped_file_is_an_object(file_objects: FileObjects, folder: Path) -> None:
    (folder / "titanic").mkdir()
    (folder / "titanic" / "rows.csv").write_bytes(b"a,b\n")

    [listed] = file_objects.list("gs://bucket/")

    assert listed.uri == "gs://bucket/titanic/rows.csv"
    assert file_objects.read(listed.uri) == b"a,b\n"
    assert file_objects.path_of(listed.uri) == folder / "titanic" / "rows.csv"


def test_a_file_written_over_in_place_is_another_generation(
    file_objects: FileObjects, folder: Path
) -> None:
    (folder / "a").write_bytes(b"one")
    os.utime(folder / "a", ns=(1, 1))  # there are systems whose clock ticks slowly
    first = file_objects.stat("gs://bucket/a")
    (folder / "a").write_bytes(b"two")

    second = file_objects.stat("gs://bucket/a")

    assert first.generation != second.generation


def test_a_file_truncated_while_it_is_read_is_not_found(
    file_objects: FileObjects, folder: Path
) -> None:
    (folder / "a").write_bytes(bytes(1_000_000))
    seen = file_objects.stat("gs://bucket/a")

    def read() -> None:
        with file_objects.open_reader("gs://bucket/a", generation=seen.generation) as reader:
            reader.read(10)
            (folder / "a").write_bytes(b"short")
            reader.read()

    with pytest.raises(NotFound, match="replaced while it was read"):
        read()


def test_a_copy_of_the_home_has_the_same_generations(
    file_objects: FileObjects, tmp_path: Path
) -> None:
    put = file_objects.put("gs://bucket/a", b"content")

    shutil.copytree(tmp_path / "objects", tmp_path / "copy")

    assert FileObjects(tmp_path / "copy").stat("gs://bucket/a") == put


def test_a_write_over_a_file_from_the_future_is_newer(
    file_objects: FileObjects, folder: Path
) -> None:
    (folder / "a").write_bytes(b"one")
    tomorrow = time.time() + 86_400
    os.utime(folder / "a", (tomorrow, tomorrow))
    future_ns = (folder / "a").stat().st_mtime_ns

    put = file_objects.put("gs://bucket/a", b"two")

    assert (folder / "a").stat().st_mtime_ns > future_ns
    assert put == file_objects.stat("gs://bucket/a")


@pytest.mark.parametrize("name", ["link", "linked/passwd"])
def test_symbolic_links_are_not_followed(
    file_objects: FileObjects, folder: Path, name: str
) -> None:
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "linked").symlink_to("/etc")
    uri = f"gs://bucket/{name}"

    for refused in (
        lambda: file_objects.read(uri),
        lambda: file_objects.stat(uri),
        lambda: file_objects.put(uri, b""),
        lambda: file_objects.put_once(uri, b""),
        lambda: file_objects.delete(uri),
        lambda: file_objects.table_source(uri),
    ):
        with pytest.raises(InvalidInput, match="symbolic link"):
            refused()

    assert list(file_objects.list("gs://bucket/")) == []


def test_the_home_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "home").symlink_to(tmp_path / "disk")
    objects = FileObjects(tmp_path / "home")

    objects.put("gs://bucket/a", b"content")

    assert (tmp_path / "disk" / "bucket" / "a").read_bytes() == b"content"


def test_only_plain_files_are_objects(file_objects: FileObjects, folder: Path) -> None:
    os.mkfifo(folder / "pipe")

    with pytest.raises(NotFound):
        file_objects.read("gs://bucket/pipe")

    assert list(file_objects.list("gs://bucket/")) == []


def test_a_file_name_that_is_no_text_is_left_alone(file_objects: FileObjects, folder: Path) -> None:
    (folder / os.fsdecode(b"caf\xe9.csv")).write_bytes(b"")
    (folder / "b").write_bytes(b"")

    assert [one.uri for one in file_objects.list("gs://bucket/")] == ["gs://bucket/b"]


@pytest.mark.parametrize("taken", ["a", "a/b/c"])
def test_an_object_and_a_folder_cannot_share_a_name(file_objects: FileObjects, taken: str) -> None:
    file_objects.put("gs://bucket/a/b", b"stays")

    def stream(*, once: bool) -> None:
        with file_objects.open_writer(f"gs://bucket/{taken}", once=once):
            pass

    for refused in (
        lambda: file_objects.put(f"gs://bucket/{taken}", b""),
        lambda: file_objects.put_once(f"gs://bucket/{taken}", b""),
        lambda: stream(once=False),
        lambda: stream(once=True),
    ):
        with pytest.raises(InvalidInput, match="share a name"):
            refused()

    assert file_objects.read("gs://bucket/a/b") == b"stays"


def test_a_part_of_a_name_that_no_disk_takes_is_refused(file_objects: FileObjects) -> None:
    with pytest.raises(InvalidInput, match="longer than the disk allows"):
        file_objects.put(f"gs://bucket/{'n' * 300}", b"")


def test_a_full_disk_is_passing(file_objects: FileObjects) -> None:
    def stream() -> None:
        with file_objects.open_writer("gs://bucket/a"):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(Unavailable, match="disk is full"):
        stream()

    assert list(file_objects.list("gs://bucket/")) == []


def test_what_the_reader_of_a_writer_raises_is_its_own(file_objects: FileObjects) -> None:
    def stream() -> None:
        with file_objects.open_writer("gs://bucket/a"):
            raise FileNotFoundError("something else")

    with pytest.raises(FileNotFoundError, match="something else"):
        stream()


def test_of_racing_processes_exactly_one_creates(tmp_path: Path) -> None:
    names = [f"racer-{number}" for number in range(RACERS)]
    racers = [
        subprocess.Popen([sys.executable, "-c", PUT_ONCE, str(tmp_path), name]) for name in names
    ]
    while not all((tmp_path / f"ready-{name}").exists() for name in names):
        time.sleep(0.01)

    (tmp_path / "go").touch()
    codes = [racer.wait() for racer in racers]

    assert sorted(codes) == [0] + [3] * (RACERS - 1)
    winner = names[codes.index(0)].encode()
    assert FileObjects(tmp_path / "objects").read("gs://bucket/a") == winner


@pytest.mark.parametrize("how", ["once", "anew"])
def test_a_killed_writer_leaves_nothing_to_see(tmp_path: Path, how: str) -> None:
    writer = subprocess.Popen([sys.executable, "-c", HALF_WRITE, str(tmp_path), how])
    while not (tmp_path / "half").exists():
        time.sleep(0.01)

    writer.send_signal(signal.SIGKILL)
    writer.wait()

    objects = FileObjects(tmp_path / "objects")
    assert list(objects.list("gs://bucket/")) == []
    assert objects.put_once("gs://bucket/a", b"content").size_bytes == 7


def test_what_killed_writers_left_is_swept_after_a_day(
    file_objects: FileObjects, tmp_path: Path
) -> None:
    with pytest.raises(AlreadyExists):
        _ = (
            file_objects.put_once("gs://bucket/a", b"1"),
            file_objects.put_once("gs://bucket/a", b"2"),
        )
    unfinished = tmp_path / "objects" / ".writing"
    for name, age_seconds in (("old", 90_000), ("young", 60)):
        (unfinished / name).write_bytes(b"part")
        then = time.time() - age_seconds
        os.utime(unfinished / name, (then, then))

    FileObjects(tmp_path / "objects")

    assert {path.name for path in unfinished.iterdir()} - {"lock"} == {"young"}
