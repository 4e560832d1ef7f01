"""The benchmark of servers runs, and measures nobody who is missing or wrong."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from mlsys.domain.choices import ModelType
from tests.benchmarks.callers import Answers, closed_loop, open_loop, request_of
from tests.benchmarks.contestants import (
    ASGI,
    BARE,
    FLASK,
    MLFLOW,
    OURS,
    OURS_CLOUD,
    Contestant,
    Places,
)
from tests.benchmarks.served_load import SATURATING, pace_of
from tests.benchmarks.served_model import ServedModel, served_model
from tests.benchmarks.served_processes import NotServed, served
from tests.cloud.serving import serving

HERE = Path(sys.prefix)
CORE = min(os.sched_getaffinity(0))
TINY = "--libraries lightgbm --rows 400 --trees 3 --repeats 1 --seconds 0.2 --soak 0.2"
STATUSES = (200, 429, 500)


@pytest.fixture(scope="module")
def model() -> ServedModel:
    return served_model(ModelType.LIGHTGBM, rows=400, trees=3)


@pytest.fixture
def constant(tmp_path: Path) -> Contestant:
    """The constant function on Flask."""
    flask, *_ = Places(HERE, HERE, tmp_path / "home", None, tmp_path).constants()
    return flask


@pytest.fixture
def answers(model: ServedModel, tmp_path: Path) -> Callable[[Contestant], float]:
    """Start somebody, and say after how many seconds a row is answered."""

    def answered_after(contestant: Contestant) -> float:
        with served(contestant, tmp_path / "log", core=CORE) as server:
            return server.answered_after(model, rows=1)

    return answered_after


@pytest.mark.emulator
@pytest.mark.usefixtures("firestore_emulator")
def test_ours_is_measured_beside_the_constant_in_all_parts() -> None:
    names = [OURS_CLOUD, ASGI]
    options = [*TINY.split(), "--soaked", names[0], "--only", *names]
    command = [sys.executable, "-m", "tests.benchmarks.serving", *options]

    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    figures_of_starts, figures_of_warmth, overloads = 4 + 2, 5, 2
    for name in names:
        lines = [line for line in said.splitlines() if line.startswith(f"    {name:20} ")]
        assert len(lines) == figures_of_starts + figures_of_warmth + overloads
    assert "left out" not in said
    assert "WRONG" not in said
    assert "in the middle" in said
    assert f"| {names[0]} |" in said


def test_who_is_not_installed_is_left_out_and_said(
    model: ServedModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = Places(HERE, tmp_path / "no such place", tmp_path / "home", {}, tmp_path)

    found = {one.name for one in places.contestants(model)}
    some = places.contestants(model, only=[FLASK])

    said = capsys.readouterr().out
    assert [one.name for one in some] == [FLASK]
    assert {OURS, FLASK, ASGI, BARE} <= found
    assert f"{OURS_CLOUD}: left out, there is no {tmp_path}" in said
    assert (MLFLOW in found) != (f"{MLFLOW}: left out" in said)


def test_who_answers_something_else_is_not_measured(
    constant: Contestant, answers: Callable[[Contestant], float]
) -> None:
    wrong = replace(constant, scores=lambda answer: [one + 1 for one in answer["predictions"]])

    assert answers(constant) > 0
    with pytest.raises(NotServed, match="200"):
        answers(wrong)


def test_who_does_not_start_is_not_measured(
    constant: Contestant, answers: Callable[[Contestant], float]
) -> None:
    broken = replace(constant, arguments=("-c", "raise SystemExit('no licence')"))

    with pytest.raises(NotServed, match="no licence"):
        answers(broken)


def test_a_server_that_ended_has_told_what_it_took(
    constant: Contestant, model: ServedModel, tmp_path: Path
) -> None:
    with served(constant, tmp_path / "log", core=CORE) as server:
        server.answered_after(model, rows=1)
        memory = server.memory()

        seconds = server.end()

    assert 0 < memory.pss <= memory.peak
    assert seconds > 0


@pytest.mark.parametrize("client", ["wrk", "ours"])
def test_each_client_tells_the_pace(
    client: str,
    constant: Contestant,
    model: ServedModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if client == "ours":
        monkeypatch.setenv("PATH", str(tmp_path))
    elif shutil.which("wrk") is None:
        pytest.skip("there is no wrk")

    with served(constant, tmp_path / "log", core=CORE) as server:
        server.answered_after(model, rows=1)
        pace = pace_of(server, model, SATURATING[0], seconds=1)

    assert pace.per_second > 0
    assert pace.p50_ms > 0
    assert pace.errors == 0


@pytest.mark.parametrize("loop", ["closed", "open"])
def test_answers_are_told_apart(loop: str) -> None:
    statuses = iter(STATUSES * 10_000)

    answers = _asked(loop, lambda: next(statuses), right=True)

    assert answers.good > 0
    assert abs(answers.good - answers.refused) <= 1
    assert abs(answers.refused - answers.failed) <= 1
    assert answers.good == len(answers.delays)
    assert answers.sent == answers.good + answers.refused + answers.failed


def test_a_wrong_answer_has_failed() -> None:
    answers = _asked("closed", lambda: 200, right=False)

    assert answers.good == 0
    assert answers.failed == answers.sent > 0


def _asked(loop: str, status: Callable[[], int], *, right: bool) -> Answers:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await Response("said", status())(scope, receive, send)

    with serving(app) as server:
        port = int(server.url.rpartition(":")[2])
        request, check = request_of("/", b"{}"), lambda _, body: right and body == b"said"
        if loop == "closed":
            return closed_loop(port, request, check, connections=1, seconds=0.2)
        return open_loop(port, request, check, rate=100, connections=1, seconds=0.2)
