"""Delivers the outbox's events over HTTP, as Eventarc does: CloudEvents in binary content mode."""

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from threading import Event as Flag
from threading import Lock, Thread
from typing import Self
from urllib.parse import quote, urlsplit

import structlog

from mlsys.adapters.local.messages import Channel, Claim, Event, SqliteMessages
from mlsys.domain.errors import Unavailable

log = structlog.get_logger()

POLL_SECONDS = 0.1
PAUSE_SECONDS = 1.0
MAX_REASON_BYTES = 500


class DeliveryWorker:
    """Threads that take due events and POST them, at least once, until they are answered 2xx.

    `with DeliveryWorker(messages, {topic_channel("experiments"): url}):` delivers inside the block.
    Its end breaks off what is under way; that, and what a killed process left, comes again with
    the next start. One worker serves one outbox.
    """

    def __init__(
        self,
        messages: SqliteMessages,
        endpoints: Mapping[Channel, str],
        *,
        threads: int = 4,
        timeout_seconds: float = 600.0,
    ) -> None:
        """Prepare, without starting.

        Args:
            messages: the outbox; events of other channels stay in it.
            endpoints: the `http://` URL for each channel.
            threads: how many events are under way at once.
            timeout_seconds: after how long an unanswered event is tried again.
        """
        self._messages = messages
        self._endpoints = dict(endpoints)
        self._timeout_seconds = timeout_seconds
        self._stopping = Flag()
        self._open: set[socket.socket] = set()
        self._opening = Lock()
        self._threads = [
            Thread(target=self._run, name=f"delivery-{number}", daemon=True)
            for number in range(threads)
        ]

    def __enter__(self) -> Self:
        self._messages.release_all()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._opening:
            self._stopping.set()
            for connected in self._open:
                with suppress(OSError):
                    connected.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                claim = self._messages.claim(
                    self._endpoints, hold_seconds=self._timeout_seconds + 60
                )
                if claim is None:
                    self._stopping.wait(POLL_SECONDS)
                else:
                    self._deliver(claim)
            except Unavailable as error:
                log.warning("outbox.retried", reason=str(error))
                self._stopping.wait(PAUSE_SECONDS)

    def _deliver(self, claim: Claim) -> None:
        event = claim.event
        try:
            refusal = self._post(event, self._endpoints[Channel(event.type, event.source)])
        except (OSError, http.client.HTTPException) as error:
            if self._stopping.is_set():
                self._messages.give_back(claim)
                return
            refusal = f"{type(error).__name__}: {error}"
        if refusal is None:
            self._messages.acknowledge(claim)
            return
        again = self._messages.retry(claim, reason=refusal)
        named = {"event_id": event.id, "type": event.type, "attempt": claim.attempt}
        if again:
            log.warning("event.refused", reason=refusal, **named)
        else:
            log.error("event.dead_lettered", reason=refusal, **named)

    def _post(self, event: Event, url: str) -> str | None:
        """Send one event; return None if it was answered 2xx, or what was answered."""
        target = urlsplit(url)
        path = (target.path or "/") + (f"?{target.query}" if target.query else "")
        with self._connection(target.netloc) as connection:
            connection.request("POST", path, json.dumps(event.data), _headers(event))
            with connection.getresponse() as answer:
                content = answer.read(MAX_REASON_BYTES)
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return None
        return f"answered {answer.status}: {content.decode(errors='replace')}"

    @contextmanager
    def _connection(self, address: str) -> Iterator[http.client.HTTPConnection]:
        """Connect, in such a way that the end of the block around the worker breaks it."""
        connection = http.client.HTTPConnection(address, timeout=self._timeout_seconds)
        connection.connect()
        connected = connection.sock
        try:
            with self._opening:
                if self._stopping.is_set():
                    raise ConnectionAbortedError("the worker ends")
                self._open.add(connected)
            yield connection
        finally:
            with self._opening:
                self._open.discard(connected)
            connection.close()


def _headers(event: Event) -> dict[str, str]:
    attributes = {
        "id": event.id,
        "source": event.source,
        "specversion": "1.0",
        "type": event.type,
        "time": event.time.isoformat().replace("+00:00", "Z"),
        **({} if event.subject is None else {"subject": event.subject}),
    }
    return {
        "content-type": "application/json",
        **{f"ce-{name}": _header_value(value) for name, value in attributes.items()},
    }


def _header_value(text: str) -> str:
    """Encode as CloudEvents' HTTP binding asks: only printable ASCII, no quote, no percent."""
    printable = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')
    return quote(text, safe=printable)
