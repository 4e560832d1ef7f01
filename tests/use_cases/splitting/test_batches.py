"""Several objects are one table once a `_SUCCESS` lies beside them."""

import hashlib
import json

import pytest

from mlsys.domain.errors import InvalidInput, MlsysError, NotFound
from mlsys.domain.messages import UploadFinished
from mlsys.domain.split_records import Split, SplitStatus
from mlsys.repositories.splits import SPLITS
from mlsys.use_cases.split import split_handed_over, split_upload
from mlsys.use_cases.splitting.pinning import MAX_SOURCES
from mlsys.use_cases.splitting.uploads import requested_by
from tests.use_cases.splitting.ingestions import Scene

ROWS = b"x,y\n1,2\n"


def complete(scene: Scene) -> UploadFinished:
    return scene.drop("churn/may/_SUCCESS", b"")


def sources_of(split: Split) -> list[str]:
    return [source.uri.removeprefix("gs://uploads/churn/may/") for source in split.sources]


def begun(scene: Scene) -> Split:
    """Deliver the event of a `_SUCCESS`; the job gets the work, which so never ends."""
    return scene.deliver(complete(scene), above_bytes=1)


@pytest.mark.parametrize(
    "name",
    [
        "churn/may/part-1.parquet",
        "churn/_SUCCESS",
        "churn/may/.part-1.crc",
        "churn/may/dataset.json",
        "churn/_delta_log/_SUCCESS",
        "churn/.hidden/part-1.parquet",
        "churn/may/_temporary/0/part-1.parquet",
    ],
)
def test_what_alone_is_no_table_asks_for_nothing(name: str, scene: Scene) -> None:
    event = scene.drop(name, ROWS)

    assert requested_by(event, uploads_bucket="uploads", objects=scene.objects) is None


@pytest.mark.parametrize("name", ["churn/may/1/part-1.parquet", "churn/may/1/_SUCCESS", "rows.csv"])
def test_another_depth_is_refused(name: str, scene: Scene) -> None:
    event = scene.drop(name, ROWS)

    with pytest.raises(InvalidInput, match=r"want a name of the form \{entity_id\}/\{file\}"):
        requested_by(event, uploads_bucket="uploads", objects=scene.objects)


def test_the_tables_of_a_batch_are_one_in_the_order_of_their_names(scene: Scene) -> None:
    for name in ("part-2.csv", "part-10.csv", "part-1.csv", ".part-3.csv.crc", "part-4.csv.tmp"):
        scene.drop(f"churn/may/{name}", ROWS)
    scene.drop("churn/may/_temporary/0/part-5.csv", ROWS)
    scene.drop("churn/june/part-1.csv", ROWS)

    split = begun(scene)

    assert sources_of(split) == ["part-1.csv", "part-10.csv", "part-2.csv"]
    assert split.source_uri == "gs://uploads/churn/may/_SUCCESS"
    assert (split.entity_id, split.status) == ("churn", SplitStatus.RUNNING)
    for source in split.sources:
        assert source.generation == scene.objects.stat(source.uri).generation
        assert source.size_bytes == len(ROWS)


def test_each_generation_of_the_success_is_one_split(scene: Scene) -> None:
    scene.drop("churn/may/part-1.csv", ROWS)
    event = complete(scene)
    first = [scene.deliver(event, above_bytes=1).id for _ in range(2)]
    scene.drop("churn/may/part-2.csv", ROWS)

    second = begun(scene)

    assert first == [first[0]] * 2
    assert second.id != first[0]
    assert sources_of(second) == ["part-1.csv", "part-2.csv"]
    assert sources_of(SPLITS.get(first[0], records=scene.records).value) == ["part-1.csv"]


def test_a_part_that_comes_after_the_first_delivery_is_no_part_of_it(scene: Scene) -> None:
    scene.drop("churn/may/part-1.csv", ROWS)
    event = complete(scene)
    first = scene.deliver(event, above_bytes=1)
    scene.drop("churn/may/part-2.csv", ROWS)

    assert scene.deliver(event, above_bytes=1) == first
    assert sources_of(first) == ["part-1.csv"]


