"""The guide to searching shows the spaces that are searched, and every sampler and pruner."""

import re
from typing import get_args

import pytest

from mlsys.domain.choices import ModelType, Pruner, Sampler
from mlsys.domain.messages import PrunerOptions
from mlsys.domain.spaces.dimensions import Choice, Float, Int
from mlsys.domain.spaces.rules import BELONGS
from mlsys.domain.spaces.search import SPACES, defaults_of
from mlsys.domain.spaces.tunable import TUNABLE
from tests.docs.pages import ROOT, table

GUIDE = ROOT / "docs" / "search.md"


@pytest.mark.parametrize("model_type", list(ModelType), ids=str)
def test_the_default_space_of_each_library_is_shown_with_its_reasons(model_type: ModelType) -> None:
    space = SPACES[model_type]
    defaults = defaults_of(model_type, space)
    wanted = [[f"`{name}`", told(side), f"{defaults[name]:g}"] for name, side in space.items()]

    shown = table(GUIDE, model_type.value)

    assert [row[:3] for row in shown] == wanted
    assert all(row[3] for row in shown)


def test_what_else_can_be_searched_is_shown() -> None:
    wanted = {
        model_type.value: [name for name in TUNABLE[model_type] if name not in SPACES[model_type]]
        for model_type in ModelType
    }

    shown = {row[0].strip("`"): re.findall(r"`(\w+)`", row[1]) for row in table(GUIDE, "library")}

    assert shown == wanted


@pytest.mark.parametrize(("heading", "names"), [("sampler", Sampler), ("pruner", Pruner)])
def test_every_one_that_can_be_asked_for_is_shown(heading: str, names: object) -> None:
    shown = [row[0].strip("`") for row in table(GUIDE, heading)]

    assert sorted(shown) == sorted(get_args(names))


def test_every_option_of_a_pruner_is_shown_and_is_for_some_pruner() -> None:
    page = GUIDE.read_text()

    assert [name for name in PrunerOptions.model_fields if f"`{name}`" not in page] == []
    assert set(PrunerOptions.model_fields) == set(BELONGS)


def told(side: Float | Int | Choice) -> str:
    """Say a range as the guide does."""
    assert not isinstance(side, Choice)
    return f"{side.low:g} to {side.high:g}" + (", by magnitude" if side.log else "")
