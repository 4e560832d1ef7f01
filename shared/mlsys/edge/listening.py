"""Serves an ASGI application by itself: uvicorn, and no framework above it."""

import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from mlsys.edge.asgi import Server
from mlsys.edge.http import Answer, Runtime

LEAVING_SECONDS = 8
"""Cloud Run sends SIGKILL ten seconds after SIGTERM."""


def listen(server: Server[Runtime], *, host: str, port: int) -> None:
    """Answer until SIGTERM or SIGINT; then close the door, end what was begun, and exit with 0.

    Who has not sent all of a request by then, or not taken all of an answer, is left.
    """
    for told in (signal.SIGTERM, signal.SIGINT):
        signal.signal(told, _stop)  # uvicorn hands on what it was told, once all is answered
    uvicorn.Server(configured(server, host=host, port=port)).run()


def configured(server: Server[Runtime], *, host: str, port: int) -> uvicorn.Config:
    """Say how uvicorn serves it: nothing that the server does not use."""
    return uvicorn.Config(
        server,
        host=host,
        port=port,
        http=Connection,
        interface="asgi3",
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=LEAVING_SECONDS,
    )


class Connection(HttpToolsProtocol):
    """Sends by itself what a `Server` answers at once, and leaves all else to uvicorn.

    What that spares is a task, an event, and a look at each header: see docs/decisions/0028.
    """

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Begin an answer as soon as what came with the headers was read, or as uvicorn does."""
        if isinstance(app, Server) and self._is_plain(cycle):
            self.loop.call_soon(self._begin, cycle, app)
        else:
            super()._start_asgi_task(cycle, app)

    def _begin(self, cycle: RequestResponseCycle, app: Any) -> None:
        written = None
        with suppress(Exception):  # uvicorn asks once more, and tells what is raised
            if self._is_whole(cycle) and self._is_plain(cycle):
                written = self._written(app.at_once(cycle.scope, bytes(cycle.body)))
        if written is None:
            super()._start_asgi_task(cycle, app)
            return
        cycle.response_complete = True
        del cycle.on_response  # a circle, which would keep the last request
        self.transport.write(written)
        self.on_response_complete()

    def _is_plain(self, cycle: RequestResponseCycle) -> bool:
        """Whether an answer goes out whole, with nothing before and more to come behind it."""
        waits = self.flow.write_paused or cycle.waiting_for_100_continue
        return cycle.keep_alive and not waits and cycle.scope["method"] != "HEAD"

    def _is_whole(self, cycle: RequestResponseCycle) -> bool:
        return not cycle.more_body and not cycle.disconnected

    def _written(self, answer: Answer | None) -> bytes | None:
        """Write an answer down, unless a header of it would not stay in its line."""
        if answer is None or not all(map(str.isprintable, answer.headers.values())):
            return None
        told = [f"{name.lower()}: {value}\r\n" for name, value in answer.headers.items()]
        return b"%b%b%bcontent-length: %d\r\n\r\n%b" % (
            STATUS_LINE[answer.status],
            b"".join([b"%b: %b\r\n" % pair for pair in self.server_state.default_headers]),
            "".join(told).encode("latin-1"),
            len(answer.body),
            answer.body,
        )


def _stop(_: int, __: FrameType | None) -> None:
    sys.exit(0)
