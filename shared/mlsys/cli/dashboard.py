"""Optuna's dashboard on the studies of a platform."""

from pathlib import Path

from typer import BadParameter

from mlsys.cli.command import talk
from mlsys.settings import Settings, settings_from


def serve(place: str | Path, *, host: str, port: int) -> None:
    """Serve it until Ctrl-C.

    Raises:
        BadParameter: `place` is a URL, behind which nobody sees the records.
        ModuleNotFoundError: optuna-dashboard is not installed.
        OSError: the port is taken.
    """
    # Only here: a look at a study needs neither Optuna nor a server.
    from mlsys.dev.dashboard import listening
    from mlsys.runtime import Runtime

    server = listening(Runtime(_settings(place)).records, host=host, port=port)
    with server:
        talk(f"the studies are at http://{host}:{server.server_port}/dashboard/, until Ctrl-C")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            talk("stopped")


def _settings(place: str | Path) -> Settings:
    settings = settings_from()
    if settings.backend == "gcp":
        return settings
    if isinstance(place, str):
        raise BadParameter(
            "a URL does not show its records: with MLSYS_BACKEND=gcp and MLSYS_PROJECT the "
            "dashboard reads them itself"
        )
    from mlsys.sdk.local import local_settings

    return local_settings(place)
