"""/v1/experiments: ask for a study, look at it and its trials, cancel it."""

from http import HTTPStatus

from mlsys.domain.answers import TrialRow
from mlsys.domain.experiment_records import Experiment, ExperimentStatus, TrialState
from mlsys.domain.messages import ExperimentRequest
from mlsys.domain.plots.shapes import AnyPlot
from mlsys.edge.http import Call, Route
from mlsys.edge.listing import ListAnswer, ListQuery
from mlsys.repositories.experiments import EXPERIMENTS
from mlsys.runtime import Runtime
from mlsys.use_cases.cancelling import CancelRequest, cancel_experiment
from mlsys.use_cases.experiments import get_experiment, request_experiment
from mlsys.use_cases.shown_trials import get_plot, list_trials


class ExperimentsQuery(ListQuery):
    """Filters of `GET /v1/experiments`."""

    name: str | None = None
    split_id: str | None = None
    status: ExperimentStatus | None = None


class TrialsQuery(ListQuery):
    """Filters of `GET /v1/experiments/{experiment_id}/trials`."""

    state: TrialState | None = None


def create(call: Call, runtime: Runtime) -> Experiment:
    """Ask for a study."""
    return request_experiment(
        call.json(ExperimentRequest),
        records=runtime.records,
        messages=runtime.messages,
        topic=runtime.settings.experiments_topic,
        attributes=call.carried(),
        now=runtime.now(),
    )


def show(call: Call, runtime: Runtime) -> Experiment:
    """Show an experiment."""
    return get_experiment(call.path["experiment_id"], records=runtime.records)


def cancel(call: Call, runtime: Runtime) -> Experiment:
    """End a study before its time."""
    return cancel_experiment(
        call.path["experiment_id"],
        call.json(CancelRequest) if call.request.body else CancelRequest(),
        request_id=call.request_id,
        records=runtime.records,
        jobs=runtime.jobs,
        lease_seconds=runtime.settings.lease_seconds,
        now=runtime.now,
    )


def list_(call: Call, runtime: Runtime) -> ListAnswer[Experiment]:
    """List experiments, newest first."""
    query = call.query(ExperimentsQuery)
    page = EXPERIMENTS.list(
        records=runtime.records,
        where=query.where(),
        limit=query.page_size,
        cursor=query.page_token,
    )
    return ListAnswer(items=page.values, next_page_token=page.cursor)


def trials(call: Call, runtime: Runtime) -> ListAnswer[TrialRow]:
    """List the trials of an experiment, newest first."""
    query = call.query(TrialsQuery)
    rows, token = list_trials(
        call.path["experiment_id"],
        state=query.state,
        page_size=query.page_size,
        page_token=query.page_token,
        records=runtime.records,
    )
    return ListAnswer(items=rows, next_page_token=token)


def plot(call: Call, runtime: Runtime) -> AnyPlot:
    """Compute what is drawn of a study."""
    return get_plot(call.path["experiment_id"], call.path["kind"], records=runtime.records)


ROUTES = (
    Route("POST", "/v1/experiments", create, HTTPStatus.ACCEPTED, body=ExperimentRequest),
    Route("GET", "/v1/experiments", list_, query=ExperimentsQuery),
    Route("GET", "/v1/experiments/{experiment_id}", show),
    Route("POST", "/v1/experiments/{experiment_id}/cancel", cancel, body=CancelRequest),
    Route("GET", "/v1/experiments/{experiment_id}/trials", trials, query=TrialsQuery),
    Route("GET", "/v1/experiments/{experiment_id}/plots/{kind}", plot),
)
