"""Split and launch take real CloudEvents over HTTP, and say what should come again."""

import base64
import json
from typing import Any

import httpx
import pytest
from cloudevents.conversion import to_binary, to_structured
from cloudevents.http import CloudEvent

from mlsys.domain.experiment_records import ExperimentStatus
from mlsys.domain.split_records import SplitStatus
from mlsys.edge.events import MESSAGE_PUBLISHED, OBJECT_FINALIZED
from mlsys.repositories.experiments import EXPERIMENTS
from mlsys.repositories.splits import SPLITS
from mlsys.runtime import Runtime
from tests.functions.conftest import Deploy
from tests.use_cases.splitting.hostile_uploads import gzipped, of_one_line


def deliver(
    client: httpx.Client, type: str, data: Any, *, convert: Any = to_binary
) -> httpx.Response:
    attributes = {"type": type, "source": "//storage.googleapis.com/projects/_", "id": "e-1"}
    headers, body = convert(CloudEvent(attributes, data))
    return client.post("/", headers=dict(headers), content=body)


def push(client: httpx.Client, body: Any, *, message_id: str = "m-1") -> httpx.Response:
    """Deliver a message in Pub/Sub's own push format, as its emulator does."""
    message = {
        "data": base64.b64encode(json.dumps(body).encode()).decode(),
        "attributes": {"request_id": "r-1"},
        "messageId": message_id,
        "message_id": message_id,
        "publishTime": "2026-11-01T00:00:00Z",
    }
    envelope = {"message": message, "subscription": "projects/p/subscriptions/launch"}
    return client.post("/", json=envelope)


def experiment(split_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "split_id": split_id,
        "name": "iris",
        "target_column": "kind",
        "task_type": "classification",
        "model_type": "lightgbm",
        "optuna_config": {"n_trials": 1},
        **fields,
    }


@pytest.mark.parametrize("convert", [to_binary, to_structured])
def test_a_dropped_file_is_split(
    deploy: Deploy, runtime: Runtime, uploaded: dict[str, str], convert: Any
) -> None:
    answered = deliver(deploy("split"), OBJECT_FINALIZED, uploaded, convert=convert)

    [split] = SPLITS.list(records=runtime.records).values
    assert answered.status_code == 200
    assert split.status is SplitStatus.READY
    assert sum(split.rows.values()) == 120


def test_the_same_event_again_is_the_same_split(
    deploy: Deploy, runtime: Runtime, uploaded: dict[str, str]
) -> None:
    client = deploy("split")
    deliver(client, OBJECT_FINALIZED, uploaded)
    [before] = SPLITS.list(records=runtime.records).values

    assert deliver(client, OBJECT_FINALIZED, uploaded).status_code == 200

    assert SPLITS.list(records=runtime.records).values == [before]


def test_a_bomb_is_acknowledged_and_recorded_and_the_server_goes_on(
    deploy: Deploy, runtime: Runtime, uploaded: dict[str, str]
) -> None:
    bomb = of_one_line(gzipped)
    dropped = runtime.objects.put("gs://uploads/iris/bomb.csv.gz", bomb)
    data = {"bucket": "uploads", "name": "iris/bomb.csv.gz", "generation": dropped.generation}
    client = deploy("split")

    answered = [deliver(client, OBJECT_FINALIZED, one).status_code for one in (data, uploaded)]

    ended = {one.source_uri: one for one in SPLITS.list(records=runtime.records).values}
    failed = ended["gs://uploads/iris/bomb.csv.gz"]
    assert answered == [200, 200]
    assert failed.status is SplitStatus.FAILED
    assert failed.failure is not None
    assert "line 2 is longer than" in failed.failure.message
    assert ended["gs://uploads/iris/table.csv"].status is SplitStatus.READY


def test_a_dataset_that_asks_for_an_experiment_gets_it_once(
    deploy: Deploy, runtime: Runtime, uploaded: dict[str, str]
) -> None:
    wish = {name: value for name, value in experiment("").items() if name != "split_id"}
    dataset = {"split": {"strategy": "stratified", "target_column": "kind"}, "experiment": wish}
    runtime.objects.put("gs://uploads/iris/dataset.json", json.dumps(dataset).encode())
    client = deploy("split")

    answered = [deliver(client, OBJECT_FINALIZED, uploaded).status_code for _ in range(2)]

    [split] = SPLITS.list(records=runtime.records).values
    [asked] = EXPERIMENTS.list(records=runtime.records).values
    assert answered == [200, 200]
    assert split.experiment_id == asked.id
    assert asked.split_id == split.id


@pytest.mark.parametrize(
    "forged",
    [
        {},
        {"bucket": "uploads"},
        {"bucket": "artifacts", "name": "iris/table.csv", "generation": "1"},
        {"bucket": "uploads", "name": "iris/none.csv", "generation": "1"},
        {"bucket": "uploads", "name": "iris/table.csv", "generation": "1"},
        {"bucket": "uploads", "name": "../../etc/passwd", "generation": "1"},
        {"bucket": "uploads", "name": "no-folder.csv", "generation": "1"},
    ],
)
def test_a_forged_event_is_acknowledged_and_makes_no_split(
    deploy: Deploy, runtime: Runtime, uploaded: dict[str, str], forged: dict[str, str]
) -> None:
    assert uploaded

    assert deliver(deploy("split"), OBJECT_FINALIZED, forged).status_code == 200

    assert SPLITS.list(records=runtime.records).values == []


def test_what_is_no_event_is_refused(deploy: Deploy) -> None:
    assert deploy("split").post("/", json={"hello": 1}).status_code == 400


def test_a_message_without_a_split_is_kept_as_a_failed_experiment(
    deploy: Deploy, runtime: Runtime
) -> None:
    answered = push(deploy("launch"), experiment("split-none"))

    [failed] = EXPERIMENTS.list(records=runtime.records).values
    assert answered.status_code == 200
    assert failed.status is ExperimentStatus.FAILED
    assert failed.failure is not None
    assert "split-none" in failed.failure.message


def test_a_message_that_is_no_request_is_kept_with_everything_wrong_with_it(
    deploy: Deploy, runtime: Runtime
) -> None:
    body = experiment("split-1", optuna_config={"n_trials": 0, "sampler": "Magic"})

    answered = push(deploy("launch"), body)

    [failed] = EXPERIMENTS.list(records=runtime.records).values
    assert answered.status_code == 200
    assert failed.request == body
    assert failed.failure is not None
    assert len(failed.failure.details) == 2


def test_eventarcs_and_pubsubs_own_format_mean_the_same(deploy: Deploy, runtime: Runtime) -> None:
    body = experiment("split-none")
    data = {
        "message": {
            "data": base64.b64encode(json.dumps(body).encode()).decode(),
            "attributes": {},
            "messageId": "m-1",
        },
        "subscription": "projects/p/subscriptions/launch",
    }
    client = deploy("launch")

    deliver(client, MESSAGE_PUBLISHED, data)
    push(client, body)

    assert len(EXPERIMENTS.list(records=runtime.records).values) == 1
