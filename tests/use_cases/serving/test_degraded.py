"""What cannot be read or loaded does not stop what is loaded, and is told."""

import json
import re
from collections.abc import MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from mlsys.domain.errors import Corrupt
from mlsys.edge.http import Answer, Request, Table, respond
from mlsys.handlers.predict import ROUTES
from mlsys.runtime import Runtime
from tests.use_cases.serving.served import (
    add_version,
    found,
    point,
    rewrite,
    serving,
    to_production,
    trouble,
)
from tests.use_cases.serving.watched import Watched
from tests.waiting import wait_for

pytestmark = pytest.mark.usefixtures("patient")

ROW = {"size": 11, "colour": "red", "noise": 7}
DAMAGED = "gs://artifacts/models/lightgbm/v2/model.txt"


def warnings_of(logs: list[MutableMapping[str, Any]]) -> list[str]:
    return [str(one["event"]) for one in logs if one["log_level"] != "info"]


def test_a_new_model_that_is_damaged_leaves_the_old_one_and_is_told_once(
    trained: Runtime, objects: Watched
) -> None:
    models = serving(trained.records, objects)
    found(models, model="lightgbm")
    trained.objects.put(DAMAGED, b"tree\ndamaged")
    to_production("lightgbm-v2", trained)

    with capture_logs() as logs:
        answered = {found(models, model="lightgbm") for _ in range(5)}

    assert answered == {"lightgbm-v1"}
    assert trouble(models, model="lightgbm") == "lightgbm-v2 is not loaded: corrupt"
    assert models.troubles() == {"lightgbm": "lightgbm-v2 is not loaded: corrupt"}
    assert warnings_of(logs) == ["pointer.not_followed"]
    assert objects.times("v2/model.txt") == 1


