"""How the tests of formats ask: as bytes over HTTP would, without a server."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import polars as pl

from mlsys.edge.http import Answer, Request, Table, respond
from mlsys.handlers.predict import routes
from mlsys.runtime import Runtime

ROW = {"size": 11, "colour": "red", "noise": 7}
DATED = {**ROW, "day": "2026-05-17"}
VALUED = {**DATED, "heavy": True}
TRUE_OR_NOT = {"colour": "red", "noise": 3, "price": 20.5}
ROWS: dict[str, dict[str, Any]] = {
    "lightgbm": ROW,
    "catboost": ROW,
    "whole": DATED,
    "truth": TRUE_OR_NOT,
    "value": VALUED,
    "mended": ROW,
    "kept": DATED,
}
"""A row that each model takes: text, whole numbers and booleans as classes, and a regression; two
classes in bands, and a regression within bounds."""


@dataclass(frozen=True)
class Predictor:
    """The routes of the predict function on a home."""

    runtime: Runtime

    def with_default(self, model: str) -> Self:
        """Let another model be the default one."""
        settings = self.runtime.settings.model_copy(update={"default_model": model})
        return type(self)(Runtime(settings))

    def answer(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request; a body that is no bytes goes as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        asked = Request(method, path, headers=headers or {}, body=content if body else b"")
        return respond(Table(routes(self.runtime.settings)), asked, self.runtime)

    def get(self, path: str) -> Any:
        """Read what answers 200."""
        return self._good(self.answer("GET", path))

    def post(self, path: str, body: Any, **headers: str) -> Any:
        """Send what is answered with 200; headers are written with `_`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._good(self.answer("POST", path, body, named))

    def refused(self, path: str, body: Any, **headers: str) -> Any:
        """Send what is answered with 400, and return what is said."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answered = self.answer("POST", path, body, named)
        assert answered.status == 400, answered.body
        return json.loads(answered.body)

    def predicted(self, model: str, rows: Sequence[Any], **parameters: Any) -> Any:
        """Ask in our own format, which the others are compared with."""
        body = {"model": model, "instances": rows, "parameters": parameters}
        return self.post("/v1/predict", body)["predictions"]

    @staticmethod
    def _good(answered: Answer) -> Any:
        assert answered.status == 200, answered.body
        return json.loads(answered.body)


def rows_for(model: str, table: pl.DataFrame) -> list[dict[str, Any]]:
    """Take what a model reads of a table, as JSON."""
    rows: list[dict[str, Any]] = json.loads(
        json.dumps(table.select(list(ROWS[model])).to_dicts(), default=str)
    )
    return rows
