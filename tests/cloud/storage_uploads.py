"""How content comes in by the JSON API: in one request, with its metadata, or resumably."""

import json
import re
from email.parser import BytesParser
from email.policy import HTTP

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.cloud.storage_store import Resource, StorageError, Store, Upload


async def upload(store: Store, request: Request, bucket: str) -> Response:
    """Dispatch on `uploadType`."""
    kind = request.query_params.get("uploadType")
    if kind == "media":
        name = request.query_params["name"]
        fields = {"contentType": request.headers.get("content-type")}
        return _put(store, request, (bucket, name), await request.body(), fields)
    if kind == "multipart":
        fields, content = _parts(request.headers["content-type"], await request.body())
        name = fields.get("name") or request.query_params["name"]
        return _put(store, request, (bucket, name), content, fields)
    if kind == "resumable":
        return await _begin(store, request, bucket)
    raise StorageError(400, f"Invalid uploadType: {kind}")


async def resume(store: Store, request: Request, bucket: str) -> Response:
    """Take a chunk, or say how much has come; a repeated chunk does no harm."""
    under_way = _under_way(store, request, bucket)
    content = await request.body()
    given = request.headers.get("content-range", f"bytes 0-{len(content) - 1}/{len(content)}")
    first, last, total = _range(given)
    if under_way.finished is None:
        if first is not None and last is not None:
            _take(under_way, first, last, content)
        if total == len(under_way.received):
            checksums = _checksums(request.headers.get("x-goog-hash", ""))
            under_way.finished = store.put(
                under_way.bucket,
                under_way.name,
                bytes(under_way.received),
                {**under_way.fields, **checksums},
                under_way.conditions,
            )
    if under_way.finished is not None:
        return JSONResponse(under_way.finished.resource(store.url))
    received = len(under_way.received)
    headers = {"Range": f"bytes=0-{received - 1}"} if received else {}
    return Response(status_code=308, headers=headers)


def abandon(store: Store, request: Request, bucket: str) -> Response:
    """Forget an upload; Cloud Storage answers 499."""
    _under_way(store, request, bucket)
    del store.uploads[request.query_params["upload_id"]]
    return Response(status_code=499)


async def _begin(store: Store, request: Request, bucket: str) -> Response:
    body = await request.body()
    fields = json.loads(body) if body else {}
    name = fields.get("name") or request.query_params["name"]
    kind = request.headers.get("x-upload-content-type")
    conditions = dict(request.query_params)
    id = store.begin(bucket, name, {"contentType": kind, **fields}, conditions)
    url = f"{store.url}/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={id}"
    return Response(status_code=200, headers={"Location": url})


def _under_way(store: Store, request: Request, bucket: str) -> Upload:
    found = store.uploads.get(request.query_params.get("upload_id", ""))
    if found is None or found.bucket != bucket:
        raise StorageError(404, "No such upload")
    return found


def _take(under_way: Upload, first: int, last: int, content: bytes) -> None:
    received = len(under_way.received)
    if len(content) != last - first + 1 or first > received:
        raise StorageError(400, f"Invalid chunk {first}-{last}: {received} bytes have come")
    under_way.received += content[received - first :]


def _range(given: str) -> tuple[int | None, int | None, int | None]:
    found = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", given)
    if found is None:
        if given == "bytes 0--1/0":
            return None, None, 0
        raise StorageError(400, f"Invalid Content-Range: {given}")
    first, last, total = found.groups()
    return (
        None if first is None else int(first),
        None if last is None else int(last),
        None if total == "*" else int(total),
    )


def _checksums(header: str) -> Resource:
    names = {"crc32c": "crc32c", "md5": "md5Hash"}
    pairs = [one.strip().partition("=") for one in header.split(",") if one]
    return {names[name]: value for name, _, value in pairs}


def _parts(content_type: str, body: bytes) -> tuple[Resource, bytes]:
    """Take apart multipart/related: metadata as JSON, then the content."""
    boundary = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode())
    marker = b"--" + str(boundary.get_boundary()).encode()
    if not body.startswith(marker) or not body.rstrip().endswith(marker + b"--"):
        raise StorageError(400, "Malformed multipart body")
    parts = body.rstrip()[: -len(marker) - 2].split(marker, 2)
    if len(parts) != len(("before", "metadata", "content")):
        raise StorageError(400, "Malformed multipart body")
    _, metadata, content = parts
    fields = json.loads(metadata.partition(b"\r\n\r\n")[2])
    head, _, payload = content.partition(b"\r\n\r\n")
    kind = re.search(rb"content-type: *([^\r\n]+)", head, re.IGNORECASE)
    given = {"contentType": kind.group(1).decode()} if kind else {}
    return {**given, **fields}, payload.removesuffix(b"\r\n")


def _put(
    store: Store, request: Request, place: tuple[str, str], content: bytes, fields: Resource
) -> Response:
    stored = store.put(*place, content, fields, request.query_params)
    return JSONResponse(stored.resource(store.url))
