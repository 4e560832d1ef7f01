"""The search of one task: its sampler, its pruner, its limits, and the trials it runs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from threading import Event

import optuna
import structlog
from optuna.trial import FrozenTrial

from mlsys.domain.experiment_records import Experiment
from mlsys.domain.messages import OptunaConfig
from mlsys.domain.spaces.search import suggest
from mlsys.use_cases.leading.ends import End, Limits, Outcome
from mlsys.use_cases.leading.lead import House, Worker
from mlsys.use_cases.searching.packing import Packing, prune_one_at_a_time
from mlsys.use_cases.searching.pruning import pruner_of
from mlsys.use_cases.searching.sampling import budget_of, sampler_of
from mlsys.use_cases.training.material import Training
from mlsys.use_cases.training.objective import directions_of, objective
from mlsys.use_cases.trials.storage import TrialStorage
from mlsys.use_cases.trials.work import work


@dataclass(frozen=True)
class Search:
    """How this process's search ended, and the study."""

    outcome: Outcome
    study: optuna.Study

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials as they stand now."""
        return self.study.get_trials(deepcopy=False)


def search(
    experiment: Experiment,
    training: Training,
    packing: Packing,
    *,
    worker: Worker,
    house: House,
    stop: Event,
    interrupted: Callable[[], End | None] = lambda: None,
) -> Search:
    """Run trials until the study has all of them; the loop that tests/benchmarks/study.py times."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    config = training.request.optuna_config
    at_once = packing.trials_at_once
    directions = directions_of(training)
    first = training.first.params
    pruner = pruner_of(
        config,
        folds=len(training.folds),
        objectives=len(directions),
        libraries=len(training.spaces),
    )
    storage = TrialStorage(
        house.records,
        max_trials=budget_of(config, training.spaces, first=first),
        lease_seconds=worker.lease_seconds,
    )
    study = optuna.create_study(
        study_name=experiment.id,
        storage=storage,
        directions=directions,
        pruner=prune_one_at_a_time(pruner),
        load_if_exists=True,
    )
    study.sampler = sampler_of(
        config,
        spaces=training.spaces,
        first=first,
        task=worker.task,
        parallel=worker.tasks * at_once > 1,
        begun=len(study.get_trials(deepcopy=False)),
        objectives=len(directions),
    )
    storage.enqueue_first(study._study_id, first)  # noqa: SLF001
    outcome = work(
        study,
        objective(replace(training, threads=packing.threads), interrupted=interrupted),
        storage=storage,
        stop=stop,
        draw=(lambda trial: suggest(trial, training.spaces)) if at_once > 1 else None,
        trials_at_once=at_once,
        limits=_limits(experiment, config, worker=worker, house=house),
        on_finished=_log_trial,
        interrupted=interrupted,
    )
    return Search(outcome, study)


def _limits(
    experiment: Experiment, config: OptunaConfig, *, worker: Worker, house: House
) -> Limits:
    """Count from the start of the experiment, whichever attempt this is."""
    now = house.now()
    gone_seconds = (now - (experiment.started_at or now)).total_seconds()
    usd = inf if config.max_cost_usd is None else config.max_cost_usd
    usd_per_second = worker.usd_per_second * worker.tasks
    return Limits(
        timeout_seconds=(config.timeout_seconds or inf) - gone_seconds,
        cost_seconds=usd / usd_per_second - gone_seconds,
        plateau_trials=config.plateau_trials,
    )


def _log_trial(trial: FrozenTrial) -> None:
    structlog.get_logger().info(
        "trial.finished",
        number=trial.number,
        state=trial.state.name,
        value=trial.values[0] if trial.values else None,
    )
