"""An HTTP endpoint that keeps what it gets and answers as it is told."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: Any


class Listener:
    """What an endpoint got so far.

    `answers` are statuses for the first requests, then 204; None stays without an answer until
    the endpoint ends.
    """

    def __init__(self, answers: Sequence[int | None]) -> None:
        self.url = ""
        self.ended = Event()
        self._answers = list(answers)
        self._received: Queue[Received] = Queue()

    def next(self, *, seconds: float = 30) -> Received:
        """Wait for the next request."""
        return self._received.get(timeout=seconds)

    def silent(self, *, seconds: float) -> bool:
        """Whether no further request comes in this time."""
        try:
            self._received.get(timeout=seconds)
        except Empty:
            return True
        return False

    def take(self, received: Received) -> int | None:
        """Keep a request; return the status to answer."""
        status = self._answers.pop(0) if self._answers else 204
        self._received.put(received)
        return status


@contextmanager
def listening(port: int = 0, *, answers: Sequence[int | None] = ()) -> Iterator[Listener]:
    """Serve on 127.0.0.1 while the block runs."""
    listener = Listener(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = listener.take(Received(self.path, headers, json.loads(content)))
            if status is None:
                listener.ended.wait()
            else:
                self.send_response(status)
                self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        listener.url = f"http://127.0.0.1:{server.server_port}/"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield listener
        finally:
            listener.ended.set()
            server.shutdown()
            thread.join()
