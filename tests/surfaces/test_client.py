"""The client: the same calls on a folder and over HTTP, and the same errors."""

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
from pydantic import BaseModel

from mlsys import Client
from mlsys.dev.platform import Platform
from mlsys.domain import errors
from mlsys.domain.answers import TrialRow
from mlsys.domain.errors import InvalidInput, LostRace, MlsysError, NotFound, Refused, Unavailable
from mlsys.domain.experiment_records import ExperimentStatus
from mlsys.domain.split_records import SplitStatus
from mlsys.edge.failures import STATUS
from mlsys.edge.http import Answer, Call, Request, Route, Table, respond
from mlsys.sdk.answers import error_of, read_answer
from mlsys.sdk.calls import Calls
from mlsys.sdk.local import LocalConnection
from tests.surfaces.conftest import Done

ROWS = [{"age": 20, "plan": "001"}, {"age": 85, "plan": "002"}]
# A client can only look again, whoever came first; and wait, whatever was busy.
COARSER = {errors.Conflict: LostRace, errors.Busy: Unavailable}


@pytest.fixture(params=["local", "http"])
def client(request: pytest.FixtureRequest, done: Done) -> Iterator[Client]:
    """The same platform, in process and over HTTP."""
    if request.param == "local":
        with Client.local(done.home) as local:
            yield local
        return
    with Platform(done.home) as platform, Client(platform.url) as remote:
        yield remote


def test_the_main_job_was_done(done: Done) -> None:
    assert done.split.status is SplitStatus.READY
    assert sum(done.split.rows.values()) == 200
    assert done.experiment.status is ExperimentStatus.SUCCEEDED
    assert done.experiment.model_id == "churn-v1"


def test_what_was_done_is_listed(client: Client, done: Done) -> None:
    assert [one.id for one in client.splits(entity="churn")] == [done.split.id]
    assert list(client.splits(entity="other")) == []
    assert [one.id for one in client.experiments(name="churn")] == [done.experiment.id]
    assert [one.number for one in client.trials(done.experiment.id)] == [2, 1, 0]
    assert [one.id for one in client.models(name="churn", stage="production")] == ["churn-v1"]
    assert client.split(done.split.id) == done.split
    assert client.model("churn-v1").experiment_id == done.experiment.id


def test_a_model_answers(client: Client) -> None:
    answer = client.predict("churn", instances=ROWS, explain=True, threshold=0.5)
    by_version = client.predict(model_id="churn-v1", instances=ROWS)

    assert [one.prediction for one in answer.predictions] == ["yes", "no"]
    assert answer.predictions[0].explanation is not None
    assert set(answer.predictions[0].explanation.contributions) == {"age", "plan"}
    assert by_version.model_id == answer.model_id == "churn-v1"


def test_features_are_ranked(client: Client) -> None:
    ranking = client.importance("churn", max_samples=10)

    assert ranking.importances[0].feature == "age"
    assert sum(one.share for one in ranking.importances) == pytest.approx(1)
    assert ranking.samples == 10


def test_what_is_not_there_is_not_found(client: Client) -> None:
    with pytest.raises(NotFound):
        client.split("split-000000000000000000000000")
    with pytest.raises(NotFound):
        client.predict("nobody", instances=ROWS)


def test_every_problem_comes_back_with_its_place(client: Client) -> None:
    with pytest.raises(InvalidInput) as caught:
        client.predict("churn", instances=[{"age": "abc", "plan": "001"}, {"plan": "001"}])

    places = [one.field for one in caught.value.violations]
    assert places == ["instances[0].age", "instances[1].age"]


def test_a_gate_says_why(client: Client) -> None:
    with pytest.raises(Refused) as caught:
        client.promote("churn-v1", "staging", gates={"min_value": 2.0}, validate_only=True)

    assert "under the minimum 2" in caught.value.reasons[0]


def test_another_production_than_expected_is_a_lost_race(client: Client) -> None:
    with pytest.raises(LostRace):
        client.promote("churn-v1", "production", expected_production="churn-v7")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", {1, 2}])
def test_what_is_no_json_is_not_sent(client: Client, value: object) -> None:
    with pytest.raises(InvalidInput, match="cannot be sent as JSON"):
        client.predict("churn", instances=[{"age": value}])


def test_an_experiment_is_refused_before_it_is_sent(client: Client) -> None:
    with pytest.raises(InvalidInput) as caught:
        client.create_experiment(name="churn", n_trails=3)

    assert "n_trails" in {one.field for one in caught.value.violations}


def test_each_ended_trial_is_told_once(client: Client, done: Done) -> None:
    told: list[TrialRow] = []

    client.wait_for_experiment(done.experiment.id, on_trial=told.append)

    assert [one.number for one in told] == [0, 1, 2]


def test_waiting_ends(client: Client) -> None:
    with pytest.raises(Unavailable, match=r"split of churn/other.csv is not finished after 0.2 s"):
        client.wait_for_split("churn", "other.csv", timeout_seconds=0.2)


def test_a_list_goes_on_past_a_page(done: Done) -> None:
    calls = Calls(LocalConnection(done.home))

    listed = calls.list(f"/v1/experiments/{done.experiment.id}/trials", TrialRow, page_size="1")

    assert [one.number for one in listed] == [2, 1, 0]


@pytest.mark.parametrize("entity", ["../escape", "a/b", "", "UPPER"])
def test_an_entity_is_a_name(tmp_path: Path, table: Path, entity: str) -> None:
    with Client.local(tmp_path / "home") as client, pytest.raises(InvalidInput):
        client.upload(table, entity=entity)

    assert not (tmp_path / "home" / "uploads").exists()


def test_a_dataset_json_is_not_waited_for(tmp_path: Path, table: Path) -> None:
    with Client.local(tmp_path / "home") as client, pytest.raises(InvalidInput, match="not split"):
        client.upload(table.with_name("dataset.json"), entity="churn", wait=True)


def test_a_url_takes_no_upload_unless_a_bucket_is_named(table: Path) -> None:
    client = Client("http://127.0.0.1:1")

    with client, pytest.raises(InvalidInput, match="MLSYS_UPLOADS_BUCKET"):
        client.upload(table, entity="churn")


def test_nobody_at_a_url_is_unavailable() -> None:
    with Client("http://127.0.0.1:1") as client, pytest.raises(Unavailable, match="not answer"):
        client.version()


@pytest.mark.parametrize("url", ["", "ftp://host", "host:80", "http://", "http://[::"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="not a URL"):
        Client(url)


@pytest.mark.parametrize("kind", STATUS, ids=lambda kind: kind.code)
def test_an_error_arrives_as_it_was_raised(kind: type[MlsysError]) -> None:
    def refuse(_: Call, __: None) -> BaseModel:
        raise kind("that is not so")

    answer = respond(Table([Route("GET", "/it", refuse)]), Request("GET", "/it"), None)

    error = error_of(answer)

    assert type(error) is COARSER.get(kind, kind)
    assert str(error) == "that is not so"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(403, InvalidInput), (404, NotFound), (500, Unavailable), (502, Unavailable)],
)
def test_a_proxy_in_between_is_understood(status: int, kind: type[MlsysError]) -> None:
    error = error_of(Answer(HTTPStatus(status), b"<html>\n  no  </html>", {}))

    assert type(error) is kind
    assert "<html> no </html>" in str(error)


def test_another_service_is_not_taken_for_mlsys() -> None:
    answer = Answer(HTTPStatus.OK, b'{"hello": "world"}', {})

    with pytest.raises(Unavailable, match="no mlsys of this release"):
        read_answer(answer, TrialRow)
