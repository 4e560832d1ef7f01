"""Splits from Python, on a folder and over HTTP."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from mlsys import Client
from mlsys.dev.platform import Platform
from mlsys.domain.errors import AlreadyExists, InvalidInput, NotFound, Refused, Unavailable
from mlsys.domain.split_records import Split, SplitStatus
from mlsys.runtime import Runtime
from mlsys.settings import Settings
from tests.homes import copy_home
from tests.surfaces.begun_splits import ROWS, begun
from tests.surfaces.conftest import Done


@pytest.fixture(params=["local", "http"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Client]:
    """A platform of this test alone, in process and over HTTP."""
    if request.param == "local":
        with Client.local(tmp_path / "home") as local:
            yield local
        return
    with Platform(tmp_path / "home") as platform, Client(platform.url) as remote:
        yield remote


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_the_life_of_a_split(client: Client) -> None:
    split = client.create_split(
        "churn",
        rows=ROWS,
        strategy="stratified",
        params={"target_column": "kind", "seed": 7},
        contract={"columns": {"n": {"role": "key"}}},
        labels={"team": "growth"},
        description="first",
    )
    labelled = client.update_split(split.id, labels={"team": None, "owner": "anna"})
    described = client.update_split(split.id, description="second")
    gone = client.delete_split(split.id)
    listed = [list(client.splits(show_deleted=deleted)) for deleted in (False, True)]
    back = client.undelete_split(split.id)
    latest = client.latest_split("churn")
    emptied = client.delete_split(split.id, delete_artifacts=True)

    assert (split.status, split.seed, split.strategy) == (SplitStatus.READY, 7, "stratified")
    assert labelled.labels == {"owner": "anna"}
    assert (described.labels, described.description) == ({"owner": "anna"}, "second")
    assert gone.deleted
    assert listed == [[], [gone]]
    assert latest == back
    assert emptied.artifacts_deleted
    with pytest.raises(Refused, match="files were deleted"):
        client.undelete_split(split.id)


def test_the_same_again_is_the_same_split(client: Client) -> None:
    first = client.create_split("churn", rows=ROWS, request_id="r-1")

    assert client.create_split("churn", rows=ROWS, request_id="r-1") == first
    with pytest.raises(AlreadyExists):
        client.create_split("churn", rows=ROWS[:-1], request_id="r-1")


def test_a_decimal_keeps_its_digits(home: Path) -> None:
    with Client.local(home) as client:
        split = client.create_split("churn", rows=[{"price": Decimal("1.10")}] * 20)

    stored = Runtime(Settings(home=home)).objects.read(split.source_uri)
    assert stored.startswith(b'{"price":1.10}\n')


@pytest.mark.parametrize("value", [float("nan"), b"bytes", {1}, [1], object()])
def test_what_is_no_json_is_not_sent(home: Path, value: object) -> None:
    with Client.local(home) as client, pytest.raises(InvalidInput, match="cannot be sent as JSON"):
        client.create_split("churn", rows=[{"a": value}])


def test_every_problem_comes_back_with_its_place(client: Client) -> None:
    with pytest.raises(InvalidInput) as caught:
        client.create_split("churn", rows=[{"a": 1}], params={"sed": 7}, labels={"Team": "a"})

    assert {one.field for one in caught.value.violations} == {
        "labels.Team.[key]",
        "split_params.sed",
    }


def test_what_is_not_there_is_not_found(client: Client) -> None:
    with pytest.raises(NotFound, match="no split that is READY"):
        client.latest_split("churn")
    for call in (client.update_split, client.delete_split, client.undelete_split):
        with pytest.raises(NotFound):
            call("split-0")


def test_what_a_model_was_trained_on_may_go(done: Done, tmp_path: Path) -> None:
    copy_home(done.home, tmp_path / "home")
    with Client.local(tmp_path / "home") as client:
        client.delete_split(done.split.id, delete_artifacts=True)

        answers = client.predict("churn", instances=[{"age": 20, "plan": "001"}])
        ranking = client.importance("churn")

    assert answers.predictions[0].prediction == "yes"
    assert ranking.method == "native"
    assert "shap" in ranking.warnings[0]


def test_a_split_is_watched_to_its_end(home: Path) -> None:
    claimed = begun(home)
    seen: list[Split] = []

    def on_look(split: Split) -> None:
        seen.append(split)
        if split.status is SplitStatus.RUNNING:
            claimed.note(status=SplitStatus.READY)

    with Client.local(home) as client:
        done = client.watch_split("split-1", on_look=on_look)

    assert [one.status for one in seen] == [SplitStatus.RUNNING, SplitStatus.READY]
    assert done == seen[-1]


def test_watching_ends(home: Path) -> None:
    begun(home)

    with Client.local(home) as client, pytest.raises(Unavailable, match="split-1 is not finished"):
        client.watch_split("split-1", timeout_seconds=0.2)
