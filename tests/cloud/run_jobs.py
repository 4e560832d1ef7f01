"""Cloud Run Jobs on this machine: the REST surface that `google-cloud-run` speaks.

    with run_jobs_server(home, {"study": [sys.executable, "-m", "jobs.study"]}) as run_jobs:
        jobs = CloudRunJobs(run_jobs.jobs_client(), run_jobs.executions_client(), PROJECT, REGION)

Other processes need only `run_jobs.url` as their endpoint. Executions are subprocesses.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import run_v2
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mlsys.adapters.local.jobs import SubprocessJobs
from mlsys.domain.errors import MlsysError
from mlsys.ports import Execution, ExecutionState
from tests.cloud.serving import serving
from tests.cloud.storage_faults import Fault, Faults

PLACE = "/v2/projects/([^/]+)/locations/([^/]+)"
EXECUTION = f"{PLACE}/jobs/([^/]+)/executions/([^/:]+)"
CONDITIONS = {
    ExecutionState.RUNNING: {"state": "CONDITION_RECONCILING"},
    ExecutionState.SUCCEEDED: {"state": "CONDITION_SUCCEEDED"},
    ExecutionState.FAILED: {
        "state": "CONDITION_FAILED",
        "executionReason": "NON_ZERO_EXIT_CODE",
    },
    ExecutionState.CANCELLED: {"state": "CONDITION_FAILED", "executionReason": "CANCELLED"},
}
TYPE = "type.googleapis.com/google.cloud.run.v2.Execution"


class RunJobsError(Exception):
    """An answer other than success."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class RunJobsServer:
    """A running server. `jobs` runs the executions, for tests that look behind the scenes."""

    url: str
    jobs: SubprocessJobs
    faults: Faults

    def jobs_client(self) -> run_v2.JobsClient:
        return run_v2.JobsClient(
            transport="rest",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": self.url},
        )

    def executions_client(self) -> run_v2.ExecutionsClient:
        return run_v2.ExecutionsClient(
            transport="rest",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": self.url},
        )

    def break_next(self, fault: Fault) -> None:
        self.faults.add(fault)


@contextmanager
def run_jobs_server(
    home: Path,
    commands: Mapping[str, Sequence[str]],
    environment: Mapping[str, str] | None = None,
    max_retries: int = 3,
    *,
    grace_seconds: float = 10.0,
) -> Iterator[RunJobsServer]:
    """Serve jobs, in every project and region, until the block ends; then what runs is ended."""
    jobs = SubprocessJobs(home, commands, environment, max_retries, grace_seconds=grace_seconds)
    faults = Faults(_app(jobs, home))
    with serving(faults) as running:
        faults.transport_of = running.transport_of
        try:
            yield RunJobsServer(running.url, jobs, faults)
        finally:
            jobs.stop_all()


def _app(jobs: SubprocessJobs, home: Path) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        body = await request.json() if await request.body() else {}
        try:
            response: Response = JSONResponse(_answer(jobs, home, request, body))
        except RunJobsError as error:
            problem = {"code": error.status, "message": str(error), "status": error.code}
            response = JSONResponse({"error": problem}, error.status)
        await response(scope, receive, send)

    return app


def _answer(jobs: SubprocessJobs, home: Path, request: Request, body: Any) -> Any:
    routes: tuple[tuple[str, str, Callable[..., Any]], ...] = (
        ("POST", f"{PLACE}/jobs/([^/:]+):run", _run),
        ("GET", EXECUTION, _get),
        ("POST", f"{EXECUTION}:cancel", _cancel),
        ("GET", f"{PLACE}/jobs/([^/]+)/executions", _list),
        ("GET", f"{PLACE}/operations/([^/:]+)", _operation),
        ("POST", f"{PLACE}/operations/([^/:]+):wait", _operation),
    )
    path = request.scope["raw_path"].decode()
    for method, pattern, handle in routes:
        found = re.fullmatch(pattern, path)
        if found is not None and method == request.method:
            project, region, *rest = found.groups()
            return handle(_Call(jobs, home, project, region, body), *rest)
    raise RunJobsError(404, "NOT_FOUND", f"{request.method} {path} is not served here")


@dataclass(frozen=True)
class _Call:
    jobs: SubprocessJobs
    home: Path
    project: str
    region: str
    body: Any

    @property
    def parent(self) -> str:
        return f"projects/{self.project}/locations/{self.region}"


def _run(call: _Call, job: str) -> Any:
    overrides = call.body.get("overrides", {})
    [container] = overrides.get("containerOverrides", [{}])
    if "args" in container and container.get("clearArgs"):
        raise RunJobsError(400, "INVALID_ARGUMENT", "args and clear_args exclude each other")
    try:
        started = call.jobs.start(
            job, arguments=container.get("args", []), tasks=int(overrides.get("taskCount", 1))
        )
    except MlsysError as error:
        raise _not_found(f"{call.parent}/jobs/{job}") from error
    return _long_running(call, started)


def _get(call: _Call, job: str, id: str) -> Any:
    try:
        found = call.jobs.look(id)
    except MlsysError as error:
        raise _not_found(f"{call.parent}/jobs/{job}/executions/{id}") from error
    if found.job != job:
        raise _not_found(f"{call.parent}/jobs/{job}/executions/{id}")
    return _resource(call, found)


def _list(call: _Call, job: str) -> Any:
    ids = sorted(path.name for path in (call.home / "jobs").glob("*/"))
    found = [call.jobs.look(id) for id in ids]
    return {"executions": [_resource(call, one) for one in found if job in {"-", one.job}]}


def _cancel(call: _Call, job: str, id: str) -> Any:
    _get(call, job, id)
    if call.jobs.look(id).state.final:
        raise RunJobsError(400, "FAILED_PRECONDITION", f"{id} has completed")
    call.jobs.cancel(id)
    return _long_running(call, call.jobs.look(id))


def _operation(call: _Call, id: str) -> Any:
    return _long_running(call, call.jobs.look(id))


def _long_running(call: _Call, execution: Execution) -> Any:
    resource = {"@type": TYPE, **_resource(call, execution)}
    name = f"{call.parent}/operations/{execution.id}"
    done = {"done": True, "response": resource} if execution.state.final else {"done": False}
    return {"name": name, "metadata": resource, **done}


def _resource(call: _Call, execution: Execution) -> Any:
    job = f"{call.parent}/jobs/{execution.job}"
    unfinished = execution.tasks - execution.succeeded - execution.failed
    cancelled = execution.state is ExecutionState.CANCELLED
    return {
        "name": f"{job}/executions/{execution.id}",
        "job": execution.job,
        "taskCount": execution.tasks,
        "parallelism": execution.tasks,
        "runningCount": 0 if execution.state.final else unfinished,
        "succeededCount": execution.succeeded,
        "failedCount": execution.failed,
        "cancelledCount": unfinished if cancelled else 0,
        "conditions": [{"type": "Completed", **CONDITIONS[execution.state]}],
        "reconciling": not execution.state.final,
    }


def _not_found(name: str) -> RunJobsError:
    return RunJobsError(404, "NOT_FOUND", f"Resource '{name}' was not found")
