"""Structured logs: one JSON object a line, in the fields that Cloud Logging understands."""

import json
import logging
import sys
from collections.abc import MutableMapping
from datetime import datetime
from typing import Any, TextIO

import structlog

CARRIED = {"request_id", "event_id", "traceparent"}
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}


def configure(level: str = "info", *, to: TextIO | None = None, readable: bool = False) -> None:
    """Write lines from `level` on; once per process, at its start.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        to: where to; default: standard error.
        readable: for a person at a terminal instead of Cloud Logging.
    """
    for_whom = (_as_cloud_logging, structlog.processors.JSONRenderer(_json))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *((_as_text,) if readable else for_whom),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS.get(level, logging.ERROR)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr if to is None else to),
        cache_logger_on_first_use=False,
    )


def _json(line: Any, **_: Any) -> str:
    return _ENCODER.encode(line)


_ENCODER = json.JSONEncoder(default=repr)


def _as_cloud_logging(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Rename to the special fields of the Cloud Logging agent (structured-logging page)."""
    line["severity"] = line.pop("level").upper()
    line["message"] = line.pop("event")
    line["time"] = line.pop("timestamp")
    if "exception" in line:
        line["stack_trace"] = line.pop("exception")
    return line


def _as_text(_: Any, __: str, line: MutableMapping[str, Any]) -> str:
    """Write a time, what happened, and its fields."""
    moment = datetime.fromisoformat(line.pop("timestamp")).astimezone()
    level, event = line.pop("level"), line.pop("event")
    trace = f"\n{line.pop('exception')}" if "exception" in line else ""
    mark = " " if level in {"debug", "info"} else "!"
    fields = "  ".join(f"{name}={value}" for name, value in line.items() if name not in CARRIED)
    return f"{moment:%H:%M:%S} {mark} {event:<20} {fields}{trace}"
