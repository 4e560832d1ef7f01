"""The study job: `--experiment ID`, one process per task of a Cloud Run Job execution."""

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from threading import Event
from uuid import uuid4

import structlog

from mlsys.domain.costs import usd_per_second
from mlsys.domain.errors import MlsysError
from mlsys.domain.experiment_records import Experiment
from mlsys.domain.learners.lean import import_lean
from mlsys.runtime import Runtime, runtime_from_env
from mlsys.use_cases.leading import House, Worker
from mlsys.use_cases.study import run_study

log = structlog.get_logger()


def main(arguments: Sequence[str]) -> int:
    """Run this process's share of a study; 0 if nothing is left for it to do."""
    asked = _parser().parse_args(arguments)
    import_lean()
    runtime = runtime_from_env()
    structlog.contextvars.bind_contextvars(experiment_id=asked.experiment)
    carried = {"request_id": asked.request_id, "traceparent": asked.traceparent}
    structlog.contextvars.bind_contextvars(**{name: one for name, one in carried.items() if one})
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        experiment = handle(asked.experiment, runtime, environment=os.environ, stop=stop)
    except MlsysError as error:
        log.exception("study.failed", code=error.code)
        return 1
    unfinished = stop.is_set() and not experiment.status.final
    log.info("study.ended", status=experiment.status, stopped=unfinished)
    return 1 if unfinished else 0


def handle(
    experiment_id: str, runtime: Runtime, *, environment: Mapping[str, str], stop: Event
) -> Experiment:
    """Read, do, return."""
    tasks = int(environment.get("CLOUD_RUN_TASK_COUNT", "1"))
    settings = runtime.settings
    cores = len(os.sched_getaffinity(0))
    together = tasks if settings.backend == "local" else 1
    worker = Worker(
        execution_id=environment.get("CLOUD_RUN_EXECUTION", f"by-hand-{uuid4().hex[:8]}"),
        task=int(environment.get("CLOUD_RUN_TASK_INDEX", "0")),
        tasks=tasks,
        threads=settings.threads or max(1, cores // together),
        lease_seconds=settings.lease_seconds,
        usd_per_second=usd_per_second(
            cpus=settings.study_cpus or cores,
            memory_gib=settings.study_memory_gib or _machine_memory_gib(),
            region=settings.region,
        ),
    )
    house = House(
        records=runtime.records,
        objects=runtime.objects,
        artifacts_bucket=runtime.settings.artifacts_bucket,
        now=runtime.now,
    )
    return run_study(experiment_id, worker=worker, house=house, stop=stop)


def _machine_memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="study", description=__doc__)
    parser.add_argument("--experiment", required=True, help="id of the experiment")
    for name in ("--request-id", "--traceparent"):
        parser.add_argument(name, default="", help="carried into every line of the log")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
