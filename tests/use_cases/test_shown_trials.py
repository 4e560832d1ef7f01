"""Trials as they are listed, and what is drawn of them, through the route's own handler."""

import json
from typing import Any

import optuna
import pytest

from mlsys.domain.plots.shapes import PlotKind
from mlsys.edge.http import Answer, Request, Table, respond
from mlsys.handlers.experiments import ROUTES
from mlsys.repositories import collection
from mlsys.repositories.experiments import EXPERIMENTS
from mlsys.runtime import Runtime
from mlsys.use_cases.trials.storage import TrialStorage
from tests.domain.studied import Direction, experiment, libraries

TRIALS = 12


@pytest.fixture
def study(runtime: Runtime) -> str:
    """An experiment with complete, pruned and failed trials; its id."""
    return begun(runtime, "exp-1", trials=TRIALS)


def begun(
    runtime: Runtime, id: str, *, trials: int, directions: tuple[Direction, ...] = ("maximize",)
) -> str:
    EXPERIMENTS.create(id, experiment(id=id), records=runtime.records)
    study = optuna.create_study(
        study_name=id,
        storage=TrialStorage(runtime.records),
        directions=directions,
        sampler=optuna.samplers.RandomSampler(seed=1),
    )

    def objective(trial: optuna.Trial) -> float | list[float]:
        if len(directions) > 1:
            return [trial.suggest_float("x", 0, 1), 7.0]
        return libraries(trial)

    study.optimize(objective, n_trials=trials, catch=(ZeroDivisionError,))
    return id


def got(runtime: Runtime, path: str, **query: str) -> Answer:
    return respond(Table(ROUTES), Request("GET", f"/v1/experiments/{path}", query), runtime)


def listed(runtime: Runtime, id: str, **query: str) -> list[dict[str, Any]]:
    answer = got(runtime, f"{id}/trials", **query)
    assert answer.status == 200, answer.body
    items: list[dict[str, Any]] = json.loads(answer.body)["items"]
    return items


def test_trials_are_listed_newest_first(runtime: Runtime, study: str) -> None:
    assert [one["number"] for one in listed(runtime, study)] == list(range(TRIALS))[::-1]


@pytest.mark.parametrize("state", ["COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING"])
def test_trials_are_filtered_by_state(runtime: Runtime, study: str, state: str) -> None:
    everyone = listed(runtime, study)

    found = listed(runtime, study, state=state)

    assert found == [one for one in everyone if one["state"] == state]
    assert {one["state"] for one in everyone} == {"COMPLETE", "PRUNED", "FAIL"}


def test_pages_of_one_state_miss_nothing(runtime: Runtime, study: str) -> None:
    numbers: list[int] = []
    query = {"state": "COMPLETE", "page_size": "2"}
    while True:
        page = json.loads(got(runtime, f"{study}/trials", **query).body)
        assert len(page["items"]) <= 2
        numbers += [one["number"] for one in page["items"]]
        if page["next_page_token"] is None:
            break
        query["page_token"] = page["next_page_token"]

    assert numbers == [one["number"] for one in listed(runtime, study, state="COMPLETE")]


@pytest.mark.parametrize(
    "query", [{"state": "DONE"}, {"state": "complete"}, {"order_by": "value"}, {"page_size": "0"}]
)
def test_a_filter_that_there_is_not_is_refused(
    runtime: Runtime, study: str, query: dict[str, str]
) -> None:
    answer = got(runtime, f"{study}/trials", **query)

    assert answer.status == 400
    [field] = query
    assert field in answer.body.decode()


def test_a_row_shows_several_objectives_only_where_there_are(runtime: Runtime, study: str) -> None:
    several = begun(runtime, "exp-2", trials=1, directions=("maximize", "minimize"))

    [row] = listed(runtime, several)

    assert row["values"] == [row["value"], 7.0]
    assert not any("values" in one for one in listed(runtime, study))


@pytest.mark.parametrize("kind", PlotKind)
def test_a_plot_is_made_of_all_trials_whatever_a_page_holds(
    runtime: Runtime, study: str, kind: PlotKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = got(runtime, f"{study}/plots/{kind}")
    monkeypatch.setattr(collection, "DOCUMENTS_PER_READ", 5)

    page_by_page = got(runtime, f"{study}/plots/{kind}")

    assert at_once.status == 200
    assert json.loads(at_once.body)["kind"] == kind
    assert page_by_page.body == at_once.body


@pytest.mark.parametrize("path", ["exp-1/plots/pie", "exp-0/plots/history", "exp-0/trials"])
def test_what_there_is_not_is_not_found(runtime: Runtime, study: str, path: str) -> None:
    assert study == "exp-1"
    assert got(runtime, path).status == 404
