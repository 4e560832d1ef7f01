"""Terraform itself takes every module and environment, and its plans keep our rules.

All is validated against the provider's schemas; Google Cloud itself knows more rules than they do.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.infra.conftest import unchecked, written
from tests.infra.front import led, wanted
from tests.infra.offline import ENVIRONMENTS, FOLDERS, MODULES, TYPES, Offline, variables_of
from tests.infra.online import Online
from tests.infra.policy import Plan, findings
from tests.infra.table import INFRA, read_table

URL_MAP = "google_compute_url_map"
pytestmark = pytest.mark.terraform


def test_all_of_it_is_formatted() -> None:
    program = shutil.which("terraform")
    if program is None:
        unchecked("there is no terraform on the PATH")

    ended = subprocess.run(
        [program, "fmt", "-check", "-recursive", "-diff", str(INFRA)],
        env={**os.environ, "TF_CLI_CONFIG_FILE": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (0, "")


@pytest.mark.parametrize("folder", FOLDERS)
def test_it_is_valid(checker: Offline | Online, infra: Path, folder: str) -> None:
    assert checker.complaints(infra, folder) == []


@pytest.mark.parametrize("module", MODULES)
def test_a_modules_own_tests_pass(checker: Offline | Online, infra: Path, module: str) -> None:
    ended = checker.test(infra, module)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "0 failed" in ended.stdout
    assert not ended.stdout.rstrip().endswith("0 passed, 0 failed.")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_plan_keeps_the_rules(
    terraform: Offline, infra: Path, tmp_path: Path, environment: str
) -> None:
    variables = written(tmp_path, variables_of(environment))

    plan, trouble = terraform.plan(infra, environment, variables)

    assert trouble == ""
    assert findings(Plan(plan, environment, read_table()), types=TYPES) == []


def test_what_was_applied_leads_where_it_should_needs_no_change_and_can_be_destroyed(
    terraform: Offline, infra: Path, tmp_path: Path
) -> None:
    given = f"-var-file={written(tmp_path, variables_of('dev'))}"

    ended = terraform.run(
        infra,
        "dev",
        [
            ["apply", "-no-color", "-auto-approve", given],
            ["show", "-json"],
            ["plan", "-no-color", "-detailed-exitcode", given],
            ["plan", "-no-color", given, "-var=host=new.example.com"],
            ["destroy", "-no-color", "-auto-approve", given],
            ["state", "list"],
        ],
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Apply complete!" in ended.stdout
    assert "No changes." in ended.stdout
    assert re.search(r"Plan: 0 to add, \d+ to change, 0 to destroy\.", ended.stdout)
    assert ended.stdout.rstrip().splitlines()[-1].startswith("Destroy complete!")
    [state] = [line for line in ended.stdout.splitlines() if line.startswith('{"format_version"')]
    [front] = Plan({"planned_values": json.loads(state)["values"]}, "dev", {}).of(URL_MAP)
    rules = front.values["path_matcher"][0]["route_rules"]
    for method, path, name in wanted():
        assert f"/mlsys-{name}-dev/" in str(led(rules, method, path)), (method, path)
