"""`Objects` in Cloud Storage."""

import base64
import hashlib
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any, BinaryIO, cast

import google_crc32c
from google.api_core import exceptions as vendor
from google.cloud.storage import Blob, Client
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from google.cloud.storage.fileio import BlobWriter
from google.cloud.storage.retry import DEFAULT_RETRY

from mlsys.adapters.gcp.translated import translated
from mlsys.domain.errors import AlreadyExists, Corrupt, NotFound, Unavailable
from mlsys.domain.ids import Address, parse_folder, parse_uri
from mlsys.ports import ObjectInfo, TableSource

ATTEMPTS = 3
CHUNK_BYTES = 8 * 2**20


def cloud_objects(project: str) -> "CloudObjects":
    """Connect; `STORAGE_EMULATOR_HOST` leads to a test server."""
    return CloudObjects(Client(project=project))


class CloudObjects:
    """`Objects` in Cloud Storage.

    Every call is repeated within `patience_seconds` while Google answers 408, 429 or 5xx. Content
    is moved as it is stored (no transcoding), and its crc32c compared on both ways.
    """

    def __init__(self, client: Client, *, patience_seconds: float = 60.0) -> None:
        self._client = client
        self._retry = DEFAULT_RETRY.with_delay(0.2, 10.0, 2.0).with_timeout(patience_seconds)

    @translated
    def stat(self, uri: str) -> ObjectInfo:
        return _info(uri, self._found(uri))

    @translated
    def read(self, uri: str, *, sha256: str | None = None) -> bytes:
        content = self._downloaded(uri)
        found = hashlib.sha256(content).hexdigest()
        if sha256 is not None and found != sha256:
            raise Corrupt(f"{uri}: want sha256 {sha256}, got {found}")
        return content

    @translated
    def put(self, uri: str, content: bytes) -> ObjectInfo:
        return self._uploaded(uri, content)

    @translated
    def put_once(self, uri: str, content: bytes) -> ObjectInfo:
        for _ in range(ATTEMPTS):
            try:
                return self._uploaded(uri, content, if_generation_match=0)
            except vendor.PreconditionFailed:
                with suppress(NotFound):
                    return self._same(uri, content)
        raise Unavailable(f"{uri} came and went during {ATTEMPTS} attempts to create it")

    @contextmanager
    def open_reader(self, uri: str, *, generation: str) -> Iterator[BinaryIO]:
        download = self._opened(uri, generation)
        with io.BufferedReader(download, CHUNK_BYTES) as reader:
            yield reader

    @contextmanager
    def open_writer(self, uri: str) -> Iterator[BinaryIO]:
        upload = _Upload(uri, self._blob(parse_uri(uri)), self._retry)
        try:
            yield cast("BinaryIO", upload)
            upload.finish()
        except BaseException:
            upload.abandon()
            raise

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        return self._walk(parse_folder(prefix))

    @translated
    def delete(self, uri: str) -> None:
        with suppress(vendor.NotFound):
            self._blob(parse_uri(uri)).delete(retry=self._retry)

    def table_source(self, uri: str) -> TableSource:
        return TableSource(str(parse_uri(uri)), _storage_options())

    def _blob(self, address: Address, generation: str | None = None) -> Blob:
        return self._client.bucket(address.bucket).blob(address.key, generation=generation)

    def _found(self, uri: str, generation: str | None = None) -> Blob:
        blob = self._blob(parse_uri(uri), generation)
        try:
            blob.reload(retry=self._retry)
        except vendor.NotFound as error:
            raise _not_found(uri, generation) from error
        return blob

    def _downloaded(self, uri: str) -> bytes:
        for _ in range(ATTEMPTS):
            blob = self._blob(parse_uri(uri))
            try:
                content = blob.download_as_bytes(
                    raw_download=True, checksum=None, retry=self._retry
                )
            except vendor.NotFound as error:
                raise _not_found(uri) from error
            if _crc32c(google_crc32c.Checksum(content)) == blob.crc32c:
                return content
        raise Unavailable(f"{uri} arrived damaged {ATTEMPTS} times: its crc32c is {blob.crc32c}")

    def _uploaded(self, uri: str, content: bytes, **preconditions: int) -> ObjectInfo:
        blob = self._blob(parse_uri(uri))
        with _uploading(uri):
            blob.upload_from_string(
                content,
                "application/octet-stream",
                checksum="crc32c",
                retry=self._retry,
                **preconditions,
            )
        return _info(uri, blob)

    def _same(self, uri: str, content: bytes) -> ObjectInfo:
        """Recognise our own upload, of which the answer was lost."""
        there = self.stat(uri)
        if there.size_bytes != len(content) or self._downloaded(uri) != content:
            raise AlreadyExists(f"{uri} already exists with other content")
        return there

    @translated
    def _opened(self, uri: str, generation: str) -> "_Download":
        if not generation.isdecimal():
            raise _not_found(uri, generation)
        return _Download(uri, self._found(uri, generation), self._retry)

    def _walk(self, folder: Address) -> Iterator[ObjectInfo]:
        fields = "items(name,generation,size,updated),nextPageToken"
        pages = self._client.list_blobs(
            folder.bucket, prefix=folder.key or None, fields=fields, retry=self._retry
        ).pages
        while (page := _next(folder, pages)) is not None:
            for blob in page:
                if not blob.name.endswith("/"):
                    yield _info(str(Address(folder.bucket, blob.name)), blob)


