"""Which model answers: the pointer is followed, nothing damaged is loaded, little is kept."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any

import pytest

from mlsys.domain.errors import Corrupt, InvalidInput, NotFound, Unavailable
from mlsys.domain.model_records import VersionStatus
from mlsys.edge.parsing import parse_model
from mlsys.repositories.models import MODEL_VERSIONS
from mlsys.runtime import Runtime
from mlsys.use_cases.model_heads import PromoteRequest, promote
from mlsys.use_cases.serving.loaded_models import LoadedModels, ModelSelection
from tests.use_cases.conftest import NOW
from tests.use_cases.serving.served import found, promoted_behind, serving
from tests.use_cases.serving.watched import Watched

pytestmark = pytest.mark.usefixtures("patient")


def test_a_model_is_at_hand_once_it_was_found_and_asks_nobody(
    records: Watched, objects: Watched
) -> None:
    models = serving(records, objects, ttl=60)
    wishes = [
        ModelSelection(model="lightgbm"),
        ModelSelection(model="lightgbm", version=1),
        ModelSelection(model_id="lightgbm-v1"),
    ]
    before = [models.at_hand(one) for one in wishes]

    models.find(wishes[0])
    asked = len(records.calls) + len(objects.calls)
    after = [models.at_hand(one) for one in wishes]

    assert before == [None] * 3
    assert [one.version.id for one in after if one] == ["lightgbm-v1"] * 3
    assert models.at_hand(ModelSelection(model="lightgbm", stage="staging")) is None
    assert len(records.calls) + len(objects.calls) == asked


def test_a_model_that_nobody_asked_for_lately_is_not_at_hand(trained: Runtime) -> None:
    models = serving(trained.records, trained.objects, ttl=0.0)
    wish = ModelSelection(model="lightgbm")
    models.find(wish)

    assert models.at_hand(wish) is None
    assert models.find(wish).version.id == "lightgbm-v1"


def test_a_pointer_is_read_once_while_it_is_believed(records: Watched, objects: Watched) -> None:
    models = serving(records, objects, ttl=60)

    for _ in range(5):
        found(models, model="lightgbm")

    assert records.times("models/lightgbm") == 1
    assert objects.times("model.txt") == 1


@pytest.mark.parametrize(
    ("selection", "model_id"),
    [
        ({"model": "lightgbm"}, "lightgbm-v1"),
        ({"model": "lightgbm", "version": 2}, "lightgbm-v2"),
        ({"model": "lightgbm", "stage": "staging"}, "lightgbm-v2"),
        ({"model_id": "lightgbm-v2"}, "lightgbm-v2"),
    ],
)
def test_a_model_is_named_by_stage_version_or_id(
    trained: Runtime, selection: dict[str, Any], model_id: str
) -> None:
    promote("lightgbm-v2", PromoteRequest(stage="staging"), records=trained.records, now=NOW)

    assert found(trained.models, **selection) == model_id


@pytest.mark.parametrize(
    "selection",
    [
        {},
        {"model": "lightgbm", "model_id": "lightgbm-v1"},
        {"model_id": "lightgbm-v1", "version": 1},
        {"model": "a/b"},
        {"model": "lightgbm", "version": 0},
        {"model": "lightgbm", "stage": "attic"},
    ],
)
def test_an_ambiguous_selection_is_refused(selection: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        parse_model(selection, ModelSelection)


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ({"model": "nope"}, "there is no model 'nope'"),
        ({"model": "lightgbm", "version": 9}, "there is no version 'lightgbm-v9'"),
        ({"model_id": "nope-v1"}, "there is no version 'nope-v1'"),
        ({"model": "lightgbm", "stage": "staging"}, "'lightgbm' has nothing in staging: promote"),
    ],
)
def test_what_is_not_there_is_not_found_and_the_message_says_what(
    served: LoadedModels, selection: dict[str, Any], message: str
) -> None:
    with pytest.raises(NotFound, match=message):
        found(served, **selection)


@pytest.mark.parametrize("status", [VersionStatus.RESERVED, VersionStatus.ABANDONED])
def test_a_version_that_is_not_ready_is_refused(trained: Runtime, status: VersionStatus) -> None:
    seen = MODEL_VERSIONS.get("lightgbm-v2", records=trained.records)
    unready = seen.value.model_copy(update={"status": status})
    MODEL_VERSIONS.replace(seen, unready, records=trained.records)

    with pytest.raises(InvalidInput, match=f"lightgbm-v2 is {status}"):
        found(trained.models, model_id="lightgbm-v2")


@pytest.mark.parametrize("name", ["model.txt", "preprocess.json", "postprocess.json"])
def test_a_damaged_file_is_corrupt_and_nothing_of_it_is_kept(trained: Runtime, name: str) -> None:
    uri = f"gs://artifacts/models/lightgbm/v1/{name}"
    good = trained.objects.read(uri)
    trained.objects.put(uri, good[:-20] + bytes(20))

    with pytest.raises(Corrupt, match=name):
        found(trained.models, model="lightgbm")

    trained.objects.put(uri, good)
    assert found(trained.models, model="lightgbm") == "lightgbm-v1"


def test_a_file_that_is_gone_is_not_found_and_found_again_when_it_is_back(
    trained: Runtime,
) -> None:
    uri = "gs://artifacts/models/lightgbm/v1/model.txt"
    good = trained.objects.read(uri)
    trained.objects.delete(uri)

    with pytest.raises(NotFound, match=r"model\.txt"):
        found(trained.models, model="lightgbm")

    trained.objects.put(uri, good)
    assert found(trained.models, model="lightgbm") == "lightgbm-v1"


def test_records_that_fall_silent_do_not_stop_what_is_loaded(
    records: Watched, objects: Watched
) -> None:
    models = serving(records, objects)
    found(models, model="lightgbm")

    records.silent = objects.silent = True

    assert found(models, model="lightgbm") == "lightgbm-v1"
    assert found(models, model_id="lightgbm-v1") == "lightgbm-v1"
    with pytest.raises(Unavailable):
        found(models, model="xgboost")


def test_records_that_answer_again_are_followed_again(
    records: Watched, objects: Watched, trained: Runtime
) -> None:
    models = promoted_behind(records, objects, trained)

    records.silent = True
    while_silent = found(models, model="lightgbm")
    records.silent = False

    assert while_silent == "lightgbm-v1"
    assert found(models, model="lightgbm") == "lightgbm-v2"


def test_many_threads_at_once_load_a_model_once(records: Watched, objects: Watched) -> None:
    models = serving(records, objects)
    objects.slow = "model.txt"

    with ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(found, models, model="lightgbm") for _ in range(16)]
        assert objects.entered.wait(20)
        time.sleep(0.1)
        objects.go_on.set()

        assert {one.result() for one in asked} == {"lightgbm-v1"}
    assert objects.times("model.txt") == 1


def test_a_model_that_loads_slowly_does_not_hold_up_the_others(
    records: Watched, objects: Watched
) -> None:
    models = serving(records, objects)
    found(models, model="xgboost")
    objects.slow = "model.txt"
    slow = Thread(target=found, args=[models], kwargs={"model": "lightgbm"})
    slow.start()
    assert objects.entered.wait(20)

    with ThreadPoolExecutor(1) as pool:
        try:
            quick = pool.submit(found, models, model="xgboost").result(timeout=5)
        finally:
            objects.go_on.set()
            slow.join()

    assert quick == "xgboost-v1"


def test_a_load_that_failed_is_tried_again_by_each_who_waited(
    records: Watched, objects: Watched, trained: Runtime
) -> None:
    uri = "gs://artifacts/models/lightgbm/v1/model.txt"
    trained.objects.put(uri, b"tree\ndamaged")
    models = serving(records, objects)

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(found, models, model="lightgbm") for _ in range(4)]

    assert all(isinstance(one.exception(), Corrupt) for one in asked)
