"""The build on Google Cloud: each step is there, in its order, and a mistake in it is caught."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.delivery.cloud_build import faults

ROOT = Path(__file__).parents[2]
BUILD = (ROOT / "cloudbuild.yaml").read_text()
STEPS = {step["id"]: step for step in yaml.safe_load(BUILD)["steps"]}


def test_there_is_nothing_to_say_against_the_build() -> None:
    assert faults(BUILD) == []


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ("waitFor: [missing]", "waitFor: [mising]", "build waits for mising, which is no step"),
        (
            "waitFor: [build]",
            "waitFor: [smoke]",
            "digests waits for smoke, which is no step before",
        ),
        ("timeout: 5400s", "timeOut: 5400s", "timeOut is no key of a build"),
        ("  _REGION: europe-west1\n", "", "_REGION is nowhere given"),
        ("  _REGION:", "  _ZONE: a\n  _REGION:", "_ZONE is never used"),
        ("name: $_DOCKER", "name: docker:29", "docker:29 is not pinned by a digest"),
        ("id: plan", "id: apply", "two steps are called apply"),
        (" libgomp1", "", "test lacks libgomp1"),
        ("set -eu\n", "", "plan goes on after a command that failed"),
    ],
)
def test_a_mistake_in_the_build_is_caught(right: str, wrong: str, fault: str) -> None:
    assert right in BUILD

    assert any(one.startswith(fault) for one in faults(BUILD.replace(right, wrong, 1)))


def test_tests_run_on_the_image_that_is_built_upon() -> None:
    python = yaml.safe_load(BUILD)["substitutions"]["_PYTHON"]

    assert f"\nARG BASE_IMAGE={python}\n" in (ROOT / "Dockerfile").read_text()


def test_nothing_is_applied_before_all_that_must_have_passed() -> None:
    before = set[str]()
    waiting = ["apply"]
    while waiting:
        wanted = [one for one in STEPS[waiting.pop()]["waitFor"] if one != "-"]
        waiting += wanted
        before |= set(wanted)

    assert before == set(STEPS) - {"apply", "smoke"}
    assert STEPS["smoke"]["waitFor"] == ["apply"]


def test_every_program_that_a_step_calls_is_there() -> None:
    called = re.findall(r"\.ci/\w+\.\w+", BUILD)

    assert {".ci/image.py", ".ci/registry.py", ".ci/smoke.py"} <= set(called)
    assert all((ROOT / one).exists() for one in called)


def test_only_dev_is_applied() -> None:
    assert set(re.findall(r"infra/envs/(\w+)", BUILD)) == {"dev"}


def test_the_url_to_ask_comes_from_what_terraform_says() -> None:
    outputs = {"platform": {"value": {"urls": {"predict": "https://predict", "health": "x"}}}}

    found = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "smoke.py"), "url"],
        input=json.dumps(outputs),
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stdout == "https://predict\n"
