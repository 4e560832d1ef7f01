"""Cloud Storage's JSON API, as far as the official client speaks it: buckets and objects."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.cloud.storage_store import SETTABLE, Resource, StorageError, Store, StoredObject

MAX_PAGE = 1000


def list_objects(store: Store, request: Request, bucket: str) -> Response:
    """Objects by name in pages; with `delimiter`, folders as `prefixes`."""
    query = request.query_params
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    start, end = query.get("startOffset", ""), query.get("endOffset")
    after = query.get("pageToken", "")
    size = min(int(query.get("maxResults", MAX_PAGE)), MAX_PAGE)
    items: list[Resource] = []
    prefixes: list[str] = []
    last = ""
    for name, stored in sorted(store.bucket(bucket).items(), key=lambda one: one[0].encode()):
        if not name.startswith(prefix) or name < start or (end is not None and name >= end):
            continue
        folder = _folder_of(name, prefix, delimiter)
        shown = folder or name
        if shown.encode() <= after.encode() or shown in prefixes:
            continue
        if len(items) + len(prefixes) == size:
            more = {"nextPageToken": last}
            break
        last = shown
        if folder:
            prefixes.append(folder)
        else:
            items.append(stored.resource(store.url))
    else:
        more = {}
    found = {"items": items} if items else {}
    folders = {"prefixes": prefixes} if prefixes else {}
    return JSONResponse({"kind": "storage#objects", **found, **folders, **more})


def get_object(store: Store, request: Request, bucket: str, name: str) -> Response:
    """Metadata, or with `alt=media` the content, or a range of it."""
    query = request.query_params
    stored = store.find(bucket, name, query, generation=query.get("generation"))
    if query.get("alt") == "media":
        return media(stored, request)
    return JSONResponse(stored.resource(store.url))


def delete_object(store: Store, request: Request, bucket: str, name: str) -> Response:
    query = request.query_params
    store.find(bucket, name, {}, generation=query.get("generation"))
    store.allow(bucket, name, query)
    del store.bucket(bucket)[name]
    return Response(status_code=204)


async def patch_object(store: Store, request: Request, bucket: str, name: str) -> Response:
    """Change metadata: another metageneration, the same generation."""
    stored = store.find(bucket, name, {}, generation=request.query_params.get("generation"))
    store.allow(bucket, name, request.query_params)
    fields = json.loads(await request.body() or b"{}")
    stored.fields.update({key: value for key, value in fields.items() if key in SETTABLE})
    stored.metageneration += 1
    stored.updated = datetime.now(UTC)
    return JSONResponse(stored.resource(store.url))


async def compose(store: Store, request: Request, bucket: str, name: str) -> Response:
    wanted = await request.json()
    parts = [
        store.find(bucket, one["name"], {}, generation=one.get("generation"))
        for one in wanted["sourceObjects"]
    ]
    content = b"".join(part.content for part in parts)
    fields = wanted.get("destination", {})
    stored = store.put(bucket, name, content, fields, request.query_params)
    return JSONResponse({**stored.resource(store.url), "componentCount": len(parts)})


def rewrite(store: Store, request: Request, bucket: str, name: str, *destination: str) -> Response:
    stored = _copied(store, request, (bucket, name), destination)
    size = str(len(stored.content))
    answer = {"kind": "storage#rewriteResponse", "done": True}
    progress = {"totalBytesRewritten": size, "objectSize": size}
    return JSONResponse({**answer, **progress, "resource": stored.resource(store.url)})


def copy(store: Store, request: Request, bucket: str, name: str, *destination: str) -> Response:
    return JSONResponse(_copied(store, request, (bucket, name), destination).resource(store.url))


def get_bucket(store: Store, _: Request, bucket: str) -> Response:
    store.bucket(bucket)
    return JSONResponse(_bucket(bucket))


async def create_bucket(store: Store, request: Request) -> Response:
    name = (await request.json())["name"]
    if name in store.buckets:
        raise StorageError(409, "You already own this bucket.")
    store.buckets[name] = {}
    return JSONResponse(_bucket(name))


def list_buckets(store: Store, _: Request) -> Response:
    items = [_bucket(name) for name in sorted(store.buckets)]
    return JSONResponse({"kind": "storage#buckets", "items": items})


def delete_bucket(store: Store, _: Request, bucket: str) -> Response:
    if store.bucket(bucket):
        raise StorageError(409, "The bucket you tried to delete is not empty.")
    del store.buckets[bucket]
    return Response(status_code=204)


def media(stored: StoredObject, request: Request) -> Response:
    """Answer the content, whole or the asked range, with the headers of both APIs."""
    headers = {
        "Content-Type": stored.fields.get("contentType", "application/octet-stream"),
        "ETag": f'"{stored.etag}"',
        "Last-Modified": stored.updated.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "X-Goog-Generation": str(stored.generation),
        "X-Goog-Metageneration": str(stored.metageneration),
        "X-Goog-Hash": f"crc32c={stored.crc32c},md5={stored.md5}",
        "X-Goog-Stored-Content-Length": str(len(stored.content)),
        "X-Goog-Storage-Class": "STANDARD",
        "Accept-Ranges": "bytes",
    }
    if "contentEncoding" in stored.fields:
        headers["Content-Encoding"] = stored.fields["contentEncoding"]
    size = len(stored.content)
    asked = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", ""))
    if asked is None or asked.groups() == ("", ""):
        return Response(stored.content, headers=headers)
    first, last = asked.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last), size - 1) if first and last else size - 1
    if start >= size:
        raise StorageError(416, f"The requested range cannot be satisfied: size is {size}.")
    headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    return Response(stored.content[start : end + 1], status_code=206, headers=headers)


def _copied(
    store: Store, request: Request, source: tuple[str, str], destination: tuple[str, ...]
) -> StoredObject:
    conditions = _prefixed(request.query_params, "ifSource")
    generation = request.query_params.get("sourceGeneration")
    found = store.find(*source, conditions, generation=generation)
    bucket, name = destination
    return store.put(bucket, name, found.content, found.fields, request.query_params)


def _folder_of(name: str, prefix: str, delimiter: str) -> str:
    if not delimiter or delimiter not in name[len(prefix) :]:
        return ""
    return name[: name.index(delimiter, len(prefix)) + len(delimiter)]


def _prefixed(query: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {f"if{k.removeprefix(prefix)}": v for k, v in query.items() if k.startswith(prefix)}


def _bucket(name: str) -> dict[str, Any]:
    return {"kind": "storage#bucket", "id": name, "name": name, "location": "EU"}
