"""A job's task for tests: `task.py FOLDER BEHAVIOUR...`; each attempt leaves a file in FOLDER."""

import json
import os
import signal
import sys
import time
from pathlib import Path


def main(behaviour: str, *rest: str) -> None:
    """Do as told: write, fail [INDEX], flaky UNTIL, sleep, stubborn."""
    index, attempt = _place()
    signal.signal(signal.SIGTERM, _obstinate if behaviour == "stubborn" else _obedient)
    environment = dict(os.environ)
    _leave("started", {"pid": os.getpid(), "arguments": sys.argv[1:], "environment": environment})
    if behaviour == "fail" and index in {*rest, index if not rest else ""}:
        sys.exit("failing on purpose")
    if behaviour == "flaky" and int(rest[0]) > int(attempt):
        sys.exit(4)
    if behaviour in {"sleep", "stubborn"}:
        time.sleep(60)


def _obedient(*_: object) -> None:
    _leave("terminated", {})
    sys.exit(0)


def _obstinate(*_: object) -> None:
    _leave("terminated", {})


def _leave(what: str, found: dict[str, object]) -> None:
    name = "-".join([what, *_place()])
    beside = Path(sys.argv[1]) / f".{name}"
    beside.write_text(json.dumps(found), encoding="utf-8")
    beside.rename(beside.with_name(f"{name}.json"))


def _place() -> tuple[str, str]:
    """Return which task this is, and at which attempt."""
    return os.environ["CLOUD_RUN_TASK_INDEX"], os.environ["CLOUD_RUN_TASK_ATTEMPT"]


if __name__ == "__main__":
    main(*sys.argv[2:])
