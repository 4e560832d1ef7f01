"""Streams out of Cloud Storage: one generation, in ranges, the next ones already under way."""

import base64
import io
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import google_crc32c
import requests
from google.api_core import exceptions as vendor
from google.cloud.storage import Blob

from mlsys.adapters.gcp.translated import translated
from mlsys.domain.errors import NotFound, Unavailable

RANGE_BYTES = 8 * 2**20
RANGES_AHEAD = 3


class Download(io.RawIOBase):
    """One generation, fetched in ranges; read in order to its end, its crc32c is compared.

    Who reads on after the first range gets the next ones fetched ahead, so that the time until
    Google's first byte is not paid for each. At most `RANGES_AHEAD + 2` ranges are in memory.
    """

    def __init__(self, uri: str, blob: Blob, retry: Any) -> None:
        self._uri, self._blob, self._retry = uri, blob, retry
        self._position = self._summed = 0
        self._sum = google_crc32c.Checksum()
        self._rest = memoryview(b"")
        self._ahead: deque[tuple[int, Future[bytes]]] = deque()
        self._threads = ThreadPoolExecutor(RANGES_AHEAD, thread_name_prefix="download")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._blob.size}[whence]
        self._position = max(0, start + offset)
        self._rest = memoryview(b"")
        return self._position

    def readinto(self, buffer: Any) -> int:
        content = self._next(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def readall(self) -> bytes:
        return b"".join(iter(lambda: self._next(RANGE_BYTES), b""))

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        super().close()

    def _next(self, size: int) -> memoryview:
        if not self._rest:
            self._rest = memoryview(self._range(self._position))
        content, self._rest = self._rest[:size], self._rest[size:]
        self._position += len(content)
        return content

    def _range(self, start: int) -> bytes:
        """Return the range that begins there, and send for those behind it."""
        if not self._ahead or self._ahead[0][0] != start:
            self._forget()
            content = self._fetched(start)
        else:
            content = self._ahead.popleft()[1].result()
        if start == self._summed:
            self._compare(content)
            self._send_for(start, start + len(content))
        return content

    def _forget(self) -> None:
        for _, range in self._ahead:
            range.cancel()
        self._ahead.clear()

    @translated
    def _fetched(self, start: int) -> bytes:
        end = min(start + RANGE_BYTES, self._blob.size)
        if start >= end:
            return b""
        part = self._blob.bucket.blob(self._blob.name, generation=self._blob.generation)
        try:
            content: bytes = part.download_as_bytes(
                start=start, end=end - 1, raw_download=True, checksum=None, retry=self._retry
            )
        except vendor.NotFound as error:
            raise not_found(self._uri, str(self._blob.generation)) from error
        if len(content) != end - start:
            raise Unavailable(f"{self._uri}: want bytes {start} to {end}, got {len(content)} bytes")
        return content

    def _compare(self, content: bytes) -> None:
        self._sum.update(content)
        self._summed += len(content)
        if self._summed == self._blob.size and crc32c_of(self._sum) != self._blob.crc32c:
            raise Unavailable(f"{self._uri} arrived damaged: its crc32c is {self._blob.crc32c}")

    def _send_for(self, start: int, end: int) -> None:
        """Fetch ahead, but not behind the first range: of many objects only the head is read."""
        if start == 0:
            return
        begin = self._ahead[-1][0] + RANGE_BYTES if self._ahead else end
        while begin < self._blob.size and len(self._ahead) < RANGES_AHEAD:
            self._ahead.append((begin, self._threads.submit(self._fetched, begin)))
            begin += RANGE_BYTES


def read_refusal(answer: requests.Response, **_told: object) -> None:
    """Read what is no content to its end, so that its connection is free for the next attempt.

    Google's downloads leave it unread, and the connection open until it is garbage.
    """
    if not answer.ok:
        _ = answer.content


def crc32c_of(checksum: Any) -> str:
    """Write a checksum as Cloud Storage does."""
    return base64.b64encode(checksum.digest()).decode()


def not_found(uri: str, generation: str | None = None) -> NotFound:
    """Say that an object, or one generation of it, is not there."""
    if generation is None:
        return NotFound(f"{uri} does not exist")
    return NotFound(f"{uri}: generation {generation} is gone or was replaced")
