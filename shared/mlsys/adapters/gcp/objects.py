"""`Objects` in Cloud Storage."""

import hashlib
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, cast

import google_crc32c
from google.api_core import exceptions as vendor
from google.cloud.storage import Blob, Client
from google.cloud.storage.retry import DEFAULT_RETRY

from mlsys.adapters.contents import verified
from mlsys.adapters.gcp.downloads import Download, crc32c_of, not_found, read_refusal
from mlsys.adapters.gcp.translated import translated
from mlsys.adapters.gcp.uploads import Upload, UploadOnce, uploading
from mlsys.domain.errors import AlreadyExists, NotFound, Unavailable
from mlsys.domain.ids import Address, parse_folder, parse_uri
from mlsys.ports import ObjectInfo, TableSource

ATTEMPTS = 3
BUFFER_BYTES = 2**20


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
        # Else a thread asks for each bucket itself, to describe it in traces that nobody takes.
        os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
        client._http.hooks["response"].append(read_refusal)  # noqa: SLF001 - no public name leads there
        self._retry = DEFAULT_RETRY.with_delay(0.2, 10.0, 2.0).with_timeout(patience_seconds)

    @translated
    def stat(self, uri: str) -> ObjectInfo:
        return _info(uri, self._found(uri))

    @translated
    def read(self, uri: str, *, sha256: str | None = None) -> bytes:
        return verified(self._downloaded(uri), uri=uri, sha256=sha256)

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
        with io.BufferedReader(download, BUFFER_BYTES) as reader:
            yield reader

    @contextmanager
    def open_writer(self, uri: str, *, once: bool = False) -> Iterator[BinaryIO]:
        upload = (UploadOnce if once else Upload)(uri, self._blob(parse_uri(uri)), self._retry)
        try:
            yield cast("BinaryIO", upload)
            upload.finish()
        except BaseException:
            upload.abandon()
            raise
        if isinstance(upload, UploadOnce) and upload.refused:
            self._check_stands(uri, upload)

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
            raise not_found(uri, generation) from error
        return blob

    def _downloaded(self, uri: str) -> bytes:
        for _ in range(ATTEMPTS):
            blob = self._blob(parse_uri(uri))
            try:
                content = blob.download_as_bytes(
                    raw_download=True, checksum=None, retry=self._retry
                )
            except vendor.NotFound as error:
                raise not_found(uri) from error
            if crc32c_of(google_crc32c.Checksum(content)) == blob.crc32c:
                return content
        raise Unavailable(f"{uri} arrived damaged {ATTEMPTS} times: its crc32c is {blob.crc32c}")

    def _uploaded(self, uri: str, content: bytes, **preconditions: int) -> ObjectInfo:
        blob = self._blob(parse_uri(uri))
        with uploading(uri):
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

    def _check_stands(self, uri: str, refused: UploadOnce) -> None:
        """Recognise what an earlier attempt has written: nothing of this one was kept."""
        try:
            there = self.stat(uri)
            same = there.size_bytes == refused.size_bytes
            if same:
                with io.BufferedReader(self._opened(uri, there.generation), BUFFER_BYTES) as old:
                    same = hashlib.file_digest(old, "sha256").digest() == refused.sha256
        except NotFound as error:
            raise Unavailable(f"{uri} went away while it was created; try again later") from error
        if not same:
            raise AlreadyExists(f"{uri} already exists with other content")

    @translated
    def _opened(self, uri: str, generation: str) -> Download:
        if not generation.isdecimal():
            raise not_found(uri, generation)
        return Download(uri, self._found(uri, generation), self._retry)

    def _walk(self, folder: Address) -> Iterator[ObjectInfo]:
        fields = "items(name,generation,size,updated),nextPageToken"
        pages = self._client.list_blobs(
            folder.bucket, prefix=folder.key or None, fields=fields, retry=self._retry
        ).pages
        while (page := _next(folder, pages)) is not None:
            for blob in page:
                if not blob.name.endswith("/"):
                    yield _info(str(Address(folder.bucket, blob.name)), blob)


@translated
def _next(folder: Address, pages: Iterator[Any]) -> Any:
    try:
        return next(pages, None)
    except vendor.NotFound as error:
        raise NotFound(f"{folder}: there is no such bucket") from error


def _info(uri: str, blob: Blob) -> ObjectInfo:
    return ObjectInfo(uri, str(blob.generation), blob.size, blob.updated)


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
