"""The default model is loaded before anybody asks for it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.testing import capture_logs

from mlsys.domain.errors import NotFound
from mlsys.handlers.predict import load_ahead
from mlsys.runtime import Runtime
from mlsys.use_cases.serving.loaded_models import ModelSelection
from tests.use_cases.serving.served import found
from tests.use_cases.serving.watched import Watched
from tests.waiting import PATIENCE_SECONDS, wait_for

WISH = ModelSelection(model="lightgbm")


def starting(trained: Runtime, default_model: str, **watched: Watched) -> Runtime:
    """Return what a server starts with, some of its ports watched."""
    update = {"default_model": default_model, "pointer_ttl_seconds": 5.0}
    runtime = Runtime(trained.settings.model_copy(update=update))
    vars(runtime).update(watched)
    return runtime


def test_the_default_model_is_at_hand_for_the_first_who_asks(trained: Runtime) -> None:
    runtime = starting(trained, "lightgbm")

    load_ahead(runtime)
    wait_for(lambda: runtime.models.at_hand(WISH))

    assert runtime.models.find(WISH) is runtime.models.at_hand(WISH)


@pytest.mark.parametrize("slow", ["models/lightgbm", "model-versions/lightgbm-v1"])
def test_who_asks_meanwhile_waits_for_what_was_begun(
    trained: Runtime, records: Watched, objects: Watched, slow: str
) -> None:
    runtime = starting(trained, "lightgbm", record_reader=records, object_reader=objects)
    records.slow = slow

    load_ahead(runtime)
    assert records.entered.wait(PATIENCE_SECONDS)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(found, runtime.models, model="lightgbm")
        records.go_on.set()

    assert asked.result() == "lightgbm-v1"
    assert (records.times("models/lightgbm"), records.times("lightgbm-v1")) == (1, 1)
    assert objects.times("model.txt") == 1


def test_what_cannot_be_loaded_is_logged_and_tried_again_when_it_is_asked_for(
    trained: Runtime, records: Watched
) -> None:
    runtime = starting(trained, "lightgbm", record_reader=records)
    records.silent = True

    with capture_logs() as logs:
        load_ahead(runtime)
        wait_for(lambda: logs)
    records.silent = False

    [told] = logs
    assert (told["event"], told["model"]) == ("model.not_loaded_ahead", "lightgbm")
    assert told["reason"] == "Unavailable: nobody answers"
    assert found(runtime.models, model="lightgbm") == "lightgbm-v1"


def test_who_asks_for_a_default_model_that_is_nowhere_is_told_so(trained: Runtime) -> None:
    runtime = starting(trained, "nobodys")

    with capture_logs() as logs:
        load_ahead(runtime)
        wait_for(lambda: logs)

    with pytest.raises(NotFound, match="nobodys") as told:
        found(runtime.models, model="nobodys")
    assert logs[0]["reason"] == f"NotFound: {told.value}"


def test_threads_that_ask_at_once_share_one_engine(trained: Runtime, records: Watched) -> None:
    runtime = starting(trained, "", record_reader=records)

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(lambda: found(runtime.models, model="lightgbm")) for _ in range(8)]

    assert {one.result() for one in asked} == {"lightgbm-v1"}
    assert records.times("lightgbm-v1") == 1
