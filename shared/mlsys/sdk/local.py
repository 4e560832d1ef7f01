"""The platform in a folder of this machine, without a server."""

from contextlib import ExitStack, suppress
from pathlib import Path

import structlog

from mlsys import logs
from mlsys.dev.routes import ROUTES
from mlsys.domain.errors import AlreadyExists
from mlsys.edge.http import Answer, Request, Table, respond
from mlsys.ports import Objects
from mlsys.runtime import Runtime
from mlsys.sdk.connections import ANSWER_SECONDS
from mlsys.settings import Settings, settings_from


class LocalConnection:
    """A home; answers come from the same handlers that a server calls.

    Events need somebody to deliver them. Unless a platform runs on the home already, `attend`
    starts one in this process; it ends with `close`, or with the process.
    """

    def __init__(self, home: Path) -> None:
        self._settings = local_settings(home)
        self._runtime = Runtime(self._settings)
        self._table = Table(ROUTES)
        self._running = ExitStack()
        self._attends = False
        if not structlog.is_configured():
            logs.configure("error")

    @property
    def settings(self) -> Settings:
        """What the environment says, and the home."""
        return self._settings

    def send(self, request: Request, *, timeout_seconds: float = ANSWER_SECONDS) -> Answer:  # noqa: ARG002 - nothing is waited for
        """Answer here and now."""
        return respond(self._table, request, self._runtime)

    def objects(self) -> Objects:
        """Return the folders below the home."""
        return self._runtime.objects

    def attend(self) -> None:
        """Start the platform, unless it runs, here or in another process."""
        if self._attends:
            return
        # Only here: most calls need no server.
        from mlsys.dev.platform import Platform

        with suppress(AlreadyExists):
            self._running.enter_context(Platform(self._settings.home))
            self._attends = True

    def close(self) -> None:
        """Stop the platform, if it was started here; its jobs go on when one runs again."""
        self._running.close()
        self._attends = False


def local_settings(home: Path) -> Settings:
    """Read the environment for a platform in `home`. Raises InvalidInput.

    Who promotes and then predicts means the new model: the pointer is read each time.
    """
    given = settings_from().model_dump(exclude_unset=True)
    local = {"backend": "local", "home": home, "pointer_ttl_seconds": 0.0}
    return Settings.model_validate(given | local)
