"""Splits whose dataset.json asks for an experiment, and what comes of them."""

import base64
from collections.abc import Mapping
from typing import Any

from mlsys.adapters.local.messages import SqliteMessages, topic_channel
from mlsys.domain.experiment_records import Experiment
from mlsys.domain.messages import ExperimentRequest
from mlsys.domain.split_records import Split
from mlsys.ports import Messages, Records
from mlsys.repositories.experiments import EXPERIMENTS
from mlsys.repositories.splits import SPLITS
from mlsys.runtime import Runtime
from mlsys.use_cases.follow_up import follow_up
from mlsys.use_cases.launch import launch_study
from tests.use_cases.conftest import NOW
from tests.use_cases.launches import LONG, jobs_of

WISH = {
    "name": "toys",
    "target_column": "kind",
    "task_type": "classification",
    "model_type": "lightgbm",
    "optuna_config": {"n_trials": 2},
}


def wish(split: Split, runtime: Runtime, **fields: Any) -> Split:
    """Let a split have been asked for with a wish."""
    return SPLITS.change(
        split.id,
        lambda seen: seen.model_copy(update={"experiment_wish": {**WISH, **fields}}),
        records=runtime.records,
    )


def followed(
    runtime: Runtime,
    split: Split,
    *,
    records: Records | None = None,
    messages: Messages | None = None,
) -> Split:
    """Do what a delivery of the upload's event does."""
    return follow_up(
        SPLITS.get(split.id, records=runtime.records).value,
        records=records or runtime.records,
        messages=messages or runtime.messages,
        topic="experiments",
        attributes={"request_id": "e-1"},
        now=NOW,
    )


def launched(runtime: Runtime) -> int:
    """Deliver every message to the launcher; count the experiments that there are then."""
    messages = runtime.messages
    assert isinstance(messages, SqliteMessages)
    jobs = jobs_of(runtime, LONG)
    while (taken := messages.claim([topic_channel("experiments")], hold_seconds=60)) is not None:
        message = taken.event.data["message"]
        launch_study(
            ExperimentRequest.model_validate_json(_body(message)),
            message_id=message["messageId"],
            records=runtime.records,
            jobs=jobs,
            job="study",
            carried={},
            lease_seconds=60,
            now=NOW,
        )
        messages.acknowledge(taken)
    jobs.stop_all()
    return len(experiments(runtime))


def _body(message: Mapping[str, Any]) -> bytes:
    return base64.b64decode(message["data"])


def experiments(runtime: Runtime) -> list[Experiment]:
    """List them all."""
    return EXPERIMENTS.list(records=runtime.records).values
