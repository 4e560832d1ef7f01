"""What a study tries first: the libraries' defaults, and the best of an earlier experiment."""

from collections.abc import Iterator
from math import isfinite

from mlsys.domain.errors import Violation
from mlsys.domain.experiment_records import Experiment
from mlsys.domain.messages import ExperimentRequest
from mlsys.domain.spaces.search import FirstTrials, Spaces, Suggested, first_trials, suggested
from mlsys.domain.wishes import metric_of
from mlsys.ports import Records
from mlsys.repositories import EXPERIMENTS, trials_of

FIELD = "warm_start_from"
MAX_EARLIER = 5


def first_trials_of(request: ExperimentRequest, spaces: Spaces, *, records: Records) -> FirstTrials:
    """Return what is tried first: each library's defaults, then up to 5 trials of an earlier one.

    The earlier experiment has ended, so every worker comes to the same.

    Raises:
        NotFound: there is no such experiment.
    """
    if request.warm_start_from is None:
        return first_trials(spaces)
    earlier = EXPERIMENTS.get(request.warm_start_from, records=records).value
    return first_trials(spaces, _best(earlier, request, records))


def warm_start_problems(request: ExperimentRequest, *, records: Records) -> Iterator[Violation]:
    """Say why a study cannot begin with the trials of the experiment that it names."""
    if request.warm_start_from is None:
        return
    seen = EXPERIMENTS.find(request.warm_start_from, records=records)
    if seen is None:
        yield Violation(FIELD, f"there is no experiment {request.warm_start_from!r}")
    elif not seen.value.status.final:
        yield Violation(FIELD, f"{seen.value.id} is {seen.value.status}: wait until it has ended")
    elif not _best(seen.value, request, records):
        wanted = ", ".join(request.model_types)
        yield Violation(FIELD, f"{seen.value.id} has no complete trial of {wanted}")


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
