"""The guide to contracts names every rule, and the published schema is the one that is in force."""

import json
from typing import get_args

import pytest
from pydantic import BaseModel

from mlsys.domain.contract import ColumnRule, Contract
from mlsys.domain.dataset_schema import dataset_schema
from mlsys.domain.report import RowRule, TableRule
from tests.docs.pages import ROOT, table

GUIDE = ROOT / "docs" / "contract.md"
SCHEMA = ROOT / "docs" / "dataset.schema.json"


@pytest.mark.parametrize(
    ("heading", "names"), [("rule about rows", RowRule), ("rule about the table", TableRule)]
)
def test_every_rule_is_in_its_table(heading: str, names: object) -> None:
    documented = [row[0] for row in table(GUIDE, heading)]

    assert documented == [f"`{name}`" for name in get_args(names)]


@pytest.mark.parametrize("model", [ColumnRule, Contract])
def test_every_field_of_a_contract_is_in_the_guide(model: type[BaseModel]) -> None:
    page = GUIDE.read_text()

    assert [name for name in model.model_fields if f'"{name}"' not in page] == []


def test_the_published_schema_is_the_one_in_force() -> None:
    published = json.loads(SCHEMA.read_text())

    renew = "renew it: mlsys contract schema > docs/dataset.schema.json"
    assert published == dataset_schema(), renew


def test_every_field_of_the_schema_says_what_it_is() -> None:
    schema = dataset_schema()
    models = [schema, *(one for one in schema["$defs"].values() if "properties" in one)]

    fields = [(one["title"], name) for one in models for name in one["properties"]]
    bare = [
        (one["title"], name)
        for one in models
        for name, field in one["properties"].items()
        if not field.get("description")
    ]

    assert len(fields) > 40
    assert bare == []
