"""Every example is run or read, every link leads somewhere, every target exists."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from mlsys.domain.answers import Predictions
from mlsys.domain.dataset import read_dataset
from mlsys.domain.messages import ExperimentRequest
from mlsys.domain.postprocess_wish import PostprocessWish
from mlsys.edge.formats.inference import InferRequest
from mlsys.edge.formats.instances import InstancesRequest
from mlsys.edge.formats.mlflow import Invocation
from mlsys.edge.parsing import parse_json, parse_model
from mlsys.use_cases.cancelling import CancelRequest
from mlsys.use_cases.create_split import CreateSplit
from mlsys.use_cases.importance import ImportanceRequest
from mlsys.use_cases.model_heads import PromoteRequest
from mlsys.use_cases.predict import PredictRequest
from mlsys.use_cases.splits import UpdateSplit
from tests.docs.pages import API, FENCE, PAGES, ROOT, Example, examples

REQUESTS: tuple[type[BaseModel], ...] = (
    CancelRequest,
    CreateSplit,
    ExperimentRequest,
    ImportanceRequest,
    InferRequest,
    InstancesRequest,
    Invocation,
    PostprocessWish,
    PredictRequest,
    PromoteRequest,
    UpdateSplit,
)
SHOWN: tuple[type[BaseModel], ...] = (*REQUESTS, Predictions)
MODELS = {model.__name__: model for model in SHOWN}


def test_no_example_is_left_out() -> None:
    fences = sum(page.read_text().count("\n```") for page in PAGES)
    found = [len(FENCE.findall(page.read_text())) for page in PAGES]

    languages = {block[0] for page in PAGES for block in FENCE.findall(page.read_text())}

    assert fences == 2 * sum(found) > 0
    assert languages == {"json", "python", "sh"}


@pytest.mark.parametrize("example", examples("python"), ids=str)
def test_python_runs(example: Example, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", example.text], cwd=tmp_path, check=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_within_a_command_is_python(page: Path) -> None:
    programs = re.findall(r"python3? -c '([^']+)'", page.read_text())

    for program in programs:
        compile(program.replace("\n    ", "\n"), page.name, "exec")


@pytest.mark.parametrize("example", examples("json"), ids=str)
def test_json_is_what_it_says(example: Example) -> None:
    content = example.text.encode()
    if example.model == "Dataset":
        read_dataset(content)
    elif example.model:
        parse_model(parse_json(content), MODELS[example.model])
    else:
        parse_json(content)


def test_json_of_each_request_is_shown() -> None:
    shown = {example.model for example in examples("json")}

    assert shown == {*MODELS, "Dataset", ""}


@pytest.mark.parametrize("model", REQUESTS)
def test_every_field_of_a_request_is_documented(model: type[BaseModel]) -> None:
    page = API.read_text()
    schema = model.model_json_schema()
    kinds = [schema, *schema.get("$defs", {}).values()]
    fields = {name for kind in kinds for name in kind.get("properties", {})}

    assert fields
    assert {name for name in fields if f"`{name}`" not in page} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_target_that_is_named_exists() -> None:
    made = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for page in PAGES
        for target in re.findall(r"(?:^ *|`)make ([a-z-]+)", page.read_text(), re.MULTILINE)
    }

    assert {"demo", "test"} <= named
    assert named - made == set()


def test_every_decision_says_what_would_change_our_mind() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    headings = ["## Context", "## Decision", "## Consequences", "## What would change our mind"]

    numbers = [int(decision.name[:4]) for decision in decisions]

    assert numbers == list(range(1, len(decisions) + 1))
    for decision in decisions:
        assert re.findall(r"^## .*", decision.read_text(), re.MULTILINE) == headings
