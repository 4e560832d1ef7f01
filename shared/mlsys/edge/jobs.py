"""How a job is called, and told to stop."""

import argparse
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event

import structlog


@dataclass(frozen=True)
class JobCall:
    """What a job works on, and what there is of `request_id` and `traceparent` to carry on."""

    id: str
    carried: dict[str, str]


def read_job_call(arguments: Sequence[str], *, job: str, what: str, about: str | None) -> JobCall:
    """Read the command line of `job`, and carry on into the log what it says.

    Args:
        arguments: `--{what} ID`, and maybe `--request-id=` and `--traceparent=`.
        job: its name, for people.
        what: the kind of thing that it works on.
        about: what it does, for people.

    Raises:
        SystemExit: the command line is wrong, which is said on stderr; or asks for help.
    """
    parser = argparse.ArgumentParser(prog=job, description=about)
    parser.add_argument(f"--{what}", required=True, dest="id", help=f"id of the {what}")
    for name in ("--request-id", "--traceparent"):
        parser.add_argument(name, default="", help="carried into every line of the log")
    asked = parser.parse_args(arguments)
    options = {"request_id": asked.request_id, "traceparent": asked.traceparent}
    call = JobCall(asked.id, {name: text for name, text in options.items() if text})
    structlog.contextvars.bind_contextvars(**{f"{what}_id": call.id}, **call.carried)
    return call


def stop_on_signals(stop: Event) -> None:
    """Set `stop` when this process is to end: it then gives back what it holds."""
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
