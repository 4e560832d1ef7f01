"""The id that every answer and every line of the log carries."""

import re
from collections.abc import Mapping
from random import getrandbits

REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,200}")


def request_id_of(headers: Mapping[str, str]) -> str:
    """Return the id that the caller gave, or a new one if it gave none that can be used."""
    given = headers.get("x-request-id", "")
    if REQUEST_ID.fullmatch(given):
        return given
    return f"{getrandbits(128):032x}"  # no secret; another one in every process


def carried_of(headers: Mapping[str, str], request_id: str) -> dict[str, str]:
    """Return what lines of the log, events and jobs carry on of a request: its id and its trace."""
    trace = headers.get("traceparent")
    return {"request_id": request_id} | ({} if trace is None else {"traceparent": trace})