class _Download(io.RawIOBase):
    """One generation, fetched in ranges; read in order to its end, its crc32c is compared."""

    def __init__(self, uri: str, blob: Blob, retry: Any) -> None:
        self._uri, self._blob, self._retry = uri, blob, retry
        self._position = self._summed = 0
        self._sum = google_crc32c.Checksum()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._blob.size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        content = self._range(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def readall(self) -> bytes:
        return self._range(self._blob.size)

    @translated
    def _range(self, size: int) -> bytes:
        start, end = self._position, min(self._position + size, self._blob.size)
        if start >= end:
            return b""
        part = self._blob.bucket.blob(self._blob.name, generation=self._blob.generation)
        try:
            content: bytes = part.download_as_bytes(
                start=start, end=end - 1, raw_download=True, checksum=None, retry=self._retry
            )
        except vendor.NotFound as error:
            raise _not_found(self._uri, str(self._blob.generation)) from error
        if len(content) != end - start:
            raise Unavailable(f"{self._uri}: want bytes {start} to {end}, got {len(content)} bytes")
        self._position = end
        self._compare(start, content)
        return content

    def _compare(self, start: int, content: bytes) -> None:
        if start != self._summed:
            return
        self._sum.update(content)
        self._summed += len(content)
        if self._summed == self._blob.size and _crc32c(self._sum) != self._blob.crc32c:
            raise Unavailable(f"{self._uri} arrived damaged: its crc32c is {self._blob.crc32c}")


class _Upload(BlobWriter):
    """A resumable upload that only `finish` completes: never garbage collection, or its reader."""

    def __init__(self, uri: str, blob: Blob, retry: Any) -> None:
        super().__init__(blob, CHUNK_BYTES, ignore_flush=True, retry=retry, checksum="crc32c")
        self._uri = uri

    def close(self) -> None:
        """Leave it to `finish`: what merely goes away must not publish a part."""

    @translated
    def write(self, content: Any) -> int:
        with _uploading(self._uri):
            return super().write(content)

    @translated
    def finish(self) -> None:
        with _uploading(self._uri):
            super().close()

    def abandon(self) -> None:
        with suppress(Unavailable):
            self._terminate()

    @translated
    def _terminate(self) -> None:
        super().terminate()


@contextmanager
def _uploading(uri: str) -> Iterator[None]:
    try:
        yield
    except vendor.NotFound as error:
        raise NotFound(f"{uri}: there is no such bucket") from error
    except (DataCorruption, vendor.BadRequest) as error:
        raise Unavailable(f"{uri} arrived damaged: {error}") from error
    except InvalidResponse as error:
        status = error.response.status_code
        if status == HTTPStatus.NOT_FOUND:
            raise NotFound(f"{uri}: there is no such bucket, or the upload expired") from error
        raise vendor.from_http_status(status, f"{uri}: {error}") from error


@translated
def _next(folder: Address, pages: Iterator[Any]) -> Any:
    try:
        return next(pages, None)
    except vendor.NotFound as error:
        raise NotFound(f"{folder}: there is no such bucket") from error


def _not_found(uri: str, generation: str | None = None) -> NotFound:
    if generation is None:
        return NotFound(f"{uri} does not exist")
    return NotFound(f"{uri}: generation {generation} is gone or was replaced")


def _info(uri: str, blob: Blob) -> ObjectInfo:
    return ObjectInfo(uri, str(blob.generation), blob.size, blob.updated)


def _crc32c(checksum: Any) -> str:
    return base64.b64encode(checksum.digest()).decode()


def _storage_options() -> dict[str, str]:
    """Point Polars at the test server; it ignores every other way to name an endpoint."""
    endpoint = os.environ.get("STORAGE_EMULATOR_HOST")
    if endpoint is None:
        return {}
    account = {
        "gcs_base_url": endpoint,
        "disable_oauth": True,
        "client_email": "",
        "private_key": "",
        "private_key_id": "",
    }
    return {"google_service_account_key": json.dumps(account)}
