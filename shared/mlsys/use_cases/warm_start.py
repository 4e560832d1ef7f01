"""What a study begins with besides the libraries' defaults: the best of an earlier experiment."""

from math import isfinite

from mlsys.domain.errors import InvalidInput, Violation
from mlsys.domain.experiment_records import Experiment
from mlsys.domain.messages import ExperimentRequest
from mlsys.domain.spaces.search import Suggested, suggested
from mlsys.domain.wishes import metric_of
from mlsys.ports import Records
from mlsys.repositories.experiments import EXPERIMENTS, trials_of

FIELD = "warm_start_from"
MAX_EARLIER = 5


def earlier_trials(request: ExperimentRequest, *, records: Records) -> list[Suggested]:
    """Return the best trials, 5 at most, of the experiment that a request names; none if none.

    It has ended, so every worker comes to the same.

    Raises:
        InvalidInput: there is no such experiment, it has not ended, or it has nothing to begin
            with.
    """
    if request.warm_start_from is None:
        return []
    seen = EXPERIMENTS.find(request.warm_start_from, records=records)
    if seen is None:
        raise _unfit(f"there is no experiment {request.warm_start_from!r}")
    if not seen.value.status.final:
        raise _unfit(f"{seen.value.id} is {seen.value.status}: wait until it has ended")
    best = _best(seen.value, request, records)
    if not best:
        raise _unfit(f"{seen.value.id} has no complete trial of {', '.join(request.model_types)}")
    return best


def _best(earlier: Experiment, request: ExperimentRequest, records: Records) -> list[Suggested]:
    """Return the best trials of libraries that are tuned now, the very best first."""
    before = ExperimentRequest.model_validate(earlier.request)
    sign = -1 if metric_of(before).maximize else 1
    found = []
    for trial in trials_of(earlier.id).each(records=records, order_by="number"):
        value = trial.values[0] if trial.state == "COMPLETE" and trial.values else None
        if not isinstance(value, float) or not isfinite(value):
            continue
        params = {param.name: param.value for param in trial.params}
        tried = suggested(params, before.model_types)
        if tried.model_type in request.model_types:
            found.append((sign * value, trial.number, tried))
    return [tried for _, _, tried in sorted(found, key=lambda one: one[:2])[:MAX_EARLIER]]


def _unfit(why: str) -> InvalidInput:
    return InvalidInput(f"{FIELD}: {why}", (Violation(FIELD, why),))
