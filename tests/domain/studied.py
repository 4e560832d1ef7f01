"""Studies for tests: trials as the platform stores them, made by Optuna."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import optuna
from optuna.samplers import RandomSampler
from optuna.trial import TrialState

from mlsys.domain.experiment_records import Experiment, Trial
from mlsys.use_cases.trials.documents import Claim, trial_body

Direction = Literal["maximize", "minimize"]
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def experiment(**fields: Any) -> Experiment:
    known = {
        "id": "exp-1",
        "name": "churn",
        "status": "RUNNING",
        "created_at": NOW,
        "updated_at": NOW,
        "request": {"optuna_config": {"n_trials": 10}},
        "request_id": "r-1",
        "metric_name": "roc_auc",
        "maximize": True,
    }
    return Experiment.model_validate(known | fields)


def studied(
    objective: Callable[[optuna.Trial], float | list[float]],
    *,
    trials: int,
    directions: Sequence[Direction] = ("maximize",),
    seed: int = 0,
) -> optuna.Study:
    """Search at random; TrialPruned prunes, ZeroDivisionError fails."""
    study = optuna.create_study(directions=directions, sampler=RandomSampler(seed=seed))
    for _ in range(trials):
        trial = study.ask()
        try:
            study.tell(trial, objective(trial))
        except optuna.TrialPruned:
            study.tell(trial, state=TrialState.PRUNED)
        except ZeroDivisionError:
            study.tell(trial, state=TrialState.FAIL)
    return study


def stored(study: optuna.Study) -> list[Trial]:
    """Return the trials as they are read from records."""
    return [Trial.model_validate(trial_body(one, Claim())) for one in study.trials]


def libraries(trial: optuna.Trial) -> float:
    """Tune several libraries in one study: each trial has the parameters of one of them."""
    library = trial.suggest_categorical("model_type", ["lightgbm", "catboost"])
    rate = trial.suggest_float(f"{library}.rate", 0.01, 0.3, log=True)
    depth = trial.suggest_int(f"{library}.depth", 2, 10) if library == "catboost" else 6
    for step in (10, 20, 30):
        trial.report(rate * step, step)
    if trial.number % 5 == 2:
        raise optuna.TrialPruned
    if trial.number % 7 == 5:
        raise ZeroDivisionError
    return rate + 0.1 * depth
