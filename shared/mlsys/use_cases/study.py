"""The study job: claim the experiment, search, refit, test once, register."""

from threading import Event

import structlog
from optuna.trial import TrialState

from mlsys.domain.errors import Corrupt, InvalidInput, LostRace, NotFound
from mlsys.domain.experiment_records import Experiment, ExperimentStatus
from mlsys.domain.messages import ExperimentRequest, Objective
from mlsys.domain.model_records import Measure, ModelVersion, VersionStatus
from mlsys.domain.records import Failure
from mlsys.repositories.experiments import EXPERIMENTS
from mlsys.repositories.models import MODEL_VERSIONS
from mlsys.use_cases.experiments import check_request
from mlsys.use_cases.leading.closing import end_cancelled
from mlsys.use_cases.leading.ends import End
from mlsys.use_cases.leading.interruption import Interruption
from mlsys.use_cases.leading.lead import House, Lead, Worker, claim_lead, leader_is_ours
from mlsys.use_cases.leading.settling import counted, has_completed, settle
from mlsys.use_cases.searching.packing import packing_of
from mlsys.use_cases.searching.search import Search, search
from mlsys.use_cases.training.material import Training, prepare
from mlsys.use_cases.training.objective import objectives_of
from mlsys.use_cases.training.registering import (
    copy_beside_experiment,
    promote_if_asked,
    reserve_version,
    store_files,
)
from mlsys.use_cases.training.verdict import crown

log = structlog.get_logger()

STOPWATCH: Objective = "latency"


def run_study(experiment_id: str, *, worker: Worker, house: House, stop: Event) -> Experiment:
    """Do this process's share of a study; its first task also ends it.

    Whoever dies can be started again: finished trials stay, unfinished ones are taken over, and
    the study ends with exactly `n_trials` of them. A second execution of the same experiment sees
    that the first one lives, and leaves; or that it does not, and takes over.

    Args:
        experiment_id: as recorded by the launcher.
        worker: this process.
        house: where to read and write.
        stop: set on SIGTERM; running trials are then given back at once.

    Returns:
        The experiment as it stands when this process is done with it.

    Raises:
        NotFound: there is no such experiment.
        Conflict: another attempt took over.

    """
    experiment = EXPERIMENTS.get(experiment_id, records=house.records).value
    if experiment.status.final:
        return experiment
    with Interruption(experiment_id, worker=worker, house=house) as interruption:
        if worker.task > 0:
            if leader_is_ours(experiment_id, worker=worker, house=house, stop=stop):
                training = _prepared(experiment, worker=worker, house=house)
                search(
                    experiment,
                    training,
                    packing_of(training, tasks=worker.tasks),
                    worker=worker,
                    house=house,
                    stop=stop,
                    interrupted=interruption.why,
                )
        else:
            lead = claim_lead(experiment_id, worker=worker, house=house, stop=stop)
            if lead is not None:
                _lead(experiment, lead, worker=worker, stop=stop, interruption=interruption)
    return EXPERIMENTS.get(experiment_id, records=house.records).value


def _lead(
    experiment: Experiment,
    lead: Lead,
    *,
    worker: Worker,
    stop: Event,
    interruption: Interruption,
) -> None:
    """Search with the others, and end the study; a lost lease ends this process's share."""
    house = lead.house
    with lead.lease.heartbeat(lost=stop):
        try:
            is_first = experiment.started_at is None
            started = {
                "status": ExperimentStatus.RUNNING,
                "started_at": experiment.started_at or house.now(),
                "workers": worker.tasks,
            }
            experiment = lead.change(started)
            version = _registered(experiment, house)
            if version is None:
                training = _prepared(experiment, worker=worker, house=house)
                packing = packing_of(training, tasks=worker.tasks)
                lead.change(
                    {
                        "metric_name": training.metric.name,
                        "maximize": training.metric.maximize,
                        "trials_at_once": packing.trials_at_once,
                        "threads": packing.threads,
                        "calibration_seconds": packing.calibration_seconds,
                        "deterministic": is_first
                        and worker.tasks * packing.trials_at_once == 1
                        and STOPWATCH not in objectives_of(training),
                    }
                )
                found = search(
                    experiment,
                    training,
                    packing,
                    worker=worker,
                    house=house,
                    stop=stop,
                    interrupted=interruption.why,
                )
                if found.outcome.end is End.STOPPED:
                    lead.change({"trials": counted(found.study)})
                    return
                settle(found.study, found.outcome.end, lead=lead, worker=worker, stop=stop)
                if found.outcome.end is End.CANCELLED and not has_completed(found.study):
                    end_cancelled(experiment.id, records=house.records, now=house.now)
                    return
                version = _register(training, found, lead)
            _finish(version, lead)
        except LostRace as error:
            log.info("study.overtaken", experiment_id=experiment.id, reason=str(error))
        except (InvalidInput, NotFound, Corrupt) as error:
            failure = Failure.of(error)
            status = ExperimentStatus.FAILED
            lead.change({"status": status, "failure": failure, "finished_at": house.now()})
            log.warning("experiment.failed", experiment_id=experiment.id, code=error.code)


