"""What the Cloud Storage test server keeps: buckets, objects, generations, uploads under way."""

import base64
import hashlib
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import google_crc32c

Resource = dict[str, Any]
Finalized = Callable[[Resource], None]


class StorageError(Exception):
    """An answer other than success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class StoredObject:
    """One generation of one object."""

    bucket: str
    name: str
    content: bytes
    generation: int
    created: datetime
    updated: datetime
    metageneration: int = 1
    fields: Resource = field(default_factory=dict)

    @property
    def md5(self) -> str:
        return base64.b64encode(hashlib.md5(self.content, usedforsecurity=False).digest()).decode()

    @property
    def crc32c(self) -> str:
        return base64.b64encode(google_crc32c.Checksum(self.content).digest()).decode()

    @property
    def etag(self) -> str:
        return f"{self.generation}-{self.metageneration}"

    def resource(self, url: str) -> Resource:
        """Return what the JSON API shows, and what an event carries."""
        path = f"{url}/storage/v1/b/{self.bucket}/o/{_quoted(self.name)}"
        return {
            "contentType": "application/octet-stream",
            **self.fields,
            "kind": "storage#object",
            "id": f"{self.bucket}/{self.name}/{self.generation}",
            "selfLink": path,
            "mediaLink": f"{url}/download{path.removeprefix(url)}?alt=media",
            "name": self.name,
            "bucket": self.bucket,
            "generation": str(self.generation),
            "metageneration": str(self.metageneration),
            "size": str(len(self.content)),
            "md5Hash": self.md5,
            "crc32c": self.crc32c,
            "etag": self.etag,
            "storageClass": "STANDARD",
            "timeCreated": _rfc3339(self.created),
            "updated": _rfc3339(self.updated),
            "timeStorageClassUpdated": _rfc3339(self.created),
        }


@dataclass
class Upload:
    """A resumable or multipart upload under way: nothing of it can be seen."""

    bucket: str
    name: str
    fields: Resource
    conditions: Mapping[str, str]
    received: bytearray = field(default_factory=bytearray)
    parts: dict[int, bytes] = field(default_factory=dict)
    finished: StoredObject | None = None


class Store:
    """Everything in memory. One thread (the server's) touches it; the hook runs in others."""

    def __init__(self, finalized: Finalized | None = None) -> None:
        self.url = ""
        self.buckets: dict[str, dict[str, StoredObject]] = {}
        self.uploads: dict[str, Upload] = {}
        self._generation = 0
        self._finalized = finalized
        self._events = ThreadPoolExecutor(4, thread_name_prefix="finalized")
        self._delivered: list[Future[None]] = []

    def bucket(self, name: str) -> dict[str, StoredObject]:
        if name not in self.buckets:
            raise StorageError(404, "The specified bucket does not exist.")
        return self.buckets[name]

    def find(
        self, bucket: str, name: str, conditions: Mapping[str, str], *, generation: str | None
    ) -> StoredObject:
        found = self.bucket(bucket).get(name)
        if found is None or generation not in {None, str(found.generation)}:
            raise StorageError(404, f"No such object: {bucket}/{name}")
        _check(found, conditions, unchanged_is=304)
        return found

    def put(
        self,
        bucket: str,
        name: str,
        content: bytes,
        fields: Resource,
        conditions: Mapping[str, str],
    ) -> StoredObject:
        """Finalize an object, and tell the hook, in a thread of its own."""
        objects = self.bucket(bucket)
        self.allow(bucket, name, conditions)
        self._generation = max(self._generation + 1, time.time_ns() // 1000)
        now = datetime.now(UTC)
        kept = {key: value for key, value in fields.items() if key in SETTABLE}
        stored = StoredObject(bucket, name, content, self._generation, now, now, fields=kept)
        for key, found in (("md5Hash", stored.md5), ("crc32c", stored.crc32c)):
            if fields.get(key) not in {None, found}:
                raise StorageError(400, f"Provided {key} {fields[key]} does not match {found}.")
        objects[name] = stored
        if self._finalized is not None:
            event = self._events.submit(self._finalized, stored.resource(self.url))
            self._delivered.append(event)
        return stored

    def allow(self, bucket: str, name: str, conditions: Mapping[str, str]) -> None:
        """Check the preconditions of a write."""
        _check(self.bucket(bucket).get(name), conditions, unchanged_is=412)

    def begin(self, bucket: str, name: str, fields: Resource, conditions: Mapping[str, str]) -> str:
        self.allow(bucket, name, conditions)
        id = uuid4().hex
        self.uploads[id] = Upload(bucket, name, fields, conditions)
        return id

    def close(self) -> None:
        """Wait for the hook, and raise what it raised."""
        self._events.shutdown(wait=True)
        for event in self._delivered:
            event.result()


SETTABLE = frozenset(
    {"contentType", "metadata", "cacheControl", "contentEncoding", "contentDisposition"}
    | {"contentLanguage"}
)


def _check(found: StoredObject | None, conditions: Mapping[str, str], *, unchanged_is: int) -> None:
    generation = 0 if found is None else found.generation
    metageneration = 0 if found is None else found.metageneration
    for name, value, wanted in (
        ("ifGenerationMatch", generation, True),
        ("ifMetagenerationMatch", metageneration, True),
        ("ifGenerationNotMatch", generation, False),
        ("ifMetagenerationNotMatch", metageneration, False),
    ):
        if name in conditions and (int(conditions[name]) == value) is not wanted:
            raise StorageError(412 if wanted else unchanged_is, f"{name} did not hold")


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _quoted(name: str) -> str:
    return quote(name, safe="")
