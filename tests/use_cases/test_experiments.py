"""Asking for a study: visible at once, once per request id, and listed as one expects."""

import json
from collections.abc import Mapping
from datetime import timedelta
from threading import Event
from typing import Any

import pytest

from mlsys.adapters.local.messages import SqliteMessages, topic_channel
from mlsys.domain.errors import AlreadyExists, InvalidInput, NotFound, Unavailable
from mlsys.domain.experiment_records import Experiment, ExperimentStatus
from mlsys.domain.messages import ExperimentRequest
from mlsys.domain.split_records import Split
from mlsys.edge.http import Answer, Request, Table, respond
from mlsys.handlers.experiments import ROUTES
from mlsys.handlers.study import handle
from mlsys.ports import Json
from mlsys.repositories.experiments import EXPERIMENTS
from mlsys.runtime import Runtime
from mlsys.use_cases.experiments import get_experiment, request_experiment
from tests.use_cases.conftest import NOW, asked_for


class BrokenMessages(SqliteMessages):
    """A topic that takes nothing while it is broken."""

    broken = True

    def publish(self, topic: str, body: Json, *, attributes: Mapping[str, str]) -> str:
        if self.broken:
            raise Unavailable("nobody takes the message")
        return super().publish(topic, body, attributes=attributes)


@pytest.fixture
def messages(runtime: Runtime) -> SqliteMessages:
    assert isinstance(runtime.messages, SqliteMessages)
    return runtime.messages


def body_of(split: Split, **fields: Any) -> dict[str, Any]:
    return {
        "split_id": split.id,
        "name": "toys",
        "target_column": "kind",
        "task_type": "classification",
        "model_type": "lightgbm",
        **fields,
    }


def ask(
    split: Split, runtime: Runtime, *, messages: SqliteMessages | None = None, **fields: Any
) -> Experiment:
    return request_experiment(
        ExperimentRequest.model_validate(body_of(split, **fields)),
        records=runtime.records,
        messages=messages or runtime.messages,
        topic="experiments",
        attributes={"request_id": "r-1"},
        now=NOW,
    )


def published(messages: SqliteMessages) -> list[str]:
    """Take what waits in the topic; return the request ids."""
    taken = []
    while (claim := messages.claim([topic_channel("experiments")], hold_seconds=60)) is not None:
        taken.append(claim.event.data["message"]["attributes"]["request_id"])
    return taken


def call(
    runtime: Runtime, path: str, query: Mapping[str, str] | None = None, body: Any = None
) -> Answer:
    method, content = ("GET", b"") if body is None else ("POST", json.dumps(body).encode())
    return respond(Table(ROUTES), Request(method, path, query or {}, {}, content), runtime)


def listed(runtime: Runtime, **query: str) -> tuple[list[str], str | None]:
    answer = json.loads(call(runtime, "/v1/experiments", query).body)
    return [one["request_id"] for one in answer["items"]], answer["next_page_token"]


def test_what_was_asked_for_is_visible_at_once(ready_split: Split, runtime: Runtime) -> None:
    asked = call(runtime, "/v1/experiments", body=body_of(ready_split))

    experiment = json.loads(asked.body)
    assert asked.status == 202
    assert experiment["status"] == "REQUESTED"
    shown = call(runtime, f"/v1/experiments/{experiment['id']}")
    assert (shown.status, json.loads(shown.body)) == (200, experiment)


def test_the_message_carries_the_whole_request(
    ready_split: Split, runtime: Runtime, messages: SqliteMessages
) -> None:
    asked = ask(ready_split, runtime)

    claim = messages.claim([topic_channel("experiments")], hold_seconds=60)

    assert claim is not None
    assert asked.request["request_id"]
    assert ExperimentRequest.model_validate(asked.request).split_id == ready_split.id


def test_without_a_request_id_each_call_is_another_experiment(
    ready_split: Split, runtime: Runtime
) -> None:
    assert ask(ready_split, runtime).id != ask(ready_split, runtime).id


def test_the_same_request_id_is_the_same_experiment(ready_split: Split, runtime: Runtime) -> None:
    first = ask(ready_split, runtime, request_id="r-1")

    assert ask(ready_split, runtime, request_id="r-1") == first
    assert listed(runtime) == (["r-1"], None)


@pytest.mark.parametrize(
    "fields", [{"optuna_config": {"n_trials": 7}}, {"name": "other"}, {"target_column": "grade"}]
)
def test_a_request_id_used_for_another_request_is_refused(
    ready_split: Split, runtime: Runtime, messages: SqliteMessages, fields: dict[str, Any]
) -> None:
    first = ask(ready_split, runtime, request_id="r-1")
    published(messages)

    with pytest.raises(AlreadyExists, match="'r-1'"):
        ask(ready_split, runtime, request_id="r-1", **fields)

    assert get_experiment(first.id, records=runtime.records) == first
    assert published(messages) == []


def test_a_request_stored_by_an_older_release_is_still_the_same(
    ready_split: Split, runtime: Runtime
) -> None:
    first = ask(ready_split, runtime, request_id="r-1")
    seen = EXPERIMENTS.get(first.id, records=runtime.records)
    older = {key: value for key, value in first.request.items() if key != "auto_promote"}
    stored = seen.value.model_copy(update={"request": older})
    EXPERIMENTS.replace(seen, stored, records=runtime.records)

    assert ask(ready_split, runtime, request_id="r-1").id == first.id


def test_what_could_not_be_published_is_not_recorded_and_can_be_asked_again(
    ready_split: Split, runtime: Runtime
) -> None:
    messages = BrokenMessages(runtime.settings.home / "messages.db")
    with pytest.raises(Unavailable):
        ask(ready_split, runtime, messages=messages, request_id="r-1")
    assert listed(runtime) == ([], None)

    messages.broken = False
    ask(ready_split, runtime, messages=messages, request_id="r-1")

    assert listed(runtime) == (["r-1"], None)
    assert published(messages) == ["r-1"]


