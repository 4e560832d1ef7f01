"""The page about profiles shows a real one, and every field and warning there is."""

import json
import re
from typing import get_args

import numpy as np
import polars as pl

from mlsys.domain.profiling.reference import ColumnPart, ProfiledColumn, ProfiledPart
from mlsys.domain.report import Leak
from tests.docs.pages import ROOT, examples, table
from tests.domain.parting import seen

PAGE = ROOT / "docs" / "profile.md"


def test_the_example_is_what_its_table_gives() -> None:
    [example] = [one for one in examples("json") if one.page == PAGE]
    rows = table(PAGE, "age")
    ages = [int(age) if age else None for age, _, _ in rows]
    given = pl.DataFrame({"age": ages, "plan": [plan for _, plan, _ in rows]})
    codes = np.array([("train", "val", "test").index(part) for _, _, part in rows], np.int8)

    document = seen(given, codes).profile().document()

    assert json.loads(example.text) == document


def test_every_field_is_explained() -> None:
    fields = {*ColumnPart.model_fields, *ProfiledPart.model_fields, *ProfiledColumn.model_fields}
    named = set(re.findall(r"[`\"](\w+)[`\"]", PAGE.read_text()))

    assert fields - named == set()


def test_every_warning_has_its_remedy() -> None:
    rows = table(PAGE, "warning")

    assert [kind.strip("`") for kind, _, _ in rows] == list(
        get_args(Leak.model_fields["kind"].annotation)
    )
    assert all(when and remedy for _, when, remedy in rows)
