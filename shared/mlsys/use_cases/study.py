"""The study job: claim the experiment, search, refit, test once, register."""

from dataclasses import dataclass
from threading import Event

import optuna
import structlog
from optuna.trial import FrozenTrial, TrialState

from mlsys.domain.errors import Corrupt, InvalidInput, NotFound
from mlsys.domain.messages import ExperimentRequest, OptunaConfig
from mlsys.domain.model_records import ModelVersion, VersionStatus
from mlsys.domain.records import Experiment, ExperimentStatus, Failure, Measure
from mlsys.domain.search import first_trials
from mlsys.repositories import EXPERIMENTS, MODEL_VERSIONS
from mlsys.use_cases.experiments import check_request
from mlsys.use_cases.leading import House, Lead, Worker, claim_lead, leader_is_ours
from mlsys.use_cases.registering import promote_if_asked, reserve_version, store_files
from mlsys.use_cases.sampling import pruner_of, sampler_of
from mlsys.use_cases.training.material import Training, prepare
from mlsys.use_cases.training.objective import objective
from mlsys.use_cases.training.verdict import Winner, best_of, judge, refit
from mlsys.use_cases.trials import TrialStorage
from mlsys.use_cases.work import End, Outcome, work

log = structlog.get_logger()


@dataclass(frozen=True)
class Search:
    """How this process's search ended, and all trials of the study."""

    outcome: Outcome
    trials: list[FrozenTrial]


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
    if worker.task > 0:
        if leader_is_ours(experiment_id, worker=worker, house=house, stop=stop):
            training = _prepared(experiment, worker=worker, house=house)
            search(experiment, training, worker=worker, house=house, stop=stop)
    else:
        lead = claim_lead(experiment_id, worker=worker, house=house, stop=stop)
        if lead is not None:
            _lead(experiment, lead, worker=worker, stop=stop)
    return EXPERIMENTS.get(experiment_id, records=house.records).value


def search(
    experiment: Experiment, training: Training, *, worker: Worker, house: House, stop: Event
) -> Search:
    """Run trials until the study has all of them; the loop that tests/benchmarks/study.py times."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    config = training.request.optuna_config
    storage = TrialStorage(
        house.records, max_trials=config.n_trials, lease_seconds=worker.lease_seconds
    )
    study = optuna.create_study(
        study_name=experiment.id,
        storage=storage,
        direction="maximize" if training.metric.maximize else "minimize",
        sampler=sampler_of(config, task=worker.task, parallel=worker.tasks > 1),
        pruner=pruner_of(config),
        load_if_exists=True,
    )
    storage.enqueue_first(study._study_id, first_trials(training.spaces))  # noqa: SLF001
    outcome = work(
        study,
        objective(training),
        storage=storage,
        stop=stop,
        timeout_seconds=_seconds_left(experiment, config, house),
        on_finished=_log_trial,
    )
    return Search(outcome, study.get_trials(deepcopy=False))


def _lead(experiment: Experiment, lead: Lead, *, worker: Worker, stop: Event) -> None:
    """Search with the others, and end the study; a lost lease ends this process's share."""
    house = lead.house
    with lead.lease.heartbeat(lost=stop):
        try:
            started = {
                "status": ExperimentStatus.RUNNING,
                "started_at": experiment.started_at or house.now(),
                "workers": worker.tasks,
            }
            experiment = lead.change(started)
            version = _registered(experiment, house)
            if version is None:
                training = _prepared(experiment, worker=worker, house=house)
                metric = training.metric
                lead.change({"metric_name": metric.name, "maximize": metric.maximize})
                found = search(experiment, training, worker=worker, house=house, stop=stop)
                lead.change({"trials": _counts(found.trials)})
                if found.outcome.end is End.STOPPED:
                    return
                version = _register(training, found, lead)
            _finish(version, lead)
        except (InvalidInput, NotFound, Corrupt) as error:
            failure = Failure.of(error)
            status = ExperimentStatus.FAILED
            lead.change({"status": status, "failure": failure, "finished_at": house.now()})
            log.warning("experiment.failed", experiment_id=experiment.id, code=error.code)


def _prepared(experiment: Experiment, *, worker: Worker, house: House) -> Training:
    request = ExperimentRequest.model_validate(experiment.request)
    split = check_request(request, records=house.records)
    return prepare(request, split, objects=house.objects, threads=worker.threads)


def _register(training: Training, found: Search, lead: Lead) -> ModelVersion:
    """Refit and judge the best trial, and make it a version that is READY."""
    if found.outcome.end is End.FAILING:
        raise InvalidInput(f"trials failed one after the other: {found.outcome.failure}")
    values = {one.number: one.values[0] for one in found.trials if one.state is TrialState.COMPLETE}
    if not values:
        failure = f": {found.outcome.failure}" if found.outcome.failure else ""
        raise InvalidInput(f"none of {len(found.trials)} trials was completed{failure}")
    sign = -1 if training.metric.maximize else 1
    number = min(values, key=lambda number: (sign * values[number], number))
    best = best_of(found.trials[number], training)
    model = refit(training, best)
    winner = Winner(best, model, judge(training, model, defaults_value=values.get(0)))

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
        "warnings": winner.verdict.warnings + _left_out(training),
    }
    lead.change(findings, version=ready)
    log.info("model.registered", experiment_id=lead.experiment_id, model_id=ready.id)
    return ready


def _finish(version: ModelVersion, lead: Lead) -> None:
    """Promote if that was asked for, and write down the end."""
    house = lead.house
    experiment = EXPERIMENTS.get(lead.experiment_id, records=house.records).value
    wish = ExperimentRequest.model_validate(experiment.request).auto_promote
    promotion = promote_if_asked(version.id, wish, records=house.records, now=house.now)
    status = ExperimentStatus.SUCCEEDED
    lead.change(
        {"status": status, "promotion": promotion, "finished_at": house.now()},
        version=version.model_copy(update={"promotion": promotion}),
    )
    log.info("experiment.succeeded", experiment_id=lead.experiment_id, model_id=version.id)


def _registered(experiment: Experiment, house: House) -> ModelVersion | None:
    """Return the version that an earlier attempt made READY."""
    if experiment.model_id is None:
        return None
    version = MODEL_VERSIONS.get(experiment.model_id, records=house.records).value
    return version if version.status is VersionStatus.READY else None


def _seconds_left(experiment: Experiment, config: OptunaConfig, house: House) -> float | None:
    if config.timeout_seconds is None:
        return None
    started_at = experiment.started_at or house.now()
    return max(0.0, config.timeout_seconds - (house.now() - started_at).total_seconds())


def _counts(trials: list[FrozenTrial]) -> dict[str, int]:
    names = [one.state.name for one in trials]
    return {name: names.count(name) for name in sorted(set(names))}


def _left_out(training: Training) -> list[str]:
    return [f"column {one.name!r} is left out: {one.reason}" for one in training.plan.left_out]


def _log_trial(trial: FrozenTrial) -> None:
    log.info(
        "trial.finished",
        number=trial.number,
        state=trial.state.name,
        value=trial.values[0] if trial.values else None,
    )
