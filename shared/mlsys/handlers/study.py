"""The study job: `--experiment ID`, one process per task of a Cloud Run Job execution."""

import os
import sys
from collections.abc import Mapping, Sequence
from threading import Event
from uuid import uuid4

import structlog

from mlsys.domain.costs import usd_per_second
from mlsys.domain.errors import MlsysError
from mlsys.domain.experiment_records import Experiment
from mlsys.domain.learners.lean import import_lean
from mlsys.edge.jobs import read_job_call, stop_on_signals
from mlsys.runtime import Runtime, runtime_from_env
from mlsys.use_cases.leading.lead import House, Worker
from mlsys.use_cases.study import run_study

log = structlog.get_logger()


def main(arguments: Sequence[str]) -> int:
    """Run this process's share of a study; 0 if nothing is left for it to do."""
    call = read_job_call(arguments, job="study", what="experiment", about=__doc__)
    import_lean()
    runtime = runtime_from_env()
    stop = Event()
    stop_on_signals(stop)
    try:
        experiment = handle(call.id, runtime, environment=os.environ, stop=stop)
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
    task = int(environment.get("CLOUD_RUN_TASK_INDEX", "0"))
    tasks = int(environment.get("CLOUD_RUN_TASK_COUNT", "1"))
    settings = runtime.settings
    cores = len(os.sched_getaffinity(0))
    together = tasks if settings.backend == "local" else 1
    worker = Worker(
        execution_id=environment.get("CLOUD_RUN_EXECUTION", f"by-hand-{uuid4().hex[:8]}"),
        task=task,
        tasks=tasks,
        threads=settings.threads or _share_of(cores, task=task, tasks=together),
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


def _share_of(cores: int, *, task: int, tasks: int) -> int:
    """Give out the cores of a machine among the tasks on it; the first ones get what is over."""
    return max(1, cores // tasks + (task < cores % tasks))


def _machine_memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
