"""What is loaded stays within its memory, and is freed after its last request."""

from concurrent.futures import ThreadPoolExecutor
from typing import get_args
from weakref import ref

import pytest

from mlsys.domain.artifacts import needed_files
from mlsys.domain.choices import ModelType, Stage
from mlsys.repositories.models import MODEL_VERSIONS
from mlsys.runtime import Runtime
from mlsys.use_cases.serving.loaded_models import ModelSelection
from mlsys.use_cases.serving.shelf import BYTES_PER_MODEL_BYTE, BYTES_PER_PLAN_BYTE
from tests.use_cases.conftest import MODELS
from tests.use_cases.serving.served import add_version, found, point, serving, to_production
from tests.use_cases.serving.watched import Watched
from tests.waiting import PATIENCE_SECONDS, wait_for

pytestmark = pytest.mark.usefixtures("patient")


def size_bytes(model_id: str, runtime: Runtime) -> int:
    version = MODEL_VERSIONS.get(model_id, records=runtime.records).value
    model, plan, answers = (
        version.files[name].size_bytes for name in needed_files(ModelType(version.model_type))
    )
    return (model + answers) * BYTES_PER_MODEL_BYTE + plan * BYTES_PER_PLAN_BYTE


def test_the_latest_used_are_kept_as_far_as_they_fit(trained: Runtime, objects: Watched) -> None:
    first, second, third = list(MODELS)[:3]
    fits = max(size_bytes(f"{one}-v1", trained) for one in (second, third))
    room = size_bytes(f"{first}-v1", trained) + fits
    models = serving(trained.records, objects, ttl=5, max_bytes=room)

    for name in (first, second, first, third, first, second):
        found(models, model=name)

    loads = {name: objects.times(f"models/{name}/v1/preprocess.json") for name in MODELS}
    assert loads == {**dict.fromkeys(MODELS, 0), first: 1, second: 2, third: 1}


def test_a_model_that_is_larger_than_its_room_is_kept_until_another_is_asked_for(
    trained: Runtime, objects: Watched
) -> None:
    models = serving(trained.records, objects, ttl=5, max_bytes=1)

    for name in ("lightgbm", "lightgbm", "xgboost", "lightgbm"):
        found(models, model=name)

    assert objects.times("lightgbm/v1/model.txt") == 2
    assert objects.times("xgboost/v1/model.ubj") == 1


def test_what_was_just_followed_is_not_what_leaves_first(
    trained: Runtime, records: Watched
) -> None:
    for version in (3, 4):
        add_version("lightgbm-v2", version, trained)
    point("lightgbm", trained, production=1, staging=2)
    room = sum(size_bytes(f"lightgbm-v{version}", trained) for version in (3, 4))
    models = serving(records, trained.objects, max_bytes=room)
    stages = [ModelSelection(model="lightgbm", stage=one) for one in get_args(Stage)]
    for stage in stages:
        models.find(stage)

    records.slow = "lightgbm-v4"
    point("lightgbm", trained, production=3, staging=4)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(found, models, model="lightgbm")
        assert records.entered.wait(PATIENCE_SECONDS)
        for version in (1, 2):
            found(models, model="lightgbm", version=version)
        records.go_on.set()

    assert asked.result() == "lightgbm-v3"
    assert [models.at_hand(ModelSelection(model_id=f"lightgbm-v{one}")) for one in (1, 2)] == [
        None,
        None,
    ]


def test_the_files_of_a_model_are_read_at_once(trained: Runtime, objects: Watched) -> None:
    models = serving(trained.records, objects)
    objects.slow = "model.txt"

    with ThreadPoolExecutor() as pool:
        asked = pool.submit(found, models, model="lightgbm")
        wait_for(lambda: len(objects.calls) == len(needed_files(ModelType.LIGHTGBM)))
        objects.go_on.set()

    assert asked.result() == "lightgbm-v1"


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "catboost"])
def test_a_model_in_use_is_freed_after_its_last_request_and_no_sooner(
    trained: Runtime, name: str
) -> None:
    models = serving(trained.records, trained.objects, ttl=5, max_bytes=1)
    in_use = models.find(ModelSelection(model=name))
    booster = ref(in_use.model.booster)

    found(models, model="whole")
    while_in_use = booster()
    assert while_in_use is in_use.model.booster
    del in_use, while_in_use

    assert booster() is None


def test_a_model_that_was_followed_by_another_is_freed(trained: Runtime) -> None:
    models = serving(trained.records, trained.objects, ttl=0.01, max_bytes=1)
    booster = ref(models.find(ModelSelection(model="lightgbm")).model.booster)

    to_production("lightgbm-v2", trained)
    wait_for(lambda: found(models, model="lightgbm") == "lightgbm-v2")

    wait_for(lambda: booster() is None)


def test_a_rolled_back_version_is_still_there_if_there_is_room(
    trained: Runtime, objects: Watched
) -> None:
    models = serving(trained.records, objects)
    seen = [found(models, model="lightgbm")]

    for model_id in ("lightgbm-v2", "lightgbm-v1"):
        to_production(model_id, trained)
        seen.append(found(models, model="lightgbm"))

    assert seen == ["lightgbm-v1", "lightgbm-v2", "lightgbm-v1"]
    assert objects.times("v1/model.txt") == 1
