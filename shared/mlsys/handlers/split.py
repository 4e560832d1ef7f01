"""An object finalized in the uploads bucket: split it or hand it on, ask for its experiment."""

from cloudevents.abstract import CloudEvent

from mlsys.edge.events import read_upload
from mlsys.runtime import Runtime
from mlsys.use_cases.follow_up import follow_up
from mlsys.use_cases.split import split_upload


def handle(event: CloudEvent, runtime: Runtime) -> None:
    """Read, do."""
    attributes = event.get_attributes()
    carried = {"request_id": str(attributes["id"])}
    if "traceparent" in attributes:
        carried["traceparent"] = str(attributes["traceparent"])
    split = split_upload(
        read_upload(event),
        workshop=runtime.workshop(carried),
        uploads_bucket=runtime.settings.uploads_bucket,
        request_id=carried["request_id"],
    )
    if split is not None:
        follow_up(
            split,
            records=runtime.records,
            messages=runtime.messages,
            topic=runtime.settings.experiments_topic,
            attributes=carried,
            now=runtime.now(),
        )
