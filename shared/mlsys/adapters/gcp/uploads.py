"""Streams into Cloud Storage: resumable uploads that only their own end publishes."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any

from google.api_core import exceptions as vendor
from google.cloud.storage import Blob
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from google.cloud.storage.fileio import BlobWriter

from mlsys.adapters.gcp.translated import translated
from mlsys.domain.errors import NotFound, Unavailable

CHUNK_BYTES = 8 * 2**20


class Upload(BlobWriter):
    """A resumable upload that only `finish` completes: never garbage collection, or its reader."""

    def __init__(self, uri: str, blob: Blob, retry: Any, **preconditions: int) -> None:
        super().__init__(
            blob, CHUNK_BYTES, ignore_flush=True, retry=retry, checksum="crc32c", **preconditions
        )
        self._uri = uri

    def close(self) -> None:
        """Leave it to `finish`: what merely goes away must not publish a part."""

    @translated
    def write(self, content: Any) -> int:
        with uploading(self._uri):
            return super().write(content)

    @translated
    def finish(self) -> None:
        with uploading(self._uri):
            super().close()

    def abandon(self) -> None:
        with suppress(Unavailable):
            self._terminate()

    @translated
    def _terminate(self) -> None:
        if self._upload_and_transport:
            upload, transport = self._upload_and_transport
            transport.delete(upload.resumable_url)
        self._buffer.close()


class UploadOnce(Upload):
    """An upload that Cloud Storage refuses where something stands.

    It may say so at any chunk. Of what is written from then on only size and hash are kept, by
    which the same content is recognised.
    """

    def __init__(self, uri: str, blob: Blob, retry: Any) -> None:
        super().__init__(uri, blob, retry, if_generation_match=0)
        self._sum = hashlib.sha256()
        self.size_bytes = 0
        self.refused = False

    @property
    def sha256(self) -> bytes:
        """The hash of all that was written."""
        return self._sum.digest()

    def write(self, content: Any) -> int:
        self._sum.update(content)
        self.size_bytes += len(content)
        if not self.refused:
            with self._unless_refused():
                super().write(content)
        return len(content)

    def finish(self) -> None:
        if not self.refused:
            with self._unless_refused():
                super().finish()

    @contextmanager
    def _unless_refused(self) -> Iterator[None]:
        try:
            yield
        except vendor.PreconditionFailed:
            self.refused = True
            self.abandon()


@contextmanager
def uploading(uri: str) -> Iterator[None]:
    """Raise NotFound or Unavailable where an upload fails in Google's own words."""
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
