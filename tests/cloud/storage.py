"""Cloud Storage on this machine, for `google-cloud-storage`, Polars, and events.

    with storage_server("uploads", "artifacts") as storage:
        client = storage.client()

Other processes need only `STORAGE_EMULATOR_HOST={storage.url}`.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any
from urllib.parse import unquote

from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.cloud import storage_json, storage_uploads, storage_xml
from tests.cloud.serving import serving
from tests.cloud.storage_faults import Fault, Faults
from tests.cloud.storage_store import Finalized, StorageError, Store

BUCKET = "/b/([^/]+)"
OBJECT = BUCKET + "/o/([^/]+)"
ROUTES: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("GET", "/storage/v1/b", storage_json.list_buckets),
    ("POST", "/storage/v1/b", storage_json.create_bucket),
    ("GET", f"/storage/v1{BUCKET}", storage_json.get_bucket),
    ("DELETE", f"/storage/v1{BUCKET}", storage_json.delete_bucket),
    ("GET", f"/storage/v1{BUCKET}/o", storage_json.list_objects),
    ("GET", f"(?:/download)?/storage/v1{OBJECT}", storage_json.get_object),
    ("DELETE", f"/storage/v1{OBJECT}", storage_json.delete_object),
    ("PATCH", f"/storage/v1{OBJECT}", storage_json.patch_object),
    ("POST", f"/storage/v1{OBJECT}/compose", storage_json.compose),
    ("POST", f"/storage/v1{OBJECT}/rewriteTo{OBJECT}", storage_json.rewrite),
    ("POST", f"/storage/v1{OBJECT}/copyTo{OBJECT}", storage_json.copy),
    ("POST", f"/upload/storage/v1{BUCKET}/o", storage_uploads.upload),
    ("PUT", f"/upload/storage/v1{BUCKET}/o", storage_uploads.resume),
    ("DELETE", f"/upload/storage/v1{BUCKET}/o", storage_uploads.abandon),
    (".*", "/(?!storage/|upload/|download/)([^/]+)/?", storage_xml.bucket),
    (".*", "/(?!storage/|upload/|download/)([^/]+)/(.+)", storage_xml.object),
)


@dataclass(frozen=True)
class StorageServer:
    """A running server. `injected` counts the faults that happened."""

    url: str
    store: Store
    faults: Faults

    def client(self) -> Client:
        """Return an official client that speaks to this server; close it."""
        options = {"api_endpoint": self.url}
        return Client("test-project", AnonymousCredentials(), client_options=options)

    def add_bucket(self, name: str) -> None:
        self.store.buckets.setdefault(name, {})

    def break_next(self, fault: Fault) -> None:
        self.faults.add(fault)

    @property
    def injected(self) -> Counter[str]:
        return self.faults.injected


@contextmanager
def storage_server(*buckets: str, finalized: Finalized | None = None) -> Iterator[StorageServer]:
    """Serve buckets until the block ends.

    `finalized` gets the resource of each finalized object, in another thread, once; what it raises
    is raised when the block ends.
    """
    store = Store(finalized)
    faults = Faults(_app(store))
    with serving(faults) as running:
        store.url = running.url
        faults.transport_of = running.transport_of
        server = StorageServer(running.url, store, faults)
        for bucket in buckets:
            server.add_bucket(bucket)
        yield server
        store.close()


def _app(store: Store) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        try:
            response = await _answer(store, request)
        except StorageError as error:
            body = {"error": {"code": error.status, "message": str(error)}}
            response = JSONResponse(body, error.status)
        await response(scope, receive, send)

    return app


async def _answer(store: Store, request: Request) -> Response:
    path = request.scope["raw_path"].decode()
    for method, pattern, handle in ROUTES:
        found = re.fullmatch(pattern, path)
        if found is not None and re.fullmatch(method, request.method):
            answer = handle(store, request, *map(unquote, found.groups()))
            response: Response = await answer if isawaitable(answer) else answer
            return response
    raise StorageError(404, f"{request.method} {path} is not served here")
