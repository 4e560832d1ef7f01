"""Reads Google's REST APIs with the standard library: Google's clients take 0.3 s to import.

docs/decisions/0021 has the numbers. For calls that may be repeated without harm only.
"""

import json
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from random import uniform
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit
from weakref import finalize

from mlsys.domain.errors import Unavailable

ATTEMPT_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0
OK, NOT_FOUND = 200, 404
PASSING = {408, 429, 500, 502, 503, 504}
MAX_TOLD = 300

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """What Google answered: 200, or 404."""

    status: int
    headers: Message
    body: bytes


class Rest:
    """One of Google's services, at `origin`, e.g. `https://storage.googleapis.com`.

    Connections are kept between calls until this object goes away; safe for many threads.

    Args:
        origin: scheme, host and port.
        signed: makes the headers of a call: its token.
        patience_seconds: for how long passing failures are tried again.

    """

    def __init__(
        self, origin: str, signed: Callable[[], Headers], *, patience_seconds: float = 20.0
    ) -> None:
        self._origin = origin
        self._signed = signed
        self._patience = patience_seconds
        self._kept: deque[HTTPConnection] = deque()
        finalize(self, _close, self._kept)

    def get(self, target: str, headers: Headers) -> Reply:
        """Read `target`, a path and query. Raises Unavailable."""
        return self._patiently("GET", target, None, headers)

    def post(self, target: str, body: Any) -> Reply:
        """Ask with `body` as JSON. Raises Unavailable."""
        content = json.dumps(body).encode()
        return self._patiently("POST", target, content, {"Content-Type": "application/json"})

    def _patiently(self, method: str, target: str, body: bytes | None, headers: Headers) -> Reply:
        deadline = monotonic() + self._patience
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                reply = self._exchanged(method, target, body, {**headers, **self._signed()})
            except (OSError, HTTPException) as error:
                told = f"{type(error).__name__}: {error}"
            else:
                if reply.status in {OK, NOT_FOUND}:
                    return reply
                told = f"{reply.status} {reply.body[:MAX_TOLD].decode(errors='replace')}"
                if reply.status not in PASSING:
                    raise Unavailable(f"{self._at(target)} refused: {told}; see its permissions")
            if monotonic() + pause > deadline:
                raise Unavailable(f"{self._at(target)} did not answer: {told}; try again later")
            sleep(uniform(pause / 2, pause))  # noqa: S311  # spreads callers, hides nothing
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _exchanged(self, method: str, target: str, body: bytes | None, headers: Headers) -> Reply:
        """Ask once; over a new connection if a kept one was closed by the other side meanwhile."""
        kept = self._take()
        if kept is not None:
            with suppress(ConnectionError):
                return self._sent(kept, method, target, body, headers)
        return self._sent(self._connection(), method, target, body, headers)

    def _take(self) -> HTTPConnection | None:
        try:
            return self._kept.pop()
        except IndexError:
            return None

    def _sent(
        self,
        connection: HTTPConnection,
        method: str,
        target: str,
        body: bytes | None,
        headers: Headers,
    ) -> Reply:
        try:
            connection.request(method, target, body, dict(headers))
            answer = connection.getresponse()
            reply = Reply(answer.status, answer.headers, answer.read())
        except BaseException:
            connection.close()
            raise
        if not answer.will_close:
            self._kept.append(connection)
        return reply

    def _connection(self) -> HTTPConnection:
        host = urlsplit(self._origin).netloc
        if self._origin.startswith("https:"):
            return HTTPSConnection(host, timeout=ATTEMPT_SECONDS, context=_trusted())
        return HTTPConnection(host, timeout=ATTEMPT_SECONDS)

    def _at(self, target: str) -> str:
        return self._origin + target.partition("?")[0]


@cache
def _trusted() -> ssl.SSLContext:
    """Trust whom the system trusts; reading all those certificates takes 20 ms."""
    return ssl.create_default_context()


def _close(connections: deque[HTTPConnection]) -> None:
    for one in connections:
        one.close()
