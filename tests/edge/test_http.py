"""Answers: routes, errors in Google's form, request ids, one line in the log."""

import json
from http import HTTPStatus
from typing import Any

import pytest
from pydantic import BaseModel
from structlog.testing import capture_logs

from mlsys.domain import errors
from mlsys.edge.http import Answer, Call, Content, Request, Route, Table, respond


class Echo(BaseModel):
    """What a route of this test answers."""

    path: dict[str, str]
    runtime: str


def echo(call: Call, runtime: str) -> Echo:
    return Echo(path=dict(call.path), runtime=runtime)


def fail(call: Call, _: str) -> Echo:
    raise ERRORS[call.path["kind"]]


ERRORS: dict[str, Exception] = {
    "invalid": errors.InvalidInput("age: too old", (errors.Violation("age", "too old"),)),
    "large": errors.TooLarge("too much"),
    "missing": errors.NotFound("no such thing"),
    "exists": errors.AlreadyExists("it is there"),
    "conflict": errors.Conflict("it changed"),
    "lost": errors.LostRace("somebody was quicker"),
    "refused": errors.Refused("m-v2 was not promoted", ("it is worse",)),
    "corrupt": errors.Corrupt("not what was written"),
    "busy": errors.Busy("another is at it"),
    "unavailable": errors.Unavailable("no answer"),
    "unforeseen": ZeroDivisionError("a bug"),
}

ROUTES = (
    Route("GET", "/v1/things/{thing}", echo),
    Route("POST", "/v1/things/{thing}:rename", echo, HTTPStatus.CREATED),
    Route("POST", "/v1/errors/{kind}", fail),
)


def answer(method: str, path: str, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return respond(Table(ROUTES), Request(method, path, headers=named), "the runtime")


def body_of(answered: Answer) -> Any:
    return json.loads(answered.body)


def test_a_route_answers_with_what_stands_in_its_braces() -> None:
    answered = answer("GET", "/v1/things/a-1")

    assert answered.status is HTTPStatus.OK
    assert body_of(answered) == {"path": {"thing": "a-1"}, "runtime": "the runtime"}


def test_a_route_may_end_in_a_verb() -> None:
    assert answer("POST", "/v1/things/a-1:rename").status is HTTPStatus.CREATED


@pytest.mark.parametrize(
    "path", ["/", "/v1/things", "/v1/things/a/b", "/v1/things/", "/V1/things/a"]
)
def test_another_path_is_not_found(path: str) -> None:
    assert body_of(answer("GET", path))["error"]["status"] == "NOT_FOUND"


def test_another_method_is_told_which_ones_there_are() -> None:
    answered = answer("DELETE", "/v1/things/a-1")

    assert answered.status is HTTPStatus.METHOD_NOT_ALLOWED
    assert answered.headers["Allow"] == "GET"


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        ("invalid", 400, "INVALID_ARGUMENT"),
        ("large", 413, "INVALID_ARGUMENT"),
        ("missing", 404, "NOT_FOUND"),
        ("exists", 409, "ALREADY_EXISTS"),
        ("conflict", 409, "ABORTED"),
        ("lost", 409, "ABORTED"),
        ("refused", 412, "FAILED_PRECONDITION"),
        ("corrupt", 500, "DATA_LOSS"),
        ("busy", 503, "UNAVAILABLE"),
        ("unavailable", 503, "UNAVAILABLE"),
    ],
)
def test_an_error_has_its_status_and_its_reason(kind: str, code: int, status: str) -> None:
    answered = answer("POST", f"/v1/errors/{kind}", x_request_id="r-1")

    error = body_of(answered)["error"]
    assert (int(answered.status), error["code"], error["status"]) == (code, code, status)
    assert error["message"] == str(ERRORS[kind])
    assert error["request_id"] == "r-1"


def test_violations_are_listed_as_google_lists_them() -> None:
    [detail] = body_of(answer("POST", "/v1/errors/invalid"))["error"]["details"]

    assert detail["@type"].endswith("google.rpc.BadRequest")
    assert detail["fieldViolations"] == [{"field": "age", "description": "too old"}]


