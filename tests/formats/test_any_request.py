"""Whatever OpenAPI lets a caller send, nothing answers that it was not foreseen."""

from pathlib import Path
from typing import Any

import pytest
import schemathesis
import structlog
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from mlsys.dev.app import build_app
from mlsys.edge.asgi import Server
from mlsys.handlers.predict import served
from mlsys.runtime import Runtime
from mlsys.settings import Settings
from tests.homes import copy_home

EXAMPLES = 15
QUIET = structlog.make_filtering_bound_logger(50)


@pytest.fixture(autouse=True)
def _quiet() -> None:
    structlog.configure(wrapper_class=QUIET)


@pytest.fixture
def runtime(trained_home: Path, tmp_path: Path) -> Runtime:
    copy_home(trained_home, tmp_path / "home")
    return Runtime(Settings(home=tmp_path / "home", threads=1, default_model="lightgbm"))


def test_no_request_that_openapi_allows_breaks_a_route(runtime: Runtime) -> None:
    known = {"name": "lightgbm", "model_id": "lightgbm-v1", "version": 1}

    seen = ask_everything(build_app(runtime), known)

    assert len(seen) > 25
    assert {status for statuses in seen.values() for status in statuses} <= {
        *(200, 201, 202, 400, 404, 409, 412, 413)
    }
    assert 200 in seen["GET /v2/models/{name}/ready"]
    assert 400 in seen["POST /invocations"]


def test_none_breaks_what_serves_predictions_by_itself(runtime: Runtime) -> None:
    known = {"name": "lightgbm", "version": 1}
    app = Starlette(routes=[Mount("/", Server(served(runtime), runtime))])  # it takes lifespans

    seen = ask_everything(app, known)

    assert {status for statuses in seen.values() for status in statuses} <= {200, 400, 404, 413}
    assert seen["GET /readyz"] == {200}
    assert 200 in seen["GET /v1/models/{name}"]


def test_a_route_that_breaks_is_noticed() -> None:
    async def document(_: Request) -> JSONResponse:
        return JSONResponse(
            {
                "openapi": "3.1.0",
                "info": {"title": "broken", "version": "1"},
                "paths": {"/break": {"get": {"responses": {"200": {"description": "never"}}}}},
            }
        )

    async def broken(_: Request) -> JSONResponse:
        return JSONResponse({}, status_code=500)

    app = Starlette(routes=[Route("/openapi.json", document), Route("/break", broken)])

    assert ask_everything(app, {}) == {"GET /break": {500}}


def ask_everything(app: Starlette, known: dict[str, Any]) -> dict[str, set[int]]:
    """Ask each operation a few times, half of them about what is there; return the statuses."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    found = list(schema.get_all_operations())
    operations = [one.ok() for one in found if isinstance(one, Ok)]
    assert len(operations) == len(found)
    return {f"{one.method.upper()} {one.path}": ask(one, known) for one in operations}


def ask(operation: schemathesis.APIOperation, known: dict[str, Any]) -> set[int]:
    statuses = set()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), there=st.booleans())
    def send(case: Any, there: bool) -> None:  # noqa: FBT001 - Hypothesis passes it by name
        if there:
            named = {name: one for name, one in known.items() if name in case.path_parameters}
            case.path_parameters |= named
        statuses.add(case.call().status_code)

    send()
    return statuses
