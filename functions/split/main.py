"""Deploys what happens when an object is finalized in the uploads bucket. Memory 2 GiB."""

import functions_framework
from cloudevents.http import CloudEvent

from mlsys.edge.events import receive
from mlsys.handlers.split import handle
from mlsys.runtime import runtime_from_env


@functions_framework.cloud_event
def split(event: CloudEvent) -> None:
    """Take one event; the entry point named in infra/deployables.yaml."""
    receive(handle, event, runtime_from_env())
