"""From a dropped file to an explained prediction, on Google's own client libraries.

Cloud Storage and Cloud Run Jobs are the project's test servers, Firestore and Pub/Sub the official
emulators; the functions run under functions-framework and the job is a subprocess.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
from cloudevents.conversion import to_binary
from cloudevents.http import CloudEvent
from google.cloud import pubsub_v1
from sklearn.datasets import load_breast_cancer

from mlsys.edge.events import OBJECT_FINALIZED
from tests.cloud.deployed import ROOT, deployed
from tests.cloud.run_jobs import run_jobs_server
from tests.cloud.storage import StorageServer, storage_server

pytestmark = pytest.mark.emulator

FUNCTIONS = [
    "split",
    "launch",
    "splits",
    "experiments",
    "models",
    "promotion",
    "predict",
    "importance",
]
N_TRIALS = 4
REQUEST_ID = "tour-1"


@dataclass(frozen=True)
class Cloud:
    """What a user of a deployment sees."""

    storage: StorageServer
    urls: dict[str, str]
    logs: Path

    def call(self, name: str, method: str, path: str, body: Any = None) -> Any:
        answered = httpx.request(
            method,
            self.urls[name] + path,
            json=body,
            headers={"X-Request-ID": REQUEST_ID},
            timeout=60,
        )
        assert answered.is_success, f"{answered.text}\n{self.log_of(name)}"
        return answered.json()

    def log_of(self, name: str) -> str:
        return (self.logs / f"{name}.log").read_text()[-5000:]


@pytest.fixture
def cloud(
    tmp_path: Path, project: str, firestore_emulator: str, pubsub_emulator: str
) -> Iterator[Cloud]:
    """Deploy everything to this machine."""
    urls: dict[str, str] = {}

    def tell_split(resource: dict[str, Any]) -> None:
        attributes = {
            "type": OBJECT_FINALIZED,
            "source": f"//storage.googleapis.com/projects/_/buckets/{resource['bucket']}",
            "subject": f"objects/{resource['name']}",
        }
        headers, body = to_binary(CloudEvent(attributes, resource))
        if resource["bucket"] == "uploads":
            httpx.post(urls["split"], headers=dict(headers), content=body, timeout=60)

    with ExitStack() as stack:
        storage = stack.enter_context(storage_server("uploads", "artifacts", finalized=tell_split))
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": f"{ROOT / 'shared'}",
            "MLSYS_BACKEND": "gcp",
            "MLSYS_PROJECT": project,
            "GOOGLE_CLOUD_PROJECT": project,
            "STORAGE_EMULATOR_HOST": storage.url,
            "FIRESTORE_EMULATOR_HOST": firestore_emulator,
            "PUBSUB_EMULATOR_HOST": pubsub_emulator,
        }
        run_jobs = stack.enter_context(
            run_jobs_server(
                tmp_path, {"study": [sys.executable, str(ROOT / "jobs" / "study")]}, environment
            )
        )
        environment["MLSYS_RUN_ENDPOINT"] = run_jobs.url
        urls |= stack.enter_context(deployed(FUNCTIONS, environment, tmp_path))
        _subscribe(project, urls["launch"])
        yield Cloud(storage, urls, tmp_path)


def test_from_a_dropped_file_to_an_explained_prediction(cloud: Cloud) -> None:
    table = _breast_cancer()
    held_out, dropped = table.head(20), table.tail(-20)

    uploads = cloud.storage.client().bucket("uploads")
    uploads.blob("cancer/dataset.json").upload_from_string(
        '{"split": {"strategy": "stratified", "target_column": "diagnosis"}}'
    )
    uploads.blob("cancer/table.csv").upload_from_string(dropped.write_csv())
    split = _eventually(lambda: _only(cloud.call("splits", "GET", "/v1/splits")), "READY", cloud)

    asked = cloud.call(
        "experiments",
        "POST",
        "/v1/experiments",
        {
            "split_id": split["id"],
            "name": "cancer",
            "target_column": "diagnosis",
            "task_type": "classification",
            "model_type": "lightgbm",
            "optuna_config": {"n_trials": N_TRIALS, "parallelism": 2},
        },
    )
    path = f"/v1/experiments/{asked['id']}"
    done = _eventually(lambda: cloud.call("experiments", "GET", path), "SUCCEEDED", cloud)
    trials = cloud.call("experiments", "GET", f"{path}/trials")["items"]
    promoted = cloud.call(
        "promotion", "POST", f"/v1/models/{done['model_id']}/promote", {"stage": "production"}
    )
    answers = cloud.call(
        "predict",
        "POST",
        "/v1/predict",
        {
            "model": "cancer",
            "instances": held_out.drop("diagnosis").to_dicts(),
            "parameters": {"explain": True},
        },
    )
    importance = cloud.call("importance", "POST", "/v1/importance", {"model": "cancer"})

    assert sum(split["rows"].values()) == dropped.height
    assert [one["number"] for one in trials] == list(reversed(range(N_TRIALS)))
    assert sum(done["trials"].values()) == N_TRIALS
    assert done["test"]["low"] <= done["test"]["value"] <= done["test"]["high"]
    assert promoted["promoted"]
    right = [
        said["prediction"] == truth
        for said, truth in zip(answers["predictions"], held_out["diagnosis"], strict=True)
    ]
    assert sum(right) >= 16
    assert all(one["explanation"]["contributions"] for one in answers["predictions"])
    assert f'"request_id":"{REQUEST_ID}"' in cloud.log_of("launch")
    for task in range(2):
        [log] = cloud.logs.rglob(f"task-{task}.log")
        said = [line for line in log.read_text().splitlines() if not line.startswith("---")]
        lines = [json.loads(line) for line in said]
        assert {line["request_id"] for line in lines} == {REQUEST_ID}
    assert sum(one["share"] for one in importance["importances"]) == pytest.approx(1)


def _breast_cancer() -> pl.DataFrame:
    bunch = load_breast_cancer()
    names = [name.replace(" ", "_") for name in bunch.feature_names]
    diagnosis = pl.Series("diagnosis", [str(bunch.target_names[one]) for one in bunch.target])
    return pl.DataFrame(bunch.data, schema=names).with_columns(diagnosis)


def _subscribe(project: str, url: str) -> None:
    with pubsub_v1.PublisherClient() as publisher, pubsub_v1.SubscriberClient() as subscriber:
        topic = publisher.topic_path(project, "experiments")
        publisher.create_topic(name=topic)
        subscriber.create_subscription(
            name=subscriber.subscription_path(project, "launch"),
            topic=topic,
            push_config={"push_endpoint": url},
            ack_deadline_seconds=60,
        )


def _only(listed: dict[str, Any]) -> dict[str, Any]:
    return next(iter(listed["items"]), {"status": "not there yet"})


def _eventually(look: Callable[[], dict[str, Any]], status: str, cloud: Cloud) -> dict[str, Any]:
    deadline = time.monotonic() + 90
    while (found := look())["status"] != status:
        logs = "\n".join(path.read_text()[-3000:] for path in cloud.logs.rglob("*.log"))
        assert found["status"] != "FAILED", f"{found}\n{logs}"
        assert time.monotonic() < deadline, f"{found}\n{logs}"
        time.sleep(0.2)
    return found
