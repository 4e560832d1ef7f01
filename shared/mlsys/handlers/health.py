"""GET /healthz, /livez, /readyz, /version: is it alive, can it work, what is it."""

from mlsys.domain.answers import Alive, Ready, Version
from mlsys.edge.http import Call, Route
from mlsys.runtime import Runtime
from mlsys.use_cases.about import about
from mlsys.use_cases.readiness import ask_backends


def alive(_: Call, __: Runtime) -> Alive:
    """Answer without asking anybody."""
    return Alive()


def ready(_: Call, runtime: Runtime) -> Ready:
    """Ask each backend for something small. Raises Unavailable, naming those that fail."""
    bucket = runtime.settings.artifacts_bucket
    return ask_backends(bucket, records=runtime.record_reader, objects=runtime.object_reader)


def version(_: Call, runtime: Runtime) -> Version:
    """Name the release and the commit."""
    return about(commit=runtime.settings.commit, backend=runtime.settings.backend)


ROUTES = (
    Route("GET", "/healthz", alive),
    Route("GET", "/livez", alive),
    Route("GET", "/readyz", ready),
    Route("GET", "/version", version),
)
