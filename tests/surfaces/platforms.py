"""What the tests of the local platform ask of it."""

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from mlsys.dev.platform import Platform
from mlsys.domain.split_records import Split
from mlsys.repositories.splits import SPLITS

ROWS = "x,y\n" + "\n".join(f"{n},{'ab'[n % 2]}" for n in range(60)) + "\n"


def call(
    platform: Platform,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Any, Mapping[str, str]]:
    """Ask over HTTP; return status, body and headers."""
    connection = http.client.HTTPConnection(urlsplit(platform.url).netloc, timeout=30)
    try:
        connection.request(method, path, body, dict(headers or {}))
        with connection.getresponse() as answer:
            content = answer.read()
            return answer.status, json.loads(content) if content else None, dict(answer.headers)
    finally:
        connection.close()


def splits(platform: Platform) -> list[Split]:
    return SPLITS.list(records=platform.runtime.records).values
