"""Structured logs: one JSON object a line, in the fields that Cloud Logging understands."""

import json
import logging
import sys
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog
from pydantic_core import to_json

CARRIED = {"request_id", "event_id", "traceparent"}
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}
ENCODER = json.JSONEncoder(default=repr)


def configure(level: str = "info", *, to: TextIO | None = None, readable: bool = False) -> None:
    """Write lines from `level` on; once per process, at its start.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        to: where to; default: standard error.
        readable: for a person at a terminal instead of Cloud Logging.
    """
    lines = structlog.WriteLogger(sys.stderr if to is None else to)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.format_exc_info,
            _as_text if readable else _as_cloud_logging,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS.get(level, logging.ERROR)),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=False,
    )


def _as_cloud_logging(_: Any, level: str, line: MutableMapping[str, Any]) -> str:
    """Write the special fields of the Cloud Logging agent (structured-logging page), and ours."""
    told = {
        "severity": level.upper(),
        "message": line.pop("event"),
        "time": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
    }
    if "exception" in line:
        told["stack_trace"] = line.pop("exception")
    return _as_json({**told, **line})


def _as_json(line: Mapping[str, Any]) -> str:
    try:
        return to_json(line, ensure_ascii=True, fallback=repr).decode()
    except ValueError:  # of half a surrogate pair, as in names of files, and of bytes
        return ENCODER.encode(line)


def _as_text(_: Any, level: str, line: MutableMapping[str, Any]) -> str:
    """Write a time, what happened, and its fields."""
    moment, event = datetime.now().astimezone(), line.pop("event")
    trace = f"\n{line.pop('exception')}" if "exception" in line else ""
    mark = " " if level in {"debug", "info"} else "!"
    fields = "  ".join(f"{name}={value}" for name, value in line.items() if name not in CARRIED)
    return f"{moment:%H:%M:%S} {mark} {event:<20} {fields}{trace}"
