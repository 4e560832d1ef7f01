"""More than a server can do, for seconds, and most of what it can do, for minutes."""

import time
from collections.abc import Sequence

from tests.benchmarks.callers import Answers, open_loop, request_of
from tests.benchmarks.served_load import SATURATING, Asking, check_of, pace_of
from tests.benchmarks.served_model import ServedModel
from tests.benchmarks.served_processes import NotServed, Server

OVERLOAD = 4
SOAK = 0.8
CONNECTIONS = 512
SOAK_PARTS = 10


def print_overload(servers: Sequence[Server], model: ServedModel, *, seconds: float) -> None:
    """Ask four times what saturates each, at a steady rate, whatever it answers."""
    print(
        f"\n{model.name}, overload: {OVERLOAD} times what saturates, an open loop of {seconds:g} s "
        f"over at most {CONNECTIONS} connections"
    )
    for asking in SATURATING:
        print(f"  {asking.rows} row(s) a request")
        for server in servers:
            most = _most(server, model, asking, seconds=seconds)
            busy = time.process_time()
            answers = _open_loop(server, model, asking, rate=most * OVERLOAD, seconds=seconds)
            busy = time.process_time() - busy
            print(
                f"    {server.contestant.name:20} saturated by {most:.0f}/s: {_told(answers)}, "
                f"good {answers.good / answers.seconds / most:.2f} of that; "
                f"the client was busy for {busy / answers.seconds:.0%}{_afterwards(server, model)}",
                flush=True,
            )


def print_soak(server: Server, model: ServedModel, *, seconds: float) -> None:
    """Ask for long what is most of what saturates, and watch errors and memory."""
    asking = SATURATING[0]
    part = max(seconds / SOAK_PARTS, min(seconds, 1))
    rate = _most(server, model, asking, seconds=part) * SOAK
    print(
        f"\n{model.name}, soak: {server.contestant.name}, {rate:.0f}/s ({SOAK:.0%}), {seconds:g} s"
    )
    before, weights = server.memory().pss, []
    refused = failed = unsent = 0
    for number in range(round(seconds / part)):
        answers = _open_loop(server, model, asking, rate=rate, seconds=part)
        weights.append(server.memory().pss)
        refused += answers.refused
        failed += answers.failed
        unsent += answers.unsent
        print(
            f"  to {part * (number + 1):g} s: {weights[-1]:.1f} MiB, {_told(answers)}", flush=True
        )
    print(
        f"  MiB (PSS) before it {before:.1f}, after the first part {weights[0]:.1f}, "
        f"in the middle {weights[len(weights) // 2]:.1f}, at the end {weights[-1]:.1f}, "
        f"at most {max(weights):.1f}\n  {failed} errors, {refused} refused, {unsent} for which no "
        f"connection was free{_afterwards(server, model)}"
    )


def _most(server: Server, model: ServedModel, asking: Asking, *, seconds: float) -> float:
    """How many requests a second the server answers when it has nothing else to do."""
    return max(pace_of(server, model, asking, seconds=seconds).per_second, 1.0)


def _open_loop(
    server: Server, model: ServedModel, asking: Asking, *, rate: float, seconds: float
) -> Answers:
    contestant = server.contestant
    return open_loop(
        server.port,
        request_of(contestant.path, contestant.body(model, asking.rows)),
        check_of(contestant, model, asking.rows),
        rate=rate,
        connections=CONNECTIONS,
        seconds=seconds,
    )


def _told(answers: Answers) -> str:
    due = max(answers.due, 1)
    return (
        f"of {due} due 200 {answers.good / due:.1%}, 429 {answers.refused / due:.1%}, "
        f"failed {answers.failed / due:.1%}, no connection free {answers.unsent / due:.1%}; "
        f"p50 {answers.percentile_ms(50):.1f} ms, p99 {answers.percentile_ms(99):.1f} ms"
    )


def _afterwards(server: Server, model: ServedModel) -> str:
    """Ask once more."""
    try:
        server.answered_after(model, rows=1)
    except NotServed as error:
        return f"; WRONG AFTERWARDS: {error}"
    return ""
