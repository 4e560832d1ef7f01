"""Firestore has an index for each query that the code makes, and none that no query uses.

The queries are those that the code makes when each list route is asked with every choice of its
filters. A place that asks for an equality and an order, and was not reached that way, is noticed.
"""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from itertools import chain, combinations
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from pydantic import BaseModel

from mlsys.adapters.local.records import SqliteRecords
from mlsys.dev.routes import ROUTES
from mlsys.domain.experiment_records import Experiment, ExperimentStatus
from mlsys.domain.split_records import Split, SplitStatus
from mlsys.edge.http import Request, Route, Table, respond
from mlsys.edge.listing import ListQuery
from mlsys.ports import Page, Scalar
from mlsys.repositories.experiments import EXPERIMENTS
from mlsys.repositories.splits import SPLITS
from mlsys.runtime import Runtime
from mlsys.settings import Settings
from tests.infra.table import INFRA, ROOT

LIBRARY = ROOT / "shared" / "mlsys"
INDEXES = INFRA / "indexes.yaml"
PAGING = {"page_size", "page_token"}

Place = tuple[str, int]
Index = tuple[str, str, str]
"""Collection, field of an equality, field of the order."""


class Recording(SqliteRecords):
    """Notes what is asked, and from where."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.asked: set[Index] = set()
        self.places: set[Place] = set()

    def query(
        self,
        collection: str,
        *,
        where: Mapping[str, Scalar] | None = None,
        order_by: str | None = None,
        descending: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        if where and order_by:
            assert descending
            group = collection.rpartition("/")[2]
            self.asked |= {(group, name, order_by) for name in where}
            self.places |= set(_places())
        return super().query(
            collection,
            where=where,
            order_by=order_by,
            descending=descending,
            limit=limit,
            cursor=cursor,
        )


@pytest.fixture
def records(tmp_path: Path) -> Recording:
    """Return the records after each list was asked for in every way."""
    runtime = Runtime(Settings(home=tmp_path))
    recording = Recording(tmp_path / "records.db")
    vars(runtime)["records"] = recording
    _store(runtime)
    for route in ROUTES:
        if route.query is not None and issubclass(route.query, ListQuery):
            for chosen in _choices(route.query):
                _ask(route, chosen, runtime)
    delete = Request("DELETE", "/v1/splits/some", {}, {}, b"")
    assert respond(Table(ROUTES), delete, runtime).status == 200
    return recording


def test_every_query_has_its_indexes_and_every_index_a_query(records: Recording) -> None:
    assert records.asked == written(INDEXES)


@pytest.mark.parametrize(
    ("before", "after"),
    [("[deleted, entity_id,", "[deleted,"), ("studies: { equal: []", "studies: { equal: [name]")],
    ids=["missing", "idle"],
)
def test_an_index_too_few_or_too_many_is_noticed(
    records: Recording, tmp_path: Path, before: str, after: str
) -> None:
    text = INDEXES.read_text()
    changed = tmp_path / "indexes.yaml"

    changed.write_text(text.replace(before, after))

    assert before in text
    assert records.asked != written(changed)


def test_every_place_that_asks_for_equality_and_order_was_reached(records: Recording) -> None:
    sites = {(str(file), lines) for file in LIBRARY.rglob("*.py") for lines in _sites(file)}

    missed = [
        f"{Path(file).relative_to(ROOT)}:{lines.start}"
        for file, lines in sites
        if not any(reached == file and line in lines for reached, line in records.places)
    ]

    assert sites
    assert missed == []


def test_every_collection_has_a_row() -> None:
    source = "\n".join(file.read_text() for file in LIBRARY.rglob("*.py"))
    named = re.findall(r'Collection\("([a-z-]+)"|COLLECTION = "([a-z-]+)"', source)
    below = re.findall(r'f"(?:experiments|models)/\{\w+\}/([a-z]+)"', source)

    collections = {*filter(None, chain.from_iterable(named)), *below}

    assert collections == set(yaml.safe_load(INDEXES.read_text()))


def written(file: Path) -> set[Index]:
    rows = yaml.safe_load(file.read_text())
    return {
        (name, field, row.get("order_by", ""))
        for name, row in rows.items()
        for field in row["equal"]
    }


def _store(runtime: Runtime) -> None:
    """Keep one split and one experiment, so that what is listed below them is asked for."""
    now = runtime.now()
    common: dict[str, Any] = {"id": "some", "created_at": now, "updated_at": now}
    split = Split(
        **common,
        entity_id="a",
        status=SplitStatus.READY,
        source_uri="gs://uploads/a/b.csv",
        source_generation="1",
        strategy="random",
        seed=0,
    )
    experiment = Experiment(
        **common, name="a", status=ExperimentStatus.FAILED, request={}, request_id="r"
    )
    SPLITS.create("some", split, records=runtime.records)
    EXPERIMENTS.create("some", experiment, records=runtime.records)


def _choices(query: type[BaseModel]) -> Iterator[dict[str, str]]:
    """Yield every choice of the filters, each with a value that it takes."""
    schema = query.model_json_schema()
    filters = {
        name: value
        for name, one in schema["properties"].items()
        if name not in PAGING
        for value in [_value(one, schema.get("$defs", {}))]
    }
    for size in range(len(filters) + 1):
        for names in combinations(sorted(filters), size):
            yield {name: filters[name] for name in names}


def _value(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    shape = schema.get("anyOf", [schema])[0]
    shape = definitions.get(shape.get("$ref", "").rpartition("/")[2], shape)
    return "true" if shape.get("type") == "boolean" else str(shape.get("enum", ["a"])[0])


def _ask(route: Route[Runtime], chosen: dict[str, str], runtime: Runtime) -> None:
    path = re.sub(r"{\w+}", "some", route.path)
    answer = respond(Table(ROUTES), Request("GET", path, chosen, {}, b""), runtime)
    assert answer.status == 200, (path, urlencode(chosen), answer.body)


def _places() -> Iterator[Place]:
    frame = sys._getframe(2)  # noqa: SLF001  # the only way to know who asked
    while frame is not None and frame.f_back is not None:
        yield frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back


def _sites(file: Path) -> Iterator[range]:
    """Yield the lines of each call that may ask for an equality and an order."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            given = {keyword.arg for keyword in node.keywords}
            ordered = node.func.attr == "list" or "order_by" in given
            if node.func.attr in {"list", "query"} and "where" in given and ordered:
                yield range(node.lineno, (node.end_lineno or node.lineno) + 1)
