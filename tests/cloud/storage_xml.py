"""Cloud Storage's XML API, as far as Polars (object_store) speaks it."""

import re
from http import HTTPStatus
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response

from tests.cloud.storage_json import MAX_PAGE, media
from tests.cloud.storage_store import StorageError, Store, StoredObject, Upload

CONDITIONS = {"x-goog-if-generation-match": "ifGenerationMatch"}


async def bucket(store: Store, request: Request, name: str) -> Response:
    """List a bucket: `GET /bucket?list-type=2`."""
    if request.method != "GET" or request.query_params.get("list-type") != "2":
        raise StorageError(400, f"{request.method} of a bucket is not served here")
    query = request.query_params
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    after = query.get("continuation-token") or query.get("start-after", "")
    size = min(int(query.get("max-keys", MAX_PAGE)), MAX_PAGE)
    shown: dict[str, StoredObject | None] = {}
    for key, stored in sorted(store.bucket(name).items(), key=lambda one: one[0].encode()):
        rest = key.removeprefix(prefix)
        if not key.startswith(prefix):
            continue
        if delimiter and delimiter in rest:
            shown.setdefault(prefix + rest.partition(delimiter)[0] + delimiter)
        else:
            shown[key] = stored
    names = [key for key in shown if key.encode() > after.encode()]
    entries = "".join(_entry(key, shown[key]) for key in names[:size])
    truncated = len(names) > size
    token = f"<NextContinuationToken>{escape(names[size - 1])}</NextContinuationToken>"
    return _xml(
        "ListBucketResult",
        f"<Name>{name}</Name><Prefix>{escape(prefix)}</Prefix>"
        f"<IsTruncated>{str(truncated).lower()}</IsTruncated>"
        f"{token if truncated else ''}{entries}",
    )


async def object(store: Store, request: Request, bucket: str, name: str) -> Response:
    """One object: GET, HEAD, PUT, DELETE, and multipart uploads."""
    query = request.query_params
    if "uploads" in query or "uploadId" in query:
        return await _multipart(store, request, bucket, name)
    if request.method in {"GET", "HEAD"}:
        return media(store.find(bucket, name, {}, generation=query.get("generation")), request)
    if request.method == "PUT":
        given = {
            ours: request.headers[theirs]
            for theirs, ours in CONDITIONS.items()
            if theirs in request.headers
        }
        stored = store.put(bucket, name, await request.body(), {}, given)
        generation = str(stored.generation)
        return Response(headers={"ETag": f'"{stored.etag}"', "X-Goog-Generation": generation})
    if request.method == "DELETE":
        store.find(bucket, name, {}, generation=None)
        del store.bucket(bucket)[name]
        return Response(status_code=HTTPStatus.NO_CONTENT)
    raise StorageError(400, f"{request.method} of an object is not served here")


async def _multipart(store: Store, request: Request, bucket: str, name: str) -> Response:
    if request.method == "PUT":
        return await _part(store, request)
    if request.method == "DELETE":
        store.uploads.pop(request.query_params["uploadId"], None)
        return Response(status_code=HTTPStatus.NO_CONTENT)
    if "uploadId" in request.query_params:
        return await _complete(store, request, bucket, name)
    id = store.begin(bucket, name, {}, {})
    return _xml(
        "InitiateMultipartUploadResult",
        f"<Bucket>{bucket}</Bucket><Key>{escape(name)}</Key><UploadId>{id}</UploadId>",
    )


async def _part(store: Store, request: Request) -> Response:
    number = int(request.query_params["partNumber"])
    content = await request.body()
    _upload(store, request).parts[number] = content
    return Response(headers={"ETag": f'"part-{number}-{len(content)}"'})


async def _complete(store: Store, request: Request, bucket: str, name: str) -> Response:
    under_way = _upload(store, request)
    wanted = re.findall(rb"<PartNumber>(\d+)</PartNumber>", await request.body())
    content = b"".join(under_way.parts[int(number)] for number in wanted)
    stored = store.put(bucket, name, content, {}, {})
    del store.uploads[request.query_params["uploadId"]]
    return _xml(
        "CompleteMultipartUploadResult",
        f"<Bucket>{bucket}</Bucket><Key>{escape(name)}</Key><ETag>{stored.etag}</ETag>",
    )


def _upload(store: Store, request: Request) -> Upload:
    found = store.uploads.get(request.query_params["uploadId"])
    if found is None:
        raise StorageError(404, "No such upload")
    return found


def _entry(name: str, stored: StoredObject | None) -> str:
    if stored is None:
        return f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
    return (
        f"<Contents><Key>{escape(name)}</Key><Size>{len(stored.content)}</Size>"
        f"<LastModified>{stored.updated.strftime('%Y-%m-%dT%H:%M:%S.%fZ')}</LastModified>"
        f'<ETag>"{stored.etag}"</ETag></Contents>'
    )


def _xml(root: str, inside: str) -> Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?><{root}>{inside}</{root}>'
    return Response(text, media_type="application/xml")
