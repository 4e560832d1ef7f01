"""An object finalized in the uploads bucket: check it and split it."""

from cloudevents.abstract import CloudEvent

from mlsys.edge.events import read_upload
from mlsys.runtime import Runtime
from mlsys.use_cases.split import split_upload


def handle(event: CloudEvent, runtime: Runtime) -> None:
    """Read, do."""
    split_upload(
        read_upload(event),
        objects=runtime.objects,
        records=runtime.records,
        uploads_bucket=runtime.settings.uploads_bucket,
        artifacts_bucket=runtime.settings.artifacts_bucket,
        lease_seconds=runtime.settings.lease_seconds,
        now=runtime.now,
        stopping=runtime.stopping,
        request_id=str(event.get_attributes()["id"]),
    )
