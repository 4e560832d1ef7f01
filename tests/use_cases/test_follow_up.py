"""A ready split asks for its experiment once, and notes it."""

from collections.abc import Mapping
from typing import Any

import pytest

from mlsys.adapters.local.messages import SqliteMessages
from mlsys.domain.errors import AlreadyExists, Unavailable
from mlsys.domain.experiment_records import ExperimentStatus
from mlsys.domain.split_records import Split, SplitStatus
from mlsys.ports import Json
from mlsys.repositories.splits import SPLITS
from mlsys.runtime import Runtime
from mlsys.use_cases.experiments import request_experiment
from tests.use_cases.conftest import NOW, request_of
from tests.use_cases.launches import started
from tests.use_cases.splitting.asked_splits import changed, path
from tests.use_cases.wishes import experiments, followed, launched, wish


@pytest.fixture
def wishing(ready_split: Split, runtime: Runtime) -> Split:
    """A ready split whose dataset.json asks for an experiment."""
    return wish(ready_split, runtime)


class Deaf(SqliteMessages):
    """Takes nothing."""

    def publish(self, topic: str, body: Json, *, attributes: Mapping[str, str]) -> str:
        raise Unavailable(f"{topic} takes nothing: {len(body)}, {len(attributes)}")


def test_a_ready_split_asks_for_its_experiment(runtime: Runtime, wishing: Split) -> None:
    noted = followed(runtime, wishing)

    [experiment] = experiments(runtime)
    assert noted.experiment_id == experiment.id
    assert noted == changed(runtime, "GET", path(wishing))
    assert experiment.request.items() >= {"name": "toys", "split_id": wishing.id}.items()
    assert launched(runtime) == 1
    assert experiments(runtime)[0].status is ExperimentStatus.LAUNCHED


def test_repeated_it_is_the_same_experiment(runtime: Runtime, wishing: Split) -> None:
    first = followed(runtime, wishing)

    assert [followed(runtime, wishing), followed(runtime, wishing)] == [first, first]
    assert launched(runtime) == 1
    assert len(started(runtime)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"experiment_wish": None},
        {"status": SplitStatus.QUARANTINED},
        {"status": SplitStatus.FAILED},
        {"status": SplitStatus.RUNNING},
        {"deleted": True},
        {"experiment_id": "exp-1"},
    ],
)
def test_what_wants_none_gets_none(
    runtime: Runtime, wishing: Split, change: dict[str, Any]
) -> None:
    split = SPLITS.change(
        wishing.id, lambda seen: seen.model_copy(update=change), records=runtime.records
    )

    assert followed(runtime, split) == split
    assert launched(runtime) == 0


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"target_column": "none"}, "no column 'none'"), ({"metric_name": "rmse"}, "rmse")],
)
def test_a_wish_that_does_not_fit_is_a_failed_experiment(
    runtime: Runtime, ready_split: Split, fields: dict[str, str], reason: str
) -> None:
    wishing = wish(ready_split, runtime, **fields)

    noted = followed(runtime, wishing)

    [experiment] = experiments(runtime)
    assert noted.experiment_id == experiment.id
    assert noted.status is SplitStatus.READY
    assert experiment.status is ExperimentStatus.FAILED
    assert experiment.failure is not None
    assert reason in experiment.failure.message
    assert followed(runtime, wishing) == noted
    assert launched(runtime) == 1


def test_what_nobody_takes_is_asked_for_by_the_next_delivery(
    runtime: Runtime, wishing: Split
) -> None:
    with pytest.raises(Unavailable):
        followed(runtime, wishing, messages=Deaf(runtime.settings.home / "messages.db"))

    assert followed(runtime, wishing).experiment_id is not None
    assert launched(runtime) == 1


def test_a_label_that_is_set_meanwhile_stays(runtime: Runtime, wishing: Split) -> None:
    class Labelling(SqliteMessages):
        def publish(self, topic: str, body: Json, *, attributes: Mapping[str, str]) -> str:
            changed(runtime, "PATCH", path(wishing), {"labels": {"team": "growth"}})
            return super().publish(topic, body, attributes=attributes)

    noted = followed(runtime, wishing, messages=Labelling(runtime.settings.home / "messages.db"))

    assert noted.labels == {"team": "growth"}
    assert noted.experiment_id is not None


def test_a_request_id_that_somebody_took_is_not_mistaken(runtime: Runtime, wishing: Split) -> None:
    request_experiment(
        request_of(wishing, request_id=f"{wishing.id}/dataset.json", name="other"),
        records=runtime.records,
        messages=runtime.messages,
        topic="experiments",
        attributes={},
        now=NOW,
    )

    with pytest.raises(AlreadyExists):
        followed(runtime, wishing)

    assert changed(runtime, "GET", path(wishing)).experiment_id is None
