"""Reading, writing, listing and waiting, over any connection."""

import json
from collections.abc import Callable, Iterator, Mapping
from time import monotonic, sleep
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from mlsys.domain.errors import InvalidInput, Unavailable
from mlsys.edge.http import Request
from mlsys.edge.listing import ListAnswer
from mlsys.sdk.answers import read_answer, read_content
from mlsys.sdk.connections import ANSWER_SECONDS, Connection

Model = TypeVar("Model", bound=BaseModel)
Found = TypeVar("Found")

JSON_TYPE = {"content-type": "application/json"}
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0
PAUSE_GROWTH = 1.3


class Calls:
    """What a client does with a connection; every method raises what the platform raises."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def get(self, path: str, model: type[Model], **query: str) -> Model:
        """Read something."""
        answer = self.connection.send(Request("GET", path, query))
        return read_answer(answer, model)

    def post(self, path: str, body: Mapping[str, Any], model: type[Model]) -> Model:
        """Send what is not None of `body`. Raises InvalidInput (it is not JSON)."""
        return self.send("POST", path, model, _as_json(body))

    def post_for_content(self, path: str, body: Mapping[str, Any], media_type: str) -> bytes:
        """Send what is not None of `body`, for an answer that is no JSON."""
        request = Request("POST", path, headers=JSON_TYPE, body=_as_json(body))
        return read_content(self.connection.send(request), media_type)

    def send(
        self,
        method: str,
        path: str,
        model: type[Model],
        content: bytes = b"",
        *,
        query: Mapping[str, str] | None = None,
        timeout_seconds: float = ANSWER_SECONDS,
    ) -> Model:
        """Ask for something to be done."""
        headers = JSON_TYPE if content else {}
        request = Request(method, path, query or {}, headers=headers, body=content)
        answer = self.connection.send(request, timeout_seconds=timeout_seconds)
        return read_answer(answer, model)

    def list(self, path: str, model: type[Model], **filters: str | None) -> Iterator[Model]:
        """Yield the items of all pages, a page being fetched when it is needed."""
        query = {name: value for name, value in filters.items() if value is not None}
        while True:
            page = self.get(path, ListAnswer[model], **query)  # type: ignore[valid-type]  # made at run time
            yield from page.items
            if page.next_page_token is None:
                return
            query["page_token"] = page.next_page_token

    def wait(self, look: Callable[[], Found | None], *, what: str, timeout_seconds: float) -> Found:
        """Return what `look` finds, looking again until it does.

        Raises:
            Unavailable: it is not there in time, or the platform does not answer in time.
        """
        self.connection.attend()
        deadline = monotonic() + timeout_seconds
        pause = FIRST_PAUSE_SECONDS
        while True:
            trouble: Unavailable | None = None
            try:
                found = look()
            except Unavailable as error:
                trouble = error
            else:
                if found is not None:
                    return found
            if monotonic() + pause > deadline:
                raise trouble or Unavailable(f"{what} is not finished after {timeout_seconds:g} s")
            sleep(pause)
            pause = min(pause * PAUSE_GROWTH, LONGEST_PAUSE_SECONDS)


def quoted(id: str) -> str:
    """Keep an id from being a path."""
    return quote(id, safe="")


def _as_json(body: Mapping[str, Any]) -> bytes:
    given = {name: value for name, value in body.items() if value is not None}
    try:
        return json.dumps(given, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"cannot be sent as JSON: {error}; None is a missing value") from error
