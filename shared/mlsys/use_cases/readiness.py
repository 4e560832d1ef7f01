"""Whether what stands behind a server answers."""

from collections.abc import Callable

from mlsys.domain.answers import Ready
from mlsys.domain.errors import MlsysError, NotFound, Unavailable
from mlsys.ports import ObjectReader, RecordReader


def ask_backends(bucket: str, *, records: RecordReader, objects: ObjectReader) -> Ready:
    """Ask each backend for something small. Raises Unavailable, naming those that fail."""
    backends = {
        "records": _state(lambda: records.get("health", "probe")),
        "objects": _state(lambda: objects.read(f"gs://{bucket}/.ready")),
    }
    broken = [f"{name}: {state}" for name, state in backends.items() if state != "ok"]
    if broken:
        raise Unavailable("; ".join(broken))
    return Ready(backends=backends)


def _state(probe: Callable[[], object]) -> str:
    try:
        probe()
    except NotFound:
        return "ok"
    except MlsysError as error:
        return str(error)
    return "ok"
