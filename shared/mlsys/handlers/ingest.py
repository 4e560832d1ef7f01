"""The ingest job: `--split ID`, what a function handed over because of its size."""

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog

from mlsys.domain.errors import MlsysError
from mlsys.domain.records import Split
from mlsys.runtime import Runtime, runtime_from_env
from mlsys.use_cases.follow_up import follow_up
from mlsys.use_cases.split import split_handed_over
from mlsys.use_cases.workshop import JOB_LIMITS

log = structlog.get_logger()


def main(arguments: Sequence[str]) -> int:
    """Make one split; 0 if it is READY, QUARANTINED or FAILED, 1 if it is to be tried again."""
    asked = _parser().parse_args(arguments)
    runtime = runtime_from_env()
    options = {"request_id": asked.request_id, "traceparent": asked.traceparent}
    carried = {name: one for name, one in options.items() if one}
    structlog.contextvars.bind_contextvars(split_id=asked.split, **carried)
    signal.signal(signal.SIGTERM, lambda *_: runtime.stopping.set())
    signal.signal(signal.SIGINT, lambda *_: runtime.stopping.set())
    try:
        split = handle(asked.split, runtime, environment=os.environ, carried=carried)
    except MlsysError as error:
        if error.retryable:
            log.warning("ingest.postponed", code=error.code, reason=str(error))
        else:
            log.exception("ingest.failed", code=error.code)
        return 1
    log.info("ingest.ended", status=split.status)
    return 0


def handle(
    split_id: str,
    runtime: Runtime,
    *,
    environment: Mapping[str, str],
    carried: Mapping[str, str],
) -> Split:
    """Read, do, return."""
    workshop = replace(
        runtime.workshop(carried),
        limits=JOB_LIMITS,
        ingestion=None,
        execution_id=environment.get("CLOUD_RUN_EXECUTION"),
    )
    return follow_up(
        split_handed_over(split_id, workshop=workshop),
        records=runtime.records,
        messages=runtime.messages,
        topic=runtime.settings.experiments_topic,
        attributes=carried,
        now=runtime.now(),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ingest", description=__doc__)
    parser.add_argument("--split", required=True, help="id of the split")
    for name in ("--request-id", "--traceparent"):
        parser.add_argument(name, default="", help="carried into every line of the log")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
