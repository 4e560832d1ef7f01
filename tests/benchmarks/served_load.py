"""How quickly a running server answers: `wrk` asks, or where it cannot a client of our own."""

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.callers import Check, closed_loop, request_of
from tests.benchmarks.contestants import Contestant
from tests.benchmarks.served_figures import Figures
from tests.benchmarks.served_model import ASKED_ROWS, ServedModel
from tests.benchmarks.served_processes import Server

SCRIPT = Path(__file__).with_name("post.lua")


@dataclass(frozen=True)
class Pace:
    """Of one run in a closed loop; `errors` are answers but 200, and connections that broke.

    The processor time of the server is what counts on a machine that others use, too.
    """

    p50_ms: float
    per_second: float
    cpu_ms: float
    errors: int


@dataclass(frozen=True)
class Asking:
    """A kind of load."""

    rows: int
    connections: int


ALONE = Asking(rows=1, connections=1)
SATURATING = (Asking(rows=1, connections=8), Asking(rows=ASKED_ROWS, connections=8))
FIGURES: tuple[tuple[Asking, str, str, int, Callable[[Pace], float]], ...] = (
    (ALONE, "p50 in ms", "p50 ms", 3, lambda pace: pace.p50_ms),
    *((one, "requests/s", "req/s", 0, lambda pace: pace.per_second) for one in SATURATING),
    *(
        (one, "ms of the server's processor a request", "CPU ms", 3, lambda pace: pace.cpu_ms)
        for one in SATURATING
    ),
)


def warm(
    servers: Sequence[Server], model: ServedModel, *, repeats: int, seconds: float
) -> list[Figures]:
    """Load servers that stand side by side, one at a time, again and again; say their errors."""
    askings = (ALONE, *SATURATING)
    paces: dict[tuple[Asking, str], list[Pace]] = {}
    for _ in range(1 + repeats):
        for server in servers:
            for asking in askings:
                pace = pace_of(server, model, asking, seconds=seconds)
                paces.setdefault((asking, server.contestant.name), []).append(pace)
    for (asking, name), runs in paces.items():
        if errors := sum(one.errors for one in runs):
            print(f"{name}: {errors} ERRORS, {asking}")
    return [
        Figures(
            f"{asking.rows} row(s), {asking.connections} connection(s): {what}",
            f"{asking.rows} by {asking.connections}: {column}",
            digits,
            {
                one.contestant.name: [pick(pace) for pace in paces[asking, one.contestant.name][1:]]
                for one in servers
            },
        )
        for asking, what, column, digits, pick in FIGURES
    ]


def pace_of(server: Server, model: ServedModel, asking: Asking, *, seconds: float) -> Pace:
    """Load one server; `wrk` knows no fractions of seconds."""
    by_wrk = shutil.which("wrk") is not None and float(seconds).is_integer()
    ask = _ask_by_wrk if by_wrk else _ask
    before = server.cpu_seconds()
    run = ask(server, model, asking, seconds)
    cpu_ms = (server.cpu_seconds() - before) * 1000 / max(run.good, 1)
    return Pace(run.p50_ms, run.good / run.seconds, cpu_ms, run.errors)


def check_of(contestant: Contestant, model: ServedModel, rows: int) -> Check:
    """Say whether an answer to so many rows is right."""
    return lambda status, answer: contestant.is_right(status, answer, model, rows)


@dataclass(frozen=True)
class _Run:
    good: int
    seconds: float
    p50_ms: float
    errors: int


def _ask_by_wrk(server: Server, model: ServedModel, asking: Asking, seconds: float) -> _Run:
    contestant, file = server.contestant, server.log.with_suffix(".body")
    file.write_bytes(contestant.body(model, asking.rows))
    command = [
        *("wrk", "--threads", "1", "--connections", str(asking.connections)),
        *("--duration", f"{seconds:.0f}s", "--timeout", "30s", "--script", str(SCRIPT)),
        *(f"http://127.0.0.1:{server.port}", "--", contestant.path, str(file)),
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    told = json.loads(said.splitlines()[-1])
    good = told["requests"] - told["bad_statuses"]
    errors = told["bad_statuses"] + told["broken"]
    return _Run(good, told["microseconds"] / 1e6, told["p50"] / 1000, errors)


def _ask(server: Server, model: ServedModel, asking: Asking, seconds: float) -> _Run:
    contestant = server.contestant
    answers = closed_loop(
        server.port,
        request_of(contestant.path, contestant.body(model, asking.rows)),
        check_of(contestant, model, asking.rows),
        connections=asking.connections,
        seconds=seconds,
    )
    errors = answers.refused + answers.failed
    return _Run(answers.good, answers.seconds, answers.percentile_ms(50), errors)