def _prepared(experiment: Experiment, *, worker: Worker, house: House) -> Training:
    request = ExperimentRequest.model_validate(experiment.request)
    accepted = check_request(request, records=house.records)
    return prepare(
        request,
        accepted.split,
        earlier=accepted.earlier,
        objects=house.objects,
        threads=worker.threads,
    )


def _register(training: Training, found: Search, lead: Lead) -> ModelVersion:
    """Refit and judge the best trial, and make it a version that is READY."""
    if found.outcome.end is End.FAILING:
        raise InvalidInput(
            f"trials failed one after the other: {found.outcome.failure or 'see them'}"
        )
    values = {one.number: one.values[0] for one in found.trials if one.state is TrialState.COMPLETE}
    if not values:
        failure = f": {found.outcome.failure}" if found.outcome.failure else ""
        raise InvalidInput(f"none of {len(found.trials)} trials was completed{failure}")
    sign = -1 if training.metric.maximize else 1
    number = min(values, key=lambda number: (sign * values[number], number))
    winner = crown(training, found.trials[number], found.trials)
    best = winner.best

    house = lead.house
    version = lead.repeat(lambda: reserve_version(lead.experiment_id, training, best, lead=lead))
    files = store_files(
        version,
        winner,
        training,
        bucket=house.artifacts_bucket,
        objects=house.objects,
        now=house.now(),
    )
    ready = version.model_copy(
        update={
            "status": VersionStatus.READY,
            "files": files,
            "val": Measure(name=training.metric.name, value=best.value),
            "test": winner.verdict.test,
        }
    )
    findings = {
        "best_trial": best,
        "baselines": winner.verdict.baselines,
        "test": winner.verdict.test,
        "warnings": [*winner.verdict.warnings, *_left_out(training), *training.first.notes],
        "registered_at": house.now(),
    }
    lead.change(findings, version=ready, unless_unwanted=True)
    log.info("model.registered", experiment_id=lead.experiment_id, model_id=ready.id)
    return ready


def _finish(version: ModelVersion, lead: Lead) -> None:
    """Copy the files, promote if that was asked for and nobody cancelled, and write down the end.

    Since the version was registered, no cancel is recorded any more: what stands here is all.
    """
    house = lead.house
    copy_beside_experiment(version, bucket=house.artifacts_bucket, objects=house.objects)
    experiment = EXPERIMENTS.get(lead.experiment_id, records=house.records).value
    cancelled = experiment.cancellation is not None
    status = ExperimentStatus.CANCELLED if cancelled else ExperimentStatus.SUCCEEDED
    wish = None if cancelled else ExperimentRequest.model_validate(experiment.request).auto_promote
    promotion = promote_if_asked(version.id, wish, records=house.records, now=house.now)
    lead.change(
        {"status": status, "promotion": promotion, "finished_at": house.now()},
        version=version.model_copy(update={"promotion": promotion}),
    )
    log.info(
        "experiment.ended", experiment_id=lead.experiment_id, status=status, model_id=version.id
    )


def _registered(experiment: Experiment, house: House) -> ModelVersion | None:
    """Return the version that an earlier attempt made READY."""
    if experiment.model_id is None:
        return None
    version = MODEL_VERSIONS.get(experiment.model_id, records=house.records).value
    return version if version.status is VersionStatus.READY else None


def _left_out(training: Training) -> list[str]:
    return [f"column {one.name!r} is left out: {one.reason}" for one in training.plan.left_out]