def test_a_refusal_lists_the_reasons_of_its_gates() -> None:
    [detail] = body_of(answer("POST", "/v1/errors/refused"))["error"]["details"]

    assert [one["description"] for one in detail["violations"]] == ["it is worse"]


def test_who_should_try_again_is_told_when() -> None:
    assert "Retry-After" in answer("POST", "/v1/errors/busy").headers
    assert "Retry-After" not in answer("POST", "/v1/errors/missing").headers


def test_what_nobody_foresaw_travels_on() -> None:
    with pytest.raises(ZeroDivisionError):
        answer("POST", "/v1/errors/unforeseen")


def test_a_request_id_is_taken_returned_and_logged() -> None:
    with capture_logs() as lines:
        answered = answer("GET", "/v1/things/a", x_request_id="mine-1")

    assert answered.headers["X-Request-ID"] == "mine-1"
    assert [line["event"] for line in lines] == ["request.answered"]
    assert lines[0]["status"] == 200


@pytest.mark.parametrize("given", ["", "two words", "line\nbreak", "x" * 201])
def test_a_bad_request_id_is_replaced(given: str) -> None:
    made = answer("GET", "/v1/things/a", x_request_id=given).headers["X-Request-ID"]

    assert made != given
    assert len(made) == 32


def test_of_two_routes_of_a_path_the_first_answers() -> None:
    routes = (*ROUTES, Route("GET", "/v1/things/{other}", fail))

    answered = respond(Table(routes), Request("GET", "/v1/things/a"), "the runtime")

    assert body_of(answered)["path"] == {"thing": "a"}


def test_an_answer_need_not_be_json() -> None:
    def page(_: Call, __: str) -> Content:
        return Content("text/html", b"<p>")

    answered = respond(Table([Route("GET", "/page", page)]), Request("GET", "/page"), "")

    assert (answered.body, answered.headers["Content-Type"]) == (b"<p>", "text/html")
    assert "X-Request-ID" in answered.headers


def test_a_route_may_have_an_error_of_its_own_form_with_a_line_for_each_problem() -> None:
    def refuse(call: Call, _: str) -> Echo:
        raise ERRORS[call.path["kind"]]

    def shape(status: HTTPStatus, message: str) -> Echo:
        return Echo(path={"status": status.name}, runtime=message)

    routes = [Route("POST", "/v1/errors/{kind}", refuse, error=shape)]
    answers = {
        kind: respond(Table(routes), Request("POST", f"/v1/errors/{kind}"), "")
        for kind in ("invalid", "missing", "busy")
    }
    wrong_method = respond(Table(routes), Request("GET", "/v1/errors/missing"), "")

    assert [(int(one.status), body_of(one)["runtime"]) for one in answers.values()] == [
        (400, "age: too old"),
        (404, "no such thing"),
        (503, "another is at it"),
    ]
    assert answers["busy"].headers["Retry-After"] == "1"
    assert body_of(wrong_method)["path"] == {"status": "METHOD_NOT_ALLOWED"}
    assert wrong_method.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("text/csv; charset=utf-8", "text/csv"),
        ("Application/JSON", "application/json"),
        ("", ""),
    ],
)
def test_the_type_of_a_body_is_told_without_parameters(given: str, told: str) -> None:
    request = Request("POST", "/", headers={"content-type": given})

    assert Call(request, {}, "r-1", {}).media_type == told


def test_the_log_of_a_refusal_has_no_value_that_was_sent() -> None:
    sent = "jane@example.org"
    wrong = errors.Violation("instances[0].age", f"expected a number, got {sent}")

    def refuse(_: Call, __: str) -> Echo:
        raise errors.InvalidInput(f"{wrong.field}: {wrong.description}", (wrong,))

    with capture_logs() as lines:
        answer = respond(
            Table([Route("POST", "/v1/predict", refuse)]), Request("POST", "/v1/predict"), ""
        )

    [refused] = [line for line in lines if line["event"] == "request.rejected"]
    assert sent.encode() in answer.body
    assert refused["reason"] == "1 violation(s): instances[0].age"
    assert sent not in str(lines)
