"""A message on the experiments topic: start its study."""

from cloudevents.abstract import CloudEvent

from mlsys.domain.errors import InvalidInput
from mlsys.domain.messages import ExperimentRequest
from mlsys.edge.events import read_message
from mlsys.edge.parsing import parse_model
from mlsys.runtime import Runtime
from mlsys.use_cases.launch import launch_study, record_rejection


def handle(event: CloudEvent, runtime: Runtime) -> None:
    """Read, do; what is no request is kept as a FAILED experiment."""
    message = read_message(event)
    try:
        request = parse_model(message.body, ExperimentRequest)
    except InvalidInput as error:
        record_rejection(
            message.body,
            error,
            message_id=message.id,
            records=runtime.records,
            now=runtime.now(),
        )
        raise
    launch_study(
        request,
        message_id=message.id,
        records=runtime.records,
        jobs=runtime.jobs,
        job=runtime.settings.study_job,
        carried=message.carried,
        lease_seconds=runtime.settings.lease_seconds,
        now=runtime.now(),
    )
