"""Pointers are followed behind the requests, and late ones are waited for, but not for long."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mlsys.domain.errors import NotFound
from mlsys.ports import Delete
from mlsys.repositories.models import MODEL_HEADS
from mlsys.runtime import Runtime
from tests.use_cases.serving.served import (
    found,
    point,
    promoted_behind,
    serving,
    to_production,
    trouble,
)
from tests.use_cases.serving.watched import Watched
from tests.waiting import PATIENCE_SECONDS, wait_for

POINTER = "models/lightgbm"
OF_THE_NEW = "model-versions/lightgbm-v2"


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for long for a pointer that a test holds up."""
    monkeypatch.setattr("mlsys.use_cases.serving.pointers.PATIENCE_SECONDS", 0.1)


def test_a_promotion_is_followed_without_a_request_that_reads_or_loads(
    trained: Runtime, records: Watched, objects: Watched
) -> None:
    models = serving(records, objects, ttl=0.01)
    found(models, model="lightgbm")
    at_first = len(records.callers), len(objects.callers)

    to_production("lightgbm-v2", trained)
    wait_for(lambda: found(models, model="lightgbm") == "lightgbm-v2")

    later = {*records.callers[at_first[0] :], *objects.callers[at_first[1] :]}
    assert {name.partition("_")[0] for name in later} == {"pointers"}
    assert objects.times("v2/model.txt") == 1


@pytest.mark.usefixtures("hasty")
def test_a_busy_name_is_answered_while_its_pointer_and_its_new_model_are_slow(
    trained: Runtime, records: Watched, objects: Watched
) -> None:
    models = promoted_behind(records, objects, trained, ttl=0.5)
    records.slow = OF_THE_NEW

    wait_for(lambda: bool(found(models, model="lightgbm")) and records.entered.is_set())
    while_slow = {found(models, model="lightgbm") for _ in range(100)}
    records.go_on.set()

    assert while_slow == {"lightgbm-v1"}
    wait_for(lambda: found(models, model="lightgbm") == "lightgbm-v2")


@pytest.mark.usefixtures("patient")
def test_who_comes_after_nobody_came_for_long_gets_what_stands_by_now(
    trained: Runtime, records: Watched, objects: Watched
) -> None:
    models = promoted_behind(records, objects, trained, ttl=0.05)

    time.sleep(0.2)

    assert found(models, model="lightgbm") == "lightgbm-v2"


@pytest.mark.usefixtures("hasty")
def test_a_look_that_stood_still_while_nobody_asked_is_taken_again(
    trained: Runtime, records: Watched, objects: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = serving(records, objects, ttl=0.3)
    found(models, model="lightgbm")
    records.frozen = POINTER
    wait_for(lambda: bool(found(models, model="lightgbm")) and records.entered.is_set())
    records.frozen = ""
    monkeypatch.setattr("mlsys.use_cases.serving.pointers.PATIENCE_SECONDS", PATIENCE_SECONDS)
    to_production("lightgbm-v2", trained)
    time.sleep(0.7)

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(found, models, model="lightgbm")
        records.go_on.set()

        assert asked.result(PATIENCE_SECONDS) == "lightgbm-v2"


@pytest.mark.usefixtures("patient")
def test_without_a_time_to_believe_each_request_sees_the_promotions_before_it(
    trained: Runtime, records: Watched, objects: Watched
) -> None:
    models = serving(records, objects)

    for model_id in ("lightgbm-v1", "lightgbm-v2") * 10:
        point("lightgbm", trained, production=int(model_id[-1]))
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(found, models, model="lightgbm") for _ in range(4)]

        assert {one.result() for one in asked} == {model_id}


@pytest.mark.usefixtures("hasty")
def test_a_pointer_that_is_not_answered_is_waited_for_a_while(
    records: Watched, objects: Watched
) -> None:
    models = serving(records, objects, ttl=0.01)
    found(models, model="lightgbm")
    records.slow = POINTER
    time.sleep(0.1)

    told = found(models, model="lightgbm")
    late = trouble(models, model="lightgbm")
    records.go_on.set()

    assert told == "lightgbm-v1"
    assert re.fullmatch(r"pointer of lightgbm not read for \d+ s: no answer yet", late)
    wait_for(lambda: trouble(models, model="lightgbm") == "")


def test_nothing_is_read_while_nobody_asks(records: Watched, objects: Watched) -> None:
    models = serving(records, objects, ttl=0.01)
    found(models, model="lightgbm")
    wait_for(lambda: bool(found(models, model="lightgbm")) and records.times(POINTER) > 1)
    under_way = records.times(POINTER) + 1

    time.sleep(0.3)

    assert records.times(POINTER) <= under_way


def test_a_pointer_is_read_no_more_often_than_it_is_believed(
    records: Watched, objects: Watched
) -> None:
    models = serving(records, objects, ttl=0.2)
    began = time.monotonic()

    while records.times(POINTER) < 4:
        found(models, model="lightgbm")

    assert time.monotonic() - began >= 3 * 0.2


def test_a_model_that_nobody_uses_is_not_loaded(
    trained: Runtime, records: Watched, objects: Watched
) -> None:
    models = serving(records, objects, ttl=0.01)
    found(models, model="xgboost")
    point("lightgbm", trained, staging=1)
    found(models, model="lightgbm", version=2)

    point("lightgbm", trained, staging=2, production=2)
    found(models, model="lightgbm")

    assert objects.times("lightgbm/v1/model.txt") == 0


@pytest.mark.usefixtures("patient")
def test_a_model_that_was_removed_is_not_found(
    trained: Runtime, records: Watched, objects: Watched
) -> None:
    models = serving(records, objects)
    found(models, model="lightgbm")
    seen = MODEL_HEADS.get("lightgbm", records=trained.records)
    trained.records.commit([Delete(seen.document)])

    with pytest.raises(NotFound, match="there is no model 'lightgbm'"):
        found(models, model="lightgbm")


def test_a_closed_engine_answers_as_before_and_reads_nothing(
    trained: Runtime, records: Watched, objects: Watched
) -> None:
    models = promoted_behind(records, objects, trained)
    models.close()
    read = len(records.calls)

    answered = [found(models, model="lightgbm") for _ in range(3)]

    assert (answered, len(records.calls)) == (["lightgbm-v1"] * 3, read)


def test_who_waits_when_an_engine_closes_is_let_go(records: Watched, objects: Watched) -> None:
    models = serving(records, objects)
    found(models, model="lightgbm")
    records.slow = POINTER

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(found, models, model="lightgbm")
        assert records.entered.wait(PATIENCE_SECONDS)
        models.close()
        answered = waiting.result(PATIENCE_SECONDS)
        records.go_on.set()

    assert answered == "lightgbm-v1"