@pytest.mark.parametrize("status", ["REQUESTED", "LAUNCHED", "RUNNING"])
def test_asking_again_for_what_has_not_ended_publishes_again(
    ready_split: Split, runtime: Runtime, messages: SqliteMessages, status: str
) -> None:
    """A study whose job died, and whose message is long acknowledged, is launched again."""
    first = ask(ready_split, runtime, request_id="r-1")
    end_as(first, ExperimentStatus(status), runtime)
    published(messages)

    again = ask(ready_split, runtime, request_id="r-1")

    assert (again.id, again.status) == (first.id, status)
    assert published(messages) == ["r-1"]


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "CANCELLED"])
def test_asking_again_for_what_has_ended_answers_how(
    ready_split: Split, runtime: Runtime, messages: SqliteMessages, status: str
) -> None:
    first = ask(ready_split, runtime, request_id="r-1")
    end_as(first, ExperimentStatus(status), runtime)
    published(messages)

    assert ask(ready_split, runtime, request_id="r-1").status == status
    assert published(messages) == []


def end_as(experiment: Experiment, status: ExperimentStatus, runtime: Runtime) -> None:
    seen = EXPERIMENTS.get(experiment.id, records=runtime.records)
    changed = seen.value.model_copy(update={"status": status})
    EXPERIMENTS.replace(seen, changed, records=runtime.records)


@pytest.mark.parametrize(
    ("fields", "error", "reason"),
    [
        ({"split_id": "split-none"}, NotFound, "split-none"),
        ({"target_column": "none"}, InvalidInput, "no column 'none'; split .* has .*kind"),
        ({"feature_columns": ["size", "none"]}, InvalidInput, "no column 'none'"),
        ({"feature_columns": ["kind"]}, InvalidInput, "cannot be a feature"),
        ({"metric_name": "rmse"}, InvalidInput, "rmse"),
        ({"task_type": "regression", "metric_name": "auc"}, InvalidInput, "auc"),
    ],
)
def test_what_cannot_be_learnt_is_refused_and_neither_published_nor_recorded(
    ready_split: Split,
    runtime: Runtime,
    messages: SqliteMessages,
    *,
    fields: dict[str, Any],
    error: type[Exception],
    reason: str,
) -> None:
    with pytest.raises(error, match=reason):
        ask(ready_split, runtime, **fields)

    assert published(messages) == []
    assert listed(runtime) == ([], None)


def test_experiments_are_listed_newest_first_page_by_page(
    ready_split: Split, runtime: Runtime
) -> None:
    for number in range(5):
        experiment = asked_for(ready_split, runtime, request_id=f"r-{number}")
        seen = EXPERIMENTS.get(experiment.id, records=runtime.records)
        at = NOW + timedelta(seconds=number)
        made = seen.value.model_copy(update={"created_at": at})
        EXPERIMENTS.replace(seen, made, records=runtime.records)

    pages = [listed(runtime, page_size="2")]
    while (token := pages[-1][1]) is not None:
        pages.append(listed(runtime, page_size="2", page_token=token))

    assert [names for names, _ in pages] == [["r-4", "r-3"], ["r-2", "r-1"], ["r-0"]]
    assert listed(runtime)[1] is None


def test_experiments_are_listed_by_what_they_are(ready_split: Split, runtime: Runtime) -> None:
    asked_for(ready_split, runtime, request_id="r-1", name="toys")
    other = asked_for(ready_split, runtime, request_id="r-2", name="games")
    end_as(other, ExperimentStatus.FAILED, runtime)

    assert listed(runtime, name="games") == (["r-2"], None)
    assert listed(runtime, status="REQUESTED") == (["r-1"], None)
    assert listed(runtime, status="FAILED", name="toys") == ([], None)
    assert len(listed(runtime, split_id=ready_split.id)[0]) == 2


@pytest.mark.parametrize(
    "query",
    [{"page_size": "0"}, {"page_size": "1001"}, {"page_token": "forged"}, {"colour": "red"}],
)
def test_a_list_that_makes_no_sense_is_refused(runtime: Runtime, query: dict[str, str]) -> None:
    assert call(runtime, "/v1/experiments", query).status == 400


def test_trials_are_listed_newest_first_page_by_page(ready_split: Split, runtime: Runtime) -> None:
    experiment = asked_for(ready_split, runtime)
    handle(experiment.id, runtime, environment={}, stop=Event())
    path = f"/v1/experiments/{experiment.id}/trials"

    first = json.loads(call(runtime, path, {"page_size": "2"}).body)
    token = first["next_page_token"]
    second = json.loads(call(runtime, path, {"page_size": "2", "page_token": token}).body)

    rows = first["items"] + second["items"]
    assert [row["number"] for row in rows] == [2, 1, 0]
    assert second["next_page_token"] is None
    assert all(row["state"] == "COMPLETE" for row in rows)
    assert all(0 <= row["value"] <= 1 and row["rounds"] >= 1 for row in rows)
    assert rows[-1]["params"]["num_leaves"] == 31


def test_an_experiment_without_trials_lists_none_and_an_unknown_one_is_not_found(
    ready_split: Split, runtime: Runtime
) -> None:
    experiment = asked_for(ready_split, runtime)

    none_yet = call(runtime, f"/v1/experiments/{experiment.id}/trials")

    assert json.loads(none_yet.body) == {"items": [], "next_page_token": None}
    assert call(runtime, "/v1/experiments/exp-none/trials").status == 404
    assert call(runtime, "/v1/experiments/No%20Id/trials").status == 400
