"""Serves an ASGI application on a free port of this machine, in a thread."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

HOST = "127.0.0.1"
START_SECONDS = 10.0
STOP_SECONDS = 5


@dataclass(frozen=True)
class Serving:
    """A server that answers at `port`."""

    port: int
    server: uvicorn.Server

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"

    def transport_of(self, scope: Any) -> Any:
        """Return the connection a request came in by, to break it."""
        for connection in self.server.server_state.connections:
            if isinstance(connection, H11Protocol) and connection.client == tuple(scope["client"]):
                return connection.transport
        raise LookupError(scope["client"])


def serving(app: Any) -> AbstractContextManager[Serving]:
    """Serve `app` until the block ends."""
    return serving_as(
        uvicorn.Config(
            app,
            host=HOST,
            port=0,
            http="h11",
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=STOP_SECONDS,
        )
    )


@contextmanager
def serving_as(config: uvicorn.Config) -> Iterator[Serving]:
    """Serve as a configuration says until the block ends."""
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, name="test server", daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if time.monotonic() > deadline or not thread.is_alive():
            raise TimeoutError("the test server did not start")
        time.sleep(0.005)
    try:
        yield Serving(server.servers[0].sockets[0].getsockname()[1], server)
    finally:
        server.should_exit = True
        thread.join()
