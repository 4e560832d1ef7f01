"""What the contract tests of Objects and Jobs share."""

from tests.cloud.fixtures import (
    bucket,
    cloud_objects,
    file_objects,
    jobs,
    new_cloud_jobs,
    new_jobs,
    new_subprocess_jobs,
    objects,
    run_jobs,
    shared_storage,
    storage,
)

__all__ = [
    "bucket",
    "cloud_objects",
    "file_objects",
    "jobs",
    "new_cloud_jobs",
    "new_jobs",
    "new_subprocess_jobs",
    "objects",
    "run_jobs",
    "shared_storage",
    "storage",
]
