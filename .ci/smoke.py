"""Ask a deployment whether it works: `python .ci/smoke.py URL`, of the predict function.

`python .ci/smoke.py url` finds that URL in what `terraform output -json` says.

The identity token that lets in is read from $SMOKE_TOKEN. A prediction is asked for as
$SMOKE_REQUEST says (the JSON of a body), else one of a model that is not there, which is refused
with a remedy.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from typing import Any, NamedTuple

PATIENCE_SECONDS = 120
PAUSE_SECONDS = 2
TIMEOUT_SECONDS = 30
NOBODY = "nobody-has-this-name"
REMEDY = "GET /v1/models"
BUSY = {429, 502, 503}


class Answer(NamedTuple):
    """What was answered; `body` is empty where that was no JSON."""

    status: int
    body: dict[str, Any]


KEPT_BY_CLOUD_RUN = Answer(404, {})


def faults(url: str, token: str, wanted: str) -> list[str]:
    """Ask three questions, and say what was answered wrong."""
    told = []
    ready = _patiently(url, "/readyz", token)
    if ready == KEPT_BY_CLOUD_RUN:
        print("/readyz was not asked: Cloud Run keeps paths that end with z for itself")
    elif ready.status != 200:  # noqa: PLR2004
        told.append(f"/readyz answered {ready}")
    version = _ask(url, "/version", token)
    if version.status != 200 or "commit" not in version.body:  # noqa: PLR2004
        told.append(f"/version answered {version}")
    print(f"version: {version.body}")

    body = wanted or json.dumps({"model": NOBODY, "instances": [{}]})
    answer = _ask(url, "/v1/predict", token, body)
    if not (_predicts(answer) if wanted else _refuses(answer)):
        told.append(f"/v1/predict answered {answer}")
    return told


def _predicts(answer: Answer) -> bool:
    return answer.status == 200 and bool(answer.body.get("predictions"))  # noqa: PLR2004


def _refuses(answer: Answer) -> bool:
    return answer.status == 404 and REMEDY in json.dumps(answer.body)  # noqa: PLR2004


def _patiently(url: str, path: str, token: str) -> Answer:
    """Ask again while nobody is there or somebody is busy: a revision may just be starting."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            answer = _ask(url, path, token)
        except urllib.error.URLError as error:
            answer = Answer(0, {"error": str(error.reason)})
        if answer.status not in BUSY | {0} or time.monotonic() > deadline:
            return answer
        time.sleep(PAUSE_SECONDS)


def _ask(url: str, path: str, token: str, body: str | None = None) -> Answer:
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(  # noqa: S310  # who runs this says where
        f"{url.rstrip('/')}{path}", body.encode() if body else None, headers
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            return Answer(answer.status, _parsed(answer.read()))
    except urllib.error.HTTPError as error:
        return Answer(error.code, _parsed(error.read()))


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(content)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


if __name__ == "__main__":
    if sys.argv[1] == "url":
        print(json.load(sys.stdin)["platform"]["value"]["urls"]["predict"])
        sys.exit()
    wrong = faults(
        sys.argv[1], os.environ.get("SMOKE_TOKEN", ""), os.environ.get("SMOKE_REQUEST", "")
    )
    print("\n".join(wrong) or "it works")
    sys.exit(1 if wrong else 0)
