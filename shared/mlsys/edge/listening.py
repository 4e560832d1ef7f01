"""Serves an ASGI application by itself: uvicorn, and no framework above it."""

import signal
import sys
from types import FrameType

import uvicorn

from mlsys.edge.asgi import Server
from mlsys.edge.http import Runtime

LEAVING_SECONDS = 8
"""Cloud Run sends SIGKILL ten seconds after SIGTERM."""


def listen(server: Server[Runtime], *, host: str, port: int) -> None:
    """Answer until SIGTERM or SIGINT; then close the door, end what was begun, and exit with 0.

    Who has not sent all of a request by then, or not taken all of an answer, is left.
    """
    for told in (signal.SIGTERM, signal.SIGINT):
        signal.signal(told, _stop)  # uvicorn hands on what it was told, once all is answered
    config = uvicorn.Config(
        server,
        host=host,
        port=port,
        interface="asgi3",
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=LEAVING_SECONDS,
    )
    uvicorn.Server(config).run()


def _stop(_: int, __: FrameType | None) -> None:
    sys.exit(0)
