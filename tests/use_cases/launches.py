"""Messages delivered to the launcher, and what it started."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlsys.adapters.local.jobs import SubprocessJobs
from mlsys.domain.experiment_records import Experiment
from mlsys.domain.messages import ExperimentRequest
from mlsys.ports import Jobs, Records
from mlsys.runtime import Runtime
from mlsys.use_cases.launch import launch_study
from tests.use_cases.conftest import NOW
from tests.waiting import wait_for

LONG = ["sleep", "60"]


def jobs_of(runtime: Runtime, command: Sequence[str]) -> SubprocessJobs:
    return SubprocessJobs(
        runtime.settings.home, {"study": command}, max_retries=0, grace_seconds=0.5
    )


def deliver(
    request: ExperimentRequest,
    runtime: Runtime,
    jobs: Jobs,
    *,
    message_id: str = "m-1",
    lease_seconds: float = 60,
    records: Records | None = None,
) -> Experiment:
    return launch_study(
        request,
        message_id=message_id,
        records=records or runtime.records,
        jobs=jobs,
        job="study",
        carried={"request_id": "--r 1"},
        lease_seconds=lease_seconds,
        now=NOW,
    )


def started(runtime: Runtime) -> list[dict[str, Any]]:
    """Return the status of every execution that was ever started."""
    found = Path(runtime.settings.home, "jobs").glob("*/status.json")
    return [json.loads(path.read_bytes()) for path in found]


def wait_for_the_end(execution_id: str | None, jobs: Jobs) -> None:
    wait_for(lambda: jobs.look(str(execution_id)).state.final)
