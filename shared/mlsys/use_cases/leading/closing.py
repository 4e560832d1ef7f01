"""The end of a study before its time: what still runs is failed, and counted with the rest."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

import structlog

from mlsys.domain.errors import Conflict
from mlsys.domain.experiment_records import Experiment, ExperimentStatus, Trial
from mlsys.domain.model_records import VersionStatus
from mlsys.ports import Records, Write
from mlsys.repositories.experiments import EXPERIMENTS, trial_document_id, trials_of
from mlsys.repositories.models import MODEL_VERSIONS
from mlsys.use_cases.leading.ends import End

log = structlog.get_logger()

UNFINISHED = {"RUNNING", "WAITING"}

Clock = Callable[[], datetime]


def stopped(end: str) -> str:
    """Say why a trial was stopped, for its record.

    >>> stopped("timeout")
    'stopped with the study: timeout'

    """
    return f"stopped with the study: {end}"


def close_trials(
    experiment_id: str, reason: str, *, records: Records, now: Clock
) -> dict[str, int]:
    """Fail each trial that has not finished, whoever runs it, and count all by state.

    A worker that still runs one finds out by its next heartbeat or end, and stores nothing.
    """
    trials = trials_of(experiment_id)
    counts: Counter[str] = Counter()

    def failed(trial: Trial) -> Trial:
        if trial.state not in UNFINISHED:
            return trial
        user_attrs = {**trial.user_attrs, "failure": reason}
        end = {"state": "FAIL", "completed_at": now(), "user_attrs": user_attrs}
        return trial.model_copy(update=end)

    for seen in trials.each(records=records, order_by="number"):
        trial = seen
        if trial.state in UNFINISHED:
            trial = trials.change(trial_document_id(seen.number), failed, records=records)
        counts[trial.state] += 1
    return dict(sorted(counts.items()))


def end_cancelled(experiment_id: str, *, records: Records, now: Clock) -> Experiment:
    """End a study whose cancel was recorded; an end that stands already wins.

    In the same commit the version that it had reserved, and not filled, is abandoned.
    """
    reason = stopped(End.CANCELLED)
    counts = close_trials(experiment_id, reason, records=records, now=now)
    while True:
        seen = EXPERIMENTS.get(experiment_id, records=records)
        experiment = seen.value
        if not experiment.cancelling:
            return experiment
        end = {
            "status": ExperimentStatus.CANCELLED,
            "trials": counts,
            "model_id": None,
            "deterministic": None if experiment.deterministic is None else False,
            "updated_at": now(),
            "finished_at": now(),
        }
        cancelled = experiment.model_copy(update=end)
        writes: list[Write] = [EXPERIMENTS.replacement(seen, cancelled)]
        if experiment.model_id is not None:
            left = MODEL_VERSIONS.get(experiment.model_id, records=records)
            abandoned = left.value.model_copy(update={"status": VersionStatus.ABANDONED})
            writes.append(MODEL_VERSIONS.replacement(left, abandoned))
        try:
            records.commit(writes)
        except Conflict:
            continue
        log.info("experiment.cancelled", experiment_id=experiment_id, trials=counts)
        return cancelled
