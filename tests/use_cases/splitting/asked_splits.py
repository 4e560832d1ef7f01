"""Asking for splits as the API does, on a platform in a folder."""

import json
from collections.abc import Mapping
from typing import Any

from mlsys.domain.split_records import Split, SplitStatus
from mlsys.edge.http import Answer, Request, Table, respond
from mlsys.handlers.splits import ROUTES
from mlsys.ports import Json
from mlsys.runtime import Runtime
from mlsys.use_cases.splitting.claims import Claim, claim

ROWS = [{"id": n, "x": n / 7, "y": "yes" if n % 3 else "no"} for n in range(60)]


def call(
    runtime: Runtime,
    method: str,
    path: str,
    body: Any = None,
    query: Mapping[str, str] | None = None,
) -> Answer:
    """Ask the handler."""
    content = (
        b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    )
    return respond(Table(ROUTES), Request(method, path, query or {}, {}, content), runtime)


def create(runtime: Runtime, **fields: Any) -> Split:
    """Ask for a split that must be answered with 201."""
    given = {"inline_data": ROWS} if "data_uri" not in fields else {}
    answer = call(runtime, "POST", "/v1/splits", {"entity_id": "churn", **given, **fields})
    assert answer.status == 201, answer.body
    return Split.model_validate_json(answer.body)


def ready(runtime: Runtime, **fields: Any) -> Split:
    """Ask for a split that must be READY."""
    split = create(runtime, **fields)
    assert split.status is SplitStatus.READY, split.failure
    return split


def path(split: Split) -> str:
    """Say where a split is."""
    return f"/v1/splits/{split.id}"


def changed(runtime: Runtime, method: str, where: str, body: Any = None, **query: str) -> Split:
    """Ask for what must be answered with 200 and a split."""
    answer = call(runtime, method, where, body, query)
    assert answer.status == 200, answer.body
    return Split.model_validate_json(answer.body)


def begun(runtime: Runtime) -> tuple[Split, Claim]:
    """Claim a split that is not yet there."""
    template = ready(runtime, request_id="template")
    update = {"id": "split-running", "status": SplitStatus.RUNNING}
    claimed = claim(
        template.model_copy(update=update),
        records=runtime.records,
        lease_seconds=60,
        now=runtime.now,
    )
    assert isinstance(claimed, Claim)
    return claimed.seen.value, claimed


def error_of(answer: Answer) -> Json:
    """Return what an answer says went wrong."""
    found: Json = json.loads(answer.body)["error"]
    return found


def violations(answer: Answer) -> dict[str, str]:
    """Return everything that was wrong, by its path."""
    return {
        one["field"]: one["description"]
        for detail in error_of(answer)["details"]
        for one in detail["fieldViolations"]
    }
