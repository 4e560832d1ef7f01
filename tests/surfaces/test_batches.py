"""Several files are dropped as one table, by command, by client and by hand."""

import json
import shutil
from pathlib import Path

import pytest

from mlsys import Client
from mlsys.dev.platform import Platform
from mlsys.domain.errors import InvalidInput
from mlsys.domain.split_records import SplitStatus
from tests.surfaces.platforms import splits
from tests.surfaces.test_commands import mlsys
from tests.waiting import wait_for


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three parts of 30 rows, and what a writer of such folders leaves beside them."""
    folder = tmp_path / "may"
    folder.mkdir()
    for part in range(3):
        rows = "".join(f"{n},{'ab'[n % 2]}\n" for n in range(part * 30, part * 30 + 30))
        (folder / f"part-{part}.csv").write_text(f"x,y\n{rows}")
    (folder / "_SUCCESS").touch()
    (folder / ".part-0.csv.crc").write_bytes(b"crc")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def dropped(home: Path) -> list[str]:
    below = home / "uploads"
    return sorted(str(one.relative_to(below)) for one in below.rglob("*") if one.is_file())


def test_a_folder_is_dropped_and_then_its_success(folder: Path, home: Path) -> None:
    said = mlsys("upload", str(folder), "--entity", "churn", "--batch", "may", "--home", str(home))

    assert said.exit_code == 0, said.output
    assert said.stdout == "gs://uploads/churn/may/_SUCCESS\n"
    assert dropped(home) == [
        "churn/may/_SUCCESS",
        *(f"churn/may/part-{part}.csv" for part in range(3)),
    ]


def test_files_are_dropped_as_a_batch_and_waited_for(folder: Path, home: Path) -> None:
    files = [str(file) for file in folder.glob("part-*.csv")]

    said = mlsys(
        *("upload", *files, "--entity", "churn", "--batch", "may", "--wait"),
        *("--home", str(home), "--format", "json"),
    )

    assert said.exit_code == 0, said.output
    split = json.loads(said.stdout)
    assert split["status"] == "READY"
    assert sum(split["rows"].values()) == 90
    assert [one["uri"].rpartition("/")[2] for one in split["sources"]] == [
        f"part-{part}.csv" for part in range(3)
    ]


def test_a_folder_copied_into_the_uploads_is_one_split(folder: Path, home: Path) -> None:
    with Platform(home) as platform:
        shutil.copytree(folder, platform.uploads / "churn" / "may")
        wait_for(lambda: [one.status for one in splits(platform)] == [SplitStatus.READY])

    [split] = splits(platform)
    assert split.source_uri == "gs://uploads/churn/may/_SUCCESS"
    assert sum(split.rows.values()) == 90


def test_a_batch_may_be_dropped_again(folder: Path, home: Path) -> None:
    with Client.local(home) as client:
        first = client.upload_batch(folder, entity="churn", batch="may")
        (folder / "part-3.csv").write_text("x,y\n90,a\n")
        second = client.upload_batch(folder, entity="churn", batch="may")

    assert first.uri == second.uri
    assert first.generation != second.generation
    assert "churn/may/part-3.csv" in dropped(home)


@pytest.mark.parametrize("other", ["part-9.csv", "deeper/part-0.csv"])
def test_a_batch_that_holds_another_table_is_left_alone(
    other: str, folder: Path, home: Path
) -> None:
    there = home / "uploads" / "churn" / "may" / other
    there.parent.mkdir(parents=True)
    there.write_text("x,y\n")

    with (
        Client.local(home) as client,
        pytest.raises(InvalidInput, match=f"already holds .*{other}"),
    ):
        client.upload_batch(folder, entity="churn", batch="may")

    assert dropped(home) == [f"churn/may/{other}"]


@pytest.mark.parametrize("leftover", ["_SUCCESS", ".part-9.csv.crc", "_temporary/0/part-9.csv"])
def test_what_is_no_table_does_not_stand_in_the_way(
    leftover: str, folder: Path, home: Path
) -> None:
    there = home / "uploads" / "churn" / "may" / leftover
    there.parent.mkdir(parents=True)
    there.touch()

    with Client.local(home) as client:
        client.upload_batch(folder, entity="churn", batch="may")

    assert "churn/may/_SUCCESS" in dropped(home)


def test_what_would_be_no_batch_is_refused_before_anything_is_dropped(
    folder: Path, home: Path
) -> None:
    table, empty = folder / "part-0.csv", folder / "empty"

    with Client.local(home) as client:
        for files, reason in [
            ([], "got none"),
            ([table, table], r"got \['part-0.csv'\]"),
            ([table, folder / "_SUCCESS"], r"got \['_SUCCESS'\]"),
        ]:
            with pytest.raises(InvalidInput, match=reason):
                client.upload_batch(files, entity="churn", batch="may")
        with pytest.raises(InvalidInput, match=r"batch: '\.\./x' is not an id"):
            client.upload_batch(folder, entity="churn", batch="../x")
        empty.mkdir()
        with pytest.raises(InvalidInput, match="directly in it, got folders"):
            client.upload_batch(folder, entity="churn", batch="may")
        with pytest.raises(InvalidInput, match="got none"):
            client.upload_batch(empty, entity="churn", batch="may")

    assert not (home / "uploads").exists()


def test_one_file_may_be_a_batch_too(folder: Path, home: Path) -> None:
    with Client.local(home) as client:
        client.upload_batch(str(folder / "part-1.csv"), entity="churn", batch="may")

    assert dropped(home) == ["churn/may/_SUCCESS", "churn/may/part-1.csv"]
