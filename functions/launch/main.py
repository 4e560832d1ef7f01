"""Deploys what happens when a message arrives on the experiments topic. Starts the study job."""

import functions_framework
from cloudevents.http import CloudEvent

from mlsys.edge.events import receive
from mlsys.handlers.launch import handle
from mlsys.runtime import runtime_from_env


@functions_framework.cloud_event
def launch(event: CloudEvent) -> None:
    """Take one event; the entry point named in infra/deployables.yaml."""
    receive(handle, event, runtime_from_env())
