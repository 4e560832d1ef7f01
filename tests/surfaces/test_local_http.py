"""The local platform over HTTP: what is malformed, too large or unforeseen is said so."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlsys.dev.platform import UPLOADS, Platform
from tests.surfaces.platforms import call, splits

EVENT = {
    "content-type": "application/json",
    "ce-id": "e-1",
    "ce-source": UPLOADS.source,
    "ce-specversion": "1.0",
    "ce-type": UPLOADS.type,
}


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSYS_LOG_LEVEL", "error")


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform into which nothing is dropped."""
    with Platform(tmp_path_factory.mktemp("idle")) as running:
        yield running


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"{}"),
        ({key: value for key, value in EVENT.items() if key != "ce-id"}, b"{}"),
        ({**EVENT, "ce-specversion": "9"}, b"{}"),
        ({"content-type": "application/cloudevents+json"}, b"[1]"),
        ({"content-type": "application/cloudevents+json"}, b"3"),
        ({"content-type": "application/cloudevents+json"}, b"null"),
        ({"content-type": "application/cloudevents+json"}, b'{"specversion": "1.0"}'),
    ],
)
def test_what_is_no_event_is_refused(idle: Platform, headers: dict[str, str], body: bytes) -> None:
    assert call(idle, "POST", "/events/split", body, headers)[0] == 400


@pytest.mark.parametrize(
    "body",
    [
        b"{broken",
        b"\xff\xfe",
        b"[]",
        b"3",
        b'"text"',
        b"null",
        b'{"bucket": 3}',
        b'{"bucket": "uploads"}',
    ],
)
def test_an_event_that_will_never_fit_is_acknowledged_and_does_nothing(
    idle: Platform, body: bytes
) -> None:
    assert call(idle, "POST", "/events/split", body, EVENT)[0] == 204
    assert call(idle, "POST", "/events/launch", body, EVENT)[0] == 204
    assert splits(idle) == []


def test_there_is_no_event_handler_of_another_name(idle: Platform) -> None:
    assert call(idle, "POST", "/events/nope", b"{}", EVENT)[0] == 404


def test_what_was_not_foreseen_is_a_500_in_the_documented_form(tmp_path: Path) -> None:
    with broken(tmp_path) as platform:
        answers = [
            call(platform, "GET", "/v1/splits", headers={"x-request-id": given})
            for given in ("r-1", "", "no\tid", "x" * 300)
        ]

        assert call(platform, "GET", "/healthz")[0] == 200
    for status, body, headers in answers:
        error = body["error"]
        assert (status, error["code"], error["status"]) == (500, 500, "INTERNAL")
        assert headers["content-type"] == "application/json"
        assert headers["x-request-id"] == error["request_id"]
        assert "divide" not in json.dumps(body)
    ids = [body["error"]["request_id"] for _, body, _ in answers]
    assert ids[0] == "r-1"
    assert all(re.fullmatch("[0-9a-f]{32}", id) for id in ids[1:])


def test_an_event_that_met_something_unforeseen_comes_again(tmp_path: Path) -> None:
    data = json.dumps({"bucket": "uploads", "name": "toys/t.csv", "generation": "1"}).encode()

    with broken(tmp_path) as platform:
        assert call(platform, "POST", "/events/split", data, EVENT)[0] == 500


def broken(home: Path) -> Platform:
    """Return a platform whose records fail as nobody foresaw."""

    class Broken:
        def __getattr__(self, name: str) -> Any:
            raise ZeroDivisionError(f"cannot divide {name}")

    platform = Platform(home)
    vars(platform.runtime)["records"] = Broken()
    return platform


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/experiments"])
@pytest.mark.parametrize("mebibytes", [9, 40])
def test_a_body_over_the_limit_is_refused_and_the_answer_arrives(
    idle: Platform, path: str, mebibytes: int
) -> None:
    status, body, _ = call(idle, "POST", path, b" " * (mebibytes * 2**20))

    assert status == 413
    assert body["error"]["status"] == "INVALID_ARGUMENT"
