"""A model that will be asked for is loaded before anybody asks."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.testing import capture_logs

from mlsys.domain.errors import NotFound
from mlsys.runtime import Runtime
from mlsys.use_cases.serving.loaded_models import ModelSelection
from tests.use_cases.serving.served import found, serving
from tests.use_cases.serving.watched import Watched
from tests.waiting import PATIENCE_SECONDS, wait_for

WISH = ModelSelection(model="lightgbm")


def test_what_is_loaded_ahead_is_at_hand_for_the_first_who_asks(trained: Runtime) -> None:
    models = serving(trained.records, trained.objects, ttl=60)

    models.load_ahead(WISH)
    wait_for(lambda: models.at_hand(WISH))

    assert models.find(WISH) is models.at_hand(WISH)


@pytest.mark.parametrize("slow", ["models/lightgbm", "model-versions/lightgbm-v1"])
def test_who_asks_meanwhile_waits_for_what_was_begun(
    records: Watched, objects: Watched, slow: str
) -> None:
    models = serving(records, objects, ttl=60)
    records.slow = slow

    models.load_ahead(WISH)
    assert records.entered.wait(PATIENCE_SECONDS)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(found, models, model="lightgbm")
        records.go_on.set()

    assert asked.result() == "lightgbm-v1"
    assert (records.times("models/lightgbm"), records.times("lightgbm-v1")) == (1, 1)
    assert objects.times("model.txt") == 1


def test_what_cannot_be_loaded_ahead_is_logged_and_tried_again_when_it_is_asked_for(
    records: Watched, objects: Watched
) -> None:
    models = serving(records, objects)
    records.silent = True

    with capture_logs() as logs:
        models.load_ahead(WISH)
        wait_for(lambda: logs)
    records.silent = False

    [told] = logs
    assert (told["event"], told["reason"]) == ("model.not_loaded_ahead", "nobody answers")
    assert found(models, model="lightgbm") == "lightgbm-v1"


def test_who_asks_for_a_model_that_could_not_be_loaded_ahead_is_told_why(trained: Runtime) -> None:
    models = serving(trained.records, trained.objects)
    wish = ModelSelection(model="nobodys")

    with capture_logs() as logs:
        models.load_ahead(wish)
        wait_for(lambda: logs)

    with pytest.raises(NotFound, match="nobodys") as told:
        models.find(wish)
    assert logs[0]["reason"] == str(told.value)
