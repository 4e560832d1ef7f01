"""/v1/experiments: ask for a study, look at it and its trials."""

from http import HTTPStatus

from mlsys.domain.answers import TrialRow
from mlsys.domain.messages import ExperimentRequest
from mlsys.domain.records import Experiment, ExperimentStatus
from mlsys.edge.http import Call, Route
from mlsys.edge.listing import ListAnswer, ListQuery
from mlsys.repositories import EXPERIMENTS
from mlsys.runtime import Runtime
from mlsys.use_cases.experiments import (
    get_experiment,
    list_trials,
    request_experiment,
)


class ExperimentsQuery(ListQuery):
    """Filters of `GET /v1/experiments`."""

    name: str | None = None
    split_id: str | None = None
    status: ExperimentStatus | None = None


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
    """List the trials of an experiment."""
    query = call.query(ListQuery)
    rows, token = list_trials(
        call.path["experiment_id"],
        page_size=query.page_size,
        page_token=query.page_token,
        records=runtime.records,
    )
    return ListAnswer(items=rows, next_page_token=token)


ROUTES = (
    Route("POST", "/v1/experiments", create, HTTPStatus.ACCEPTED, body=ExperimentRequest),
    Route("GET", "/v1/experiments", list_, query=ExperimentsQuery),
    Route("GET", "/v1/experiments/{experiment_id}", show),
    Route("GET", "/v1/experiments/{experiment_id}/trials", trials, query=ListQuery),
)
