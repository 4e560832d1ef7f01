"""`Jobs` in Cloud Run."""

from collections.abc import Sequence

from google.api_core import exceptions as vendor
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import run_v2

from mlsys.adapters.gcp.translated import translated
from mlsys.domain.errors import InvalidInput, NotFound
from mlsys.ports import Execution, ExecutionState

TIMEOUT_SECONDS = 60.0


def cloud_run_jobs(project: str, region: str, *, endpoint: str) -> "CloudRunJobs":
    """Connect; Cloud Run has no emulator, so an `endpoint` is taken to be a test server."""
    if not endpoint:
        return CloudRunJobs(run_v2.JobsClient(), run_v2.ExecutionsClient(), project, region)
    options = ClientOptions(api_endpoint=endpoint)
    anonymous = AnonymousCredentials()
    return CloudRunJobs(
        run_v2.JobsClient(transport="rest", credentials=anonymous, client_options=options),
        run_v2.ExecutionsClient(transport="rest", credentials=anonymous, client_options=options),
        project,
        region,
    )


class CloudRunJobs:
    """`Jobs` in Cloud Run; the limit of retries belongs to the deployed job.

    An execution is known by the short name that its tasks find in `CLOUD_RUN_EXECUTION`. Cloud Run
    makes it of the job's name, a hyphen and a suffix without one, so it also names the job.
    """

    def __init__(
        self,
        client: run_v2.JobsClient,
        executions: run_v2.ExecutionsClient,
        project: str,
        region: str,
    ) -> None:
        self._client = client
        self._executions = executions
        self._parent = f"projects/{project}/locations/{region}"

    @translated
    def start(self, job: str, *, arguments: Sequence[str], tasks: int = 1) -> Execution:
        if tasks < 1:
            raise InvalidInput(f"an execution has at least 1 task, got {tasks}")
        override = run_v2.RunJobRequest.Overrides.ContainerOverride(
            args=list(arguments), clear_args=not arguments
        )
        request = run_v2.RunJobRequest(
            name=f"{self._parent}/jobs/{job}",
            overrides=run_v2.RunJobRequest.Overrides(
                container_overrides=[override], task_count=tasks
            ),
        )
        try:
            operation = self._client.run_job(request, timeout=TIMEOUT_SECONDS)
        except vendor.NotFound as error:
            raise NotFound(f"there is no job {job!r} in {self._parent}") from error
        return _execution(operation.metadata)

    @translated
    def look(self, execution_id: str) -> Execution:
        try:
            found = self._executions.get_execution(
                name=self._name(execution_id), timeout=TIMEOUT_SECONDS
            )
        except vendor.NotFound as error:
            raise _not_found(execution_id) from error
        return _execution(found)

    @translated
    def cancel(self, execution_id: str) -> None:
        if self.look(execution_id).state.final:
            return
        try:
            self._executions.cancel_execution(
                name=self._name(execution_id), timeout=TIMEOUT_SECONDS
            )
        except vendor.NotFound as error:
            raise _not_found(execution_id) from error
        except (vendor.FailedPrecondition, vendor.BadRequest):
            if not self.look(execution_id).state.final:
                raise

    def _name(self, execution_id: str) -> str:
        job, _, suffix = execution_id.rpartition("-")
        if not job or not suffix or "/" in execution_id:
            raise _not_found(execution_id)
        return f"{self._parent}/jobs/{job}/executions/{execution_id}"


def _not_found(execution_id: str) -> NotFound:
    return NotFound(f"there is no execution {execution_id[:80]!r}")


def _execution(found: run_v2.Execution) -> Execution:
    return Execution(
        found.name.rpartition("/")[2],
        found.job.rpartition("/")[2],
        _state(found),
        tasks=found.task_count,
        succeeded=found.succeeded_count,
        failed=found.failed_count,
    )


def _state(found: run_v2.Execution) -> ExecutionState:
    """Read the condition `Completed`; its reason tells a cancelled execution from a failed one."""
    states, reasons = run_v2.Condition.State, run_v2.Condition.ExecutionReason
    completed = {one.type_: one for one in found.conditions}.get("Completed")
    if completed is None or completed.execution_reason == reasons.CANCELLING:
        return ExecutionState.RUNNING
    if completed.state == states.CONDITION_SUCCEEDED:
        return ExecutionState.SUCCEEDED
    if completed.state != states.CONDITION_FAILED:
        return ExecutionState.RUNNING
    if completed.execution_reason == reasons.CANCELLED:
        return ExecutionState.CANCELLED
    return ExecutionState.FAILED
