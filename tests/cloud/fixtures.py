"""Objects and Jobs, once per backend, and the servers behind the cloud's."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from mlsys.adapters.gcp.jobs import CloudRunJobs
from mlsys.adapters.gcp.objects import CloudObjects
from mlsys.adapters.local.jobs import SubprocessJobs
from mlsys.adapters.local.objects import FileObjects
from mlsys.ports import Jobs, Objects
from tests.cloud.run_jobs import RunJobsServer, run_jobs_server
from tests.cloud.storage import StorageServer, storage_server

TASK = Path(__file__).with_name("task.py")
COMMANDS = {"work": [sys.executable, str(TASK)]}
MAX_RETRIES = 2
GRACE_SECONDS = 3.0


@pytest.fixture(scope="session")
def shared_storage() -> Iterator[StorageServer]:
    """One server for all tests of this process; each test has a bucket of its own."""
    with storage_server() as server:
        yield server


@pytest.fixture
def storage(
    shared_storage: StorageServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StorageServer]:
    """The server, in order, and where libraries look for it."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", shared_storage.url)
    yield shared_storage
    shared_storage.faults.clear()


@pytest.fixture
def bucket() -> str:
    """The address of a bucket that no other test uses."""
    return f"gs://bucket-{uuid4().hex[:12]}"


@pytest.fixture
def cloud_objects(storage: StorageServer, bucket: str) -> Iterator[CloudObjects]:
    storage.add_bucket(bucket.removeprefix("gs://"))
    client = storage.client()
    yield CloudObjects(client, patience_seconds=5)
    client.close()


@pytest.fixture
def file_objects(tmp_path: Path) -> FileObjects:
    return FileObjects(tmp_path / "objects")


@pytest.fixture(params=["file_objects", "cloud_objects"])
def objects(request: pytest.FixtureRequest) -> Objects:
    """The same port, once per backend."""
    backend: Objects = request.getfixturevalue(request.param)
    return backend


@pytest.fixture
def run_jobs(tmp_path: Path) -> Iterator[RunJobsServer]:
    with run_jobs_server(
        tmp_path, COMMANDS, _coverage(), MAX_RETRIES, grace_seconds=GRACE_SECONDS
    ) as server:
        yield server


@pytest.fixture
def new_subprocess_jobs(tmp_path: Path) -> Iterator[Callable[[], SubprocessJobs]]:
    """Make the port as each process would: the same home, nothing else in common."""

    def new() -> SubprocessJobs:
        environment, grace = _coverage(), GRACE_SECONDS
        return SubprocessJobs(tmp_path, COMMANDS, environment, MAX_RETRIES, grace_seconds=grace)

    yield new
    new().stop_all()


@pytest.fixture
def new_cloud_jobs(run_jobs: RunJobsServer) -> Callable[[], CloudRunJobs]:
    def new() -> CloudRunJobs:
        clients = run_jobs.jobs_client(), run_jobs.executions_client()
        return CloudRunJobs(*clients, "test-project", "europe-west1")

    return new


@pytest.fixture(params=["new_subprocess_jobs", "new_cloud_jobs"])
def new_jobs(request: pytest.FixtureRequest) -> Callable[[], Jobs]:
    """The same port, once per backend, as often as a test wants it."""
    new: Callable[[], Jobs] = request.getfixturevalue(request.param)
    return new


@pytest.fixture
def jobs(new_jobs: Callable[[], Jobs]) -> Jobs:
    return new_jobs()


def _coverage() -> dict[str, str]:
    """Let a measured run measure supervisors too."""
    return {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
