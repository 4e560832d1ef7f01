"""Reads a pointer and a model's files, and imports none of Google's clients for that."""

import base64
import json
import os
from datetime import datetime
from email.message import Message
from typing import Any
from urllib.parse import quote

import google_crc32c

from mlsys.adapters.contents import verified
from mlsys.adapters.documents import checked_collection
from mlsys.adapters.gcp.rest import NOT_FOUND, OK, Rest
from mlsys.adapters.gcp.tokens import signing
from mlsys.domain.errors import NotFound, Unavailable
from mlsys.domain.ids import checked_id, parse_uri
from mlsys.ports import Document

ATTEMPTS = 3
AS_STORED = {"Accept-Encoding": "gzip"}
"""Cloud Storage then leaves packed contents packed."""


def cloud_object_reader() -> "CloudObjectReader":
    """Connect; `STORAGE_EMULATOR_HOST` leads to a test server."""
    endpoint = os.environ.get("STORAGE_EMULATOR_HOST")
    if endpoint is not None:
        return CloudObjectReader(Rest(endpoint, dict))
    return CloudObjectReader(Rest("https://storage.googleapis.com", signing()))


class CloudObjectReader:
    """`ObjectReader` in Cloud Storage; contents as they are stored, their crc32c compared."""

    def __init__(self, storage: Rest) -> None:
        self._storage = storage

    def read(self, uri: str, *, sha256: str | None = None) -> bytes:
        return verified(self._downloaded(uri), uri=uri, sha256=sha256)

    def _downloaded(self, uri: str) -> bytes:
        address = parse_uri(uri)
        target = f"/storage/v1/b/{address.bucket}/o/{quote(address.key, safe='')}?alt=media"
        for _ in range(ATTEMPTS):
            reply = self._storage.get(target, AS_STORED)
            if reply.status == NOT_FOUND:
                raise NotFound(f"{uri} does not exist")
            if _crc32c(reply.body) == (stored := _told_crc32c(reply.headers)):
                return reply.body
        raise Unavailable(f"{uri} arrived damaged {ATTEMPTS} times: its crc32c is {stored}")


def firestore_record_reader(project: str, database: str) -> "FirestoreRecordReader":
    """Connect; `FIRESTORE_EMULATOR_HOST` leads to the emulator."""
    emulator = os.environ.get("FIRESTORE_EMULATOR_HOST")
    root = f"projects/{project}/databases/{database}/documents"
    if emulator is not None:
        owner = {"Authorization": "Bearer owner"}
        return FirestoreRecordReader(Rest(f"http://{emulator}", lambda: owner), root)
    return FirestoreRecordReader(Rest("https://firestore.googleapis.com", signing()), root)


class FirestoreRecordReader:
    """`RecordReader` in Firestore, of what `FirestoreRecords` writes below `root`."""

    def __init__(self, firestore: Rest, root: str) -> None:
        self._firestore = firestore
        self._root = root

    def get(self, collection: str, id: str) -> Document:
        name = f"{checked_collection(collection)}/{checked_id(id, what='record')}"
        asked = {"documents": [f"{self._root}/{name}"], "mask": {"fieldPaths": ["json"]}}
        reply = self._firestore.post(f"/v1/{self._root}:batchGet", asked)
        if reply.status != OK:
            raise NotFound(f"{self._root}: there is no such database")
        [answer] = json.loads(reply.body)
        if "missing" in answer:
            raise NotFound(f"{name} does not exist")
        if "found" not in answer:
            raise Unavailable(f"{name} was not read: {str(answer)[:300]}; try again later")
        return _document(collection, id, answer)


def _crc32c(content: bytes) -> str:
    return base64.b64encode(google_crc32c.Checksum(content).digest()).decode()


def _told_crc32c(headers: Message) -> str:
    told = ",".join(headers.get_all("X-Goog-Hash", []))
    sums = dict(one.strip().split("=", 1) for one in told.split(",") if one)
    return sums.get("crc32c", "not told")


def _document(collection: str, id: str, answer: Any) -> Document:
    found = answer["found"]
    return Document(
        collection,
        id,
        json.loads(found["fields"]["json"]["stringValue"]),
        revision=found["updateTime"],
        updated_at=datetime.fromisoformat(found["updateTime"]),
        read_at=datetime.fromisoformat(answer["readTime"]),
    )
