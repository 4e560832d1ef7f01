"""When a search is over: all tasks are told, what they leave is closed, and all is counted."""

import time
from collections import Counter
from threading import Event

from optuna import Study
from optuna.trial import TrialState

from mlsys.use_cases.leading.closing import close_trials, stopped
from mlsys.use_cases.leading.ends import End
from mlsys.use_cases.leading.interruption import LOOKS_TO_TELL_ALL, look_seconds
from mlsys.use_cases.leading.lead import Lead, Worker


def settle(study: Study, end: End, *, lead: Lead, worker: Worker, stop: Event) -> None:
    """Write down why no more trials are made, and how many there are.

    A search that ended before its last trial leaves others running in other tasks. These are told
    by the record, have two looks at it to end what they run, and are fenced then. Where nothing was
    completed yet, what runs may go on to its end before.

    Raises:
        LostRace: the study was cancelled, and nothing is to become of it.
        Conflict: the lease is lost.

    """
    lead.wanted()
    if end is not End.FINISHED:
        if worker.tasks > 1:
            pause = look_seconds(worker.lease_seconds)
            patience = time.monotonic() + worker.lease_seconds
            while not has_completed(study) and _runs(study) and time.monotonic() < patience:
                stop.wait(pause)
            lead.change({"ended_by": end})
            stop.wait(LOOKS_TO_TELL_ALL * pause)
        house = lead.house
        close_trials(lead.experiment_id, stopped(end), records=house.records, now=house.now)
    chance = {"deterministic": False} if end.by_chance else {}
    lead.change({"ended_by": end, "trials": counted(study), **chance})


def has_completed(study: Study) -> bool:
    """Whether there is a trial to choose."""
    return _has(study, TrialState.COMPLETE)


def counted(study: Study) -> dict[str, int]:
    """Count the trials by state."""
    counts = Counter(one.state.name for one in study.get_trials(deepcopy=False))
    return dict(sorted(counts.items()))


def _runs(study: Study) -> bool:
    return _has(study, TrialState.RUNNING)


def _has(study: Study, state: TrialState) -> bool:
    return bool(study.get_trials(deepcopy=False, states=(state,)))
