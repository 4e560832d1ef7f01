"""The ingest job: `--split ID`, what a function handed over because of its size."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog

from mlsys.domain.errors import MlsysError
from mlsys.domain.split_records import Split
from mlsys.edge.jobs import read_job_call, stop_on_signals
from mlsys.runtime import Runtime, runtime_from_env
from mlsys.use_cases.follow_up import follow_up
from mlsys.use_cases.split import split_handed_over
from mlsys.use_cases.splitting.workshop import JOB_LIMITS

log = structlog.get_logger()


def main(arguments: Sequence[str]) -> int:
    """Make one split; 0 if it is READY, QUARANTINED or FAILED, 1 if it is to be tried again."""
    call = read_job_call(arguments, job="ingest", what="split", about=__doc__)
    runtime = runtime_from_env()
    stop_on_signals(runtime.stopping)
    try:
        split = handle(call.id, runtime, environment=os.environ, carried=call.carried)
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