def test_a_new_model_that_is_mended_is_followed_after_a_while(
    trained: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlsys.use_cases.serving.shelf.REFUSED_SECONDS", 0.0)
    models = serving(trained.records, trained.objects)
    found(models, model="lightgbm")
    good = trained.objects.read(DAMAGED)
    trained.objects.put(DAMAGED, b"tree\ndamaged")
    to_production("lightgbm-v2", trained)
    found(models, model="lightgbm")

    trained.objects.put(DAMAGED, good)

    assert found(models, model="lightgbm") == "lightgbm-v2"
    assert trouble(models, model="lightgbm") == ""


def test_a_stage_that_cannot_be_followed_does_not_hold_up_the_other(trained: Runtime) -> None:
    models = serving(trained.records, trained.objects)
    point("lightgbm", trained, staging=1)
    found(models, model="lightgbm")
    rewrite(add_version("lightgbm-v2", 3, trained), "model.txt", b"tree\nnone", trained)

    point("lightgbm", trained, production=3, staging=2)

    assert found(models, model="lightgbm") == "lightgbm-v1"
    assert found(models, model="lightgbm", stage="staging") == "lightgbm-v2"
    assert trouble(models, model="lightgbm") == "lightgbm-v3 is not loaded: corrupt"


def a_number_short(plan: dict[str, Any]) -> dict[str, Any]:
    return plan | {"features": plan["features"][1:]}


def of_another_form(plan: dict[str, Any]) -> dict[str, Any]:
    return {"plan": plan}


@pytest.mark.parametrize("spoil", [a_number_short, of_another_form])
def test_a_new_model_that_is_as_registered_but_scores_nothing_is_not_followed(
    trained: Runtime, spoil: Any
) -> None:
    models = serving(trained.records, trained.objects)
    found(models, model="lightgbm")
    plan = json.loads(trained.objects.read("gs://artifacts/models/lightgbm/v2/preprocess.json"))
    spoilt = json.dumps(spoil(plan)).encode()
    rewrite(add_version("lightgbm-v2", 3, trained), "preprocess.json", spoilt, trained)

    point("lightgbm", trained, production=3)

    assert found(models, model="lightgbm") == "lightgbm-v1"
    assert trouble(models, model="lightgbm") == "lightgbm-v3 is not loaded: corrupt"


def without_leaves(content: bytes) -> bytes:
    """Let each leaf of an XGBoost model be NaN; they stand in one array with the thresholds."""
    name = b"split_conditions[$d#L"
    spoilt, *trees = content.split(name)
    for tree in trees:
        leaves = int.from_bytes(tree[:8], "big")
        spoilt += name + tree[:8] + b"\x7f\xc0\0\0" * leaves + tree[8 + 4 * leaves :]
    return spoilt


def test_a_model_whose_scores_are_no_numbers_is_corrupt(trained: Runtime) -> None:
    content = trained.objects.read("gs://artifacts/models/xgboost/v1/model.ubj")
    rewrite("xgboost-v1", "model.ubj", without_leaves(content), trained)

    with pytest.raises(Corrupt, match=r"xgboost-v1 scores a row \[nan\], which are no finite"):
        found(serving(trained.records, trained.objects), model="xgboost")


@pytest.mark.parametrize(
    ("how", "code", "event"),
    [
        ("silent", "unavailable", "pointer.not_read"),
        ("broken", "unforeseen", "pointer.failed"),
    ],
)
def test_a_pointer_that_is_not_read_is_told_once_until_it_is_read_again(
    trained: Runtime, records: Watched, how: str, code: str, event: str
) -> None:
    models = serving(records, trained.objects)
    found(models, model="lightgbm")

    with capture_logs() as logs:
        setattr(records, how, True)
        answered = {found(models, model="lightgbm") for _ in range(5)}
        told = trouble(models, model="lightgbm")
        setattr(records, how, False)
        wait_for(
            lambda: bool(found(models, model="lightgbm")) and not models.troubles()["lightgbm"]
        )

    assert answered == {"lightgbm-v1"}
    assert re.fullmatch(rf"pointer of lightgbm not read for \d+ s: {code}", told)
    assert [one["event"] for one in logs] == [event, "pointer.followed"]


def test_a_pointer_whose_answer_hangs_is_told_while_others_still_ask(
    trained: Runtime, records: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlsys.use_cases.serving.pointers.PATIENCE_SECONDS", 0.2)
    models = serving(records, trained.objects, ttl=0.3)
    found(models, model="lightgbm")
    records.slow = "models/lightgbm"

    def is_told() -> bool:
        assert found(models, model="lightgbm") == "lightgbm-v1"
        return "no answer yet" in trouble(models, model="lightgbm")

    wait_for(is_told)
    records.go_on.set()

    wait_for(lambda: bool(found(models, model="lightgbm")) and not models.troubles()["lightgbm"])


def test_a_version_that_is_named_is_never_behind(trained: Runtime, records: Watched) -> None:
    models = serving(records, trained.objects)
    found(models, model="lightgbm")
    records.silent = True
    found(models, model="lightgbm")

    assert trouble(models, model="lightgbm") != ""
    assert trouble(models, model="lightgbm", version=1) == ""
    assert trouble(models, model_id="lightgbm-v1") == ""
    assert trouble(models, model="never-asked-for") == ""


def ask(runtime: Runtime, method: str, path: str, body: Any = None) -> Answer:
    content = b"" if body is None else json.dumps(body).encode()
    return respond(Table(ROUTES), Request(method, path, body=content), runtime)


@pytest.fixture
def behind(trained: Runtime) -> Runtime:
    """A server that goes on with `lightgbm-v1`, though another was promoted."""
    settings = trained.settings.model_copy(update={"pointer_ttl_seconds": 0.0})
    runtime = Runtime(settings)
    ask(runtime, "POST", "/v1/predict", {"model": "lightgbm", "instances": [ROW]})
    trained.objects.put(DAMAGED, b"tree\ndamaged")
    to_production("lightgbm-v2", trained)
    return runtime


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/predict", {"model": "lightgbm", "instances": [ROW]}),
        ("POST", "/v1/models/lightgbm:predict", {"instances": [ROW]}),
        ("GET", "/v1/models/lightgbm/openapi.json", None),
    ],
)
def test_an_answer_of_a_model_that_is_behind_says_so_in_a_header(
    behind: Runtime, method: str, path: str, body: Any
) -> None:
    answered = ask(behind, method, path, body)

    assert answered.status == 200
    assert answered.headers["X-Mlsys-Degraded"] == "lightgbm-v2 is not loaded: corrupt"


def test_an_answer_of_a_model_that_is_not_behind_has_no_such_header(trained: Runtime) -> None:
    answered = ask(trained, "POST", "/v1/predict", {"model": "lightgbm", "instances": [ROW]})

    assert "X-Mlsys-Degraded" not in answered.headers


def test_a_server_that_is_behind_is_ready_and_says_which_model_is(behind: Runtime) -> None:
    ask(behind, "POST", "/v1/predict", {"model": "lightgbm", "instances": [ROW]})
    ask(behind, "GET", "/v1/models/xgboost")

    answered = ask(behind, "GET", "/readyz")

    told = {"lightgbm": "lightgbm-v2 is not loaded: corrupt", "xgboost": "ok"}
    assert answered.status == 200
    assert json.loads(answered.body) == {"status": "degraded", "backends": {}, "models": told}


def test_a_server_that_was_asked_for_versions_only_asks_no_backend(trained: Runtime) -> None:
    ask(trained, "GET", "/v2/models/lightgbm/versions/1")

    answered = ask(trained, "GET", "/readyz")

    assert json.loads(answered.body) == {
        "status": "ok",
        "backends": {},
        "models": {"lightgbm": "ok"},
    }


def test_a_server_that_was_asked_nothing_yet_is_ready_if_its_backends_answer(
    trained: Runtime,
) -> None:
    answered = ask(trained, "GET", "/readyz")

    backends = {"records": "ok", "objects": "ok"}
    assert json.loads(answered.body) == {"status": "ok", "backends": backends, "models": {}}
    assert ask(trained, "GET", "/livez").status == 200
