"""GET /healthz, /livez, /readyz, /version: is it alive, can it work, what is it."""

from collections.abc import Callable

from pydantic import BaseModel

from mlsys.domain.answers import Ready, Version
from mlsys.domain.errors import MlsysError, NotFound, Unavailable
from mlsys.edge.http import Call, Route
from mlsys.runtime import Runtime
from mlsys.use_cases.about import about


class Alive(BaseModel):
    """The process answers."""

    status: str = "ok"


def alive(_: Call, __: Runtime) -> Alive:
    """Answer without asking anybody."""
    return Alive()


def ready(_: Call, runtime: Runtime) -> Ready:
    """Ask each backend for something small. Raises Unavailable, naming those that fail."""
    uri = f"gs://{runtime.settings.artifacts_bucket}/.ready"
    backends = {
        "records": _state(lambda: runtime.records.get_many("health", ["probe"])),
        "objects": _state(lambda: runtime.objects.stat(uri)),
    }
    broken = [f"{name}: {state}" for name, state in backends.items() if state != "ok"]
    if broken:
        raise Unavailable("; ".join(broken))
    return Ready(status="ok", backends=backends)


def version(_: Call, runtime: Runtime) -> Version:
    """Name the release and the commit."""
    return about(commit=runtime.settings.commit, backend=runtime.settings.backend)


ROUTES = (
    Route("GET", "/healthz", alive),
    Route("GET", "/livez", alive),
    Route("GET", "/readyz", ready),
    Route("GET", "/version", version),
)


def _state(probe: Callable[[], object]) -> str:
    try:
        probe()
    except NotFound:
        return "ok"
    except MlsysError as error:
        return str(error)
    return "ok"