def test_a_success_that_was_replaced_or_deleted_splits_nothing(scene: Scene) -> None:
    scene.drop("churn/may/part-1.csv", ROWS)
    old = complete(scene)
    new = complete(scene)

    with pytest.raises(NotFound, match="was replaced"):
        scene.deliver(old)
    scene.objects.delete("gs://uploads/churn/may/_SUCCESS")
    with pytest.raises(NotFound):
        scene.deliver(new)

    assert SPLITS.list(records=scene.records).values == []


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        (None, "invalid_input", "there is no table beside it"),
        (".part-1.csv.crc", "invalid_input", "there is no table beside it"),
        ("day=1/part-1.csv", "invalid_input", "want its tables directly in it, got"),
    ],
)
def test_a_batch_that_is_no_table_fails_and_says_why(
    name: str | None, code: str, reason: str, scene: Scene
) -> None:
    if name is not None:
        scene.drop(f"churn/may/{name}", ROWS)
    event = complete(scene)

    split = scene.deliver(event)

    assert split.status is SplitStatus.FAILED
    assert split.failure is not None
    assert split.failure.code == code
    assert reason in split.failure.message
    assert scene.deliver(event) == split
    assert scene.executions() == []


def test_a_batch_has_so_many_objects_and_no_more(scene: Scene) -> None:
    folder = scene.objects.path_of("gs://uploads/churn/may/part").parent
    folder.mkdir(parents=True)
    for number in range(MAX_SOURCES):
        (folder / f"part-{number}.csv").write_bytes(ROWS)
    most = begun(scene)

    (folder / "part-x.csv").write_bytes(ROWS)
    failed = begun(scene)

    assert len(most.sources) == MAX_SOURCES
    assert failed.failure is not None
    assert failed.failure.code == "too_large"


@pytest.mark.parametrize(("batch_bytes", "status"), [(100, "RUNNING"), (200, "FAILED")])
def test_names_too_long_to_be_recorded_are_refused(
    batch_bytes: int, status: str, scene: Scene
) -> None:
    batch = "churn/" + "m" * batch_bytes
    folder = scene.objects.path_of(f"gs://uploads/{batch}/part").parent
    folder.mkdir(parents=True)
    for number in range(MAX_SOURCES):
        (folder / f"{number:0240}.csv").write_bytes(ROWS)

    split = scene.deliver(scene.drop(f"{batch}/_SUCCESS", b""), above_bytes=1)

    assert split.status == status
    if split.failure is not None:
        assert "names of 400000 bytes" in split.failure.message


def test_an_event_of_another_bucket_is_refused(scene: Scene) -> None:
    event = UploadFinished(bucket="elsewhere", name="churn/may/_SUCCESS", generation="1")

    with pytest.raises(MlsysError, match="want an object of bucket 'uploads'"):
        split_upload(event, workshop=scene.workshop(), uploads_bucket="uploads")


def test_all_parts_are_in_the_split_and_in_its_manifest(scene: Scene) -> None:
    for part in (2, 10, 1):
        rows = "".join(f"{part},{n}\n" for n in range(20))
        scene.drop(f"churn/may/part-{part}.csv", f"part,n\n{rows}".encode())

    split = scene.deliver(complete(scene), above_bytes=2**30)

    assert (split.status, sum(split.rows.values())) == (SplitStatus.READY, 60)
    manifest = json.loads(scene.objects.read(str(split.manifest_uri)))
    for source, listed in zip(split.sources, manifest["sources"], strict=True):
        content = scene.objects.read(source.uri)
        assert listed["sha256"] == source.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("replaced", [True, False])
def test_a_part_that_is_replaced_or_deleted_before_it_is_read_fails_the_split(
    scene: Scene, *, replaced: bool
) -> None:
    for part in range(3):
        scene.drop(f"churn/may/part-{part}.csv", ROWS * 20)
    handed = begun(scene)
    if replaced:
        scene.drop("churn/may/part-2.csv", ROWS * 21)
    else:
        scene.objects.delete("gs://uploads/churn/may/part-2.csv")

    split = split_handed_over(handed.id, workshop=scene.job_workshop())

    assert split.status is SplitStatus.FAILED
    assert split.failure is not None
    assert split.failure.code == "not_found"
    assert "part-2.csv" in split.failure.message
    assert split == scene.split()
