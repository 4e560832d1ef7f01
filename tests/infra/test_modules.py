"""What can be told of infra/ without Terraform: every module is written and tested alike."""

import re
from collections import Counter

import pytest

from tests.infra.offline import ENVIRONMENTS, FOLDERS, MODULES, TYPES, types_of
from tests.infra.table import INFRA

CONSTRAINT = 'version = ">= 7.46, < 9.0"'
VARIABLE = re.compile(r'^variable "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
USED = re.compile(r"\bvar\.(\w+)")
LINES = 300


def text_of(folder: str, pattern: str = "*.tf") -> str:
    return "\n".join(file.read_text() for file in sorted((INFRA / folder).glob(pattern)))


@pytest.mark.parametrize("folder", FOLDERS)
def test_it_takes_googles_provider_alone_in_the_versions_that_are_checked(folder: str) -> None:
    text = text_of(folder)

    assert re.findall(r'source\s+= "([\w-]+/[\w-]+)"', text) == ["hashicorp/google"]
    assert CONSTRAINT in re.sub(r" +", " ", text)


@pytest.mark.parametrize("folder", FOLDERS)
def test_it_reads_nothing_while_it_plans_and_counts_nothing(folder: str) -> None:
    assert re.findall(r'^data "|^  count\s+=', text_of(folder), re.MULTILINE) == []


def test_only_types_are_deployed_that_somebody_has_looked_at() -> None:
    assert types_of(INFRA) == TYPES


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_variable_is_described_typed_and_used(folder: str) -> None:
    text = text_of(folder)
    variables = dict(VARIABLE.findall(text))

    for body in variables.values():
        assert "description = " in body
        assert re.search(r"^  type +=", body, re.MULTILINE)
    assert set(USED.findall(text)) == set(variables)


@pytest.mark.parametrize("module", MODULES)
def test_each_validation_is_seen_to_refuse(module: str) -> None:
    folder = f"modules/{module}"
    bodies = VARIABLE.findall(text_of(folder))
    checks = {name: body.count("validation {") for name, body in bodies}
    refused = Counter(
        re.findall(r"expect_failures = \[var\.(\w+)\]", text_of(folder, "tests/*.tftest.hcl"))
    )

    assert Counter(checks) - refused == Counter()
    assert set(refused) == {name for name, number in checks.items() if number}


def test_a_variable_means_the_same_in_every_module() -> None:
    types: dict[str, set[str]] = {}
    for module in MODULES:
        for name, body in VARIABLE.findall(text_of(f"modules/{module}")):
            [type] = re.findall(r"^  type +=(.*)$", body, re.MULTILINE)
            types.setdefault(name, set()).add(type.strip())

    for name in ("project_id", "region", "name", "roles", "deployers", "labels", "environment"):
        assert len(types[name] - {"map(string)"}) <= 1, (name, types[name])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_is_thin_and_keeps_its_own_state(environment: str) -> None:
    text = text_of(f"envs/{environment}")

    assert f'prefix = "mlsys/{environment}"' in text
    assert re.findall(r"^(?:resource|locals)", text, re.MULTILINE) == []
    assert f'environment = "{environment}"' in re.sub(r" +", " ", text)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_calls_are_counted_as_the_projects_as_budgets_want_it(environment: str) -> None:
    [provider] = re.findall(
        r'^provider "google" \{\n(.*?)^\}',
        text_of(f"envs/{environment}"),
        re.MULTILINE | re.DOTALL,
    )

    assert "billing_project = var.project_id" in re.sub(r" +", " ", provider)
    assert "user_project_override = true" in provider


def test_environments_take_the_same_variables() -> None:
    assert len({text_of(f"envs/{one}", "variables.tf") for one in ENVIRONMENTS}) == 1


def test_a_file_reads_in_one_sitting() -> None:
    lengths = {file: len(file.read_text().splitlines()) for file in INFRA.rglob("*.tf")}

    assert {file: lines for file, lines in lengths.items() if lines > LINES} == {}


def test_each_finding_that_is_passed_over_has_its_reason() -> None:
    texts = "\n".join(file.read_text() for file in INFRA.rglob("*.tf"))

    skips = re.findall(r"#checkov:skip=(.*)$", texts, re.MULTILINE)

    assert skips
    assert [one for one in skips if not re.fullmatch(r"CKV2?_GCP_\d+:.{30,}", one)] == []
