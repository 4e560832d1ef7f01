"""A study of short trials, and what its tests share."""

import optuna
from optuna.distributions import FloatDistribution
from optuna.study import StudyDirection

MINIMIZE = [StudyDirection.MINIMIZE]
UNIT = FloatDistribution(0, 1)
LEASE_SECONDS = 120


def objective(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", 0, 1)
    for step in range(3):
        trial.report(x / (step + 1), step)
        if trial.should_prune():
            raise optuna.TrialPruned
    return x
