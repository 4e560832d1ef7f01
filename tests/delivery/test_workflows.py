"""What GitHub runs for us: nothing it may not, and only what is there."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.delivery.workflows import faults

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = {file.stem: file.read_text() for file in sorted(FOLDER.glob("*.yml"))}
CI, DEPLOY, RELEASE, ROLLOUT = (
    yaml.safe_load(WORKFLOWS[one]) for one in ("ci", "deploy", "release", "rollout")
)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_there_is_nothing_to_say_against_a_workflow(name: str) -> None:
    assert faults(WORKFLOWS[name]) == []


@pytest.mark.parametrize(
    ("name", "right", "wrong", "fault"),
    [
        ("ci", r"checkout@\w+ # v7.0.1", "checkout@v7", "not pinned by a commit"),
        ("ci", r"(checkout@\w+) # v7.0.1", r"\1", "not pinned by a commit"),
        ("ci", "permissions: {}", "permissions: write-all", "its jobs may what they do not ask"),
        ("ci", "permissions: {}\n", "", "its jobs may what they do not ask"),
        (
            "ci",
            "contents: read",
            "contents: read\n      packages: write",
            "lint may write packages",
        ),
        (
            "ci",
            "permissions:\n      contents: read",
            "continue-on-error: false",
            "lint does not say",
        ),
        ("ci", "    timeout-minutes: 20\n", "", "lint may run for hours"),
        ("ci", "persist-credentials: false", "lfs: false", "lint leaves its token"),
        ("ci", "run: make types", "run: make ${{ github.head_ref }}", "types puts what others"),
        ("release", "shell: bash", "shell: sh", "what fails in a pipe passes unnoticed"),
        ("rollout", "service_account:", "credentials_json:", "a key that lives on"),
        ("release", r"github\.token", "secrets.PYPI_TOKEN", "a key that lives on"),
    ],
)
def test_a_mistake_in_a_workflow_is_caught(name: str, right: str, wrong: str, fault: str) -> None:
    mistaken = re.sub(right, wrong, WORKFLOWS[name], count=1)
    assert mistaken != WORKFLOWS[name]

    assert any(one.startswith(fault) for one in faults(mistaken))


def test_every_target_and_program_that_a_workflow_calls_is_there() -> None:
    text = "\n".join(WORKFLOWS.values())
    targets = {
        one for found in re.findall(r"(?:run: |&& )make ([a-z -]+)", text) for one in found.split()
    }
    programs = set(re.findall(r"\.ci/\w+(?:\.\w+)?", text))
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert {"lint", "types", "docs", "infra", "delivery", "secrets", "audit", "bundle"} <= targets
    assert targets <= known
    assert {".ci/changed.py", ".ci/registry.py", ".ci/smoke.py"} <= programs
    assert all((ROOT / one).exists() for one in programs)


def test_infra_is_checked_by_terraform() -> None:
    used = [step.get("uses", "") for step in CI["jobs"]["infra"]["steps"]]

    assert any(one.startswith("hashicorp/setup-terraform@") for one in used)


def test_every_python_that_is_supported_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    told = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", project["requires-python"])
    assert told

    supported = [f"3.{minor}" for minor in range(int(told[1]), int(told[2]))]
    python = "Programming Language :: Python :: "
    classified = [one.removeprefix(python) for one in project["classifiers"] if python in one]

    assert CI["jobs"]["tests"]["strategy"]["matrix"]["python"] == classified == supported


def test_prod_takes_what_staging_took_and_only_by_hand() -> None:
    jobs: dict[str, Any] = DEPLOY["jobs"]

    assert jobs["prod"]["needs"] == ["images", "staging"]
    assert jobs["prod"]["with"]["images"] == jobs["staging"]["with"]["images"]
    assert "inputs.environment == 'prod'" in jobs["prod"]["if"]
    assert "workflow_dispatch" in jobs["staging"]["if"]
    assert "github.event_name == 'push'" in jobs["dev"]["if"]
    [confirmed] = [one for one in jobs["images"]["steps"] if one.get("name") == "Confirm"]
    assert 'test "$CONFIRM" = prod' in confirmed["run"]
    [built] = [one for one in jobs["images"]["steps"] if "build.sh" in one.get("run", "")]
    assert built["if"] == "github.event_name == 'push'"


def test_environments_wait_for_themselves_and_not_for_each_other() -> None:
    rollout = ROLLOUT["jobs"]["rollout"]

    assert DEPLOY["concurrency"] == {
        "group": "deploy-${{ inputs.environment || 'dev' }}",
        "cancel-in-progress": False,
    }
    assert rollout["concurrency"] == {
        "group": "rollout-${{ inputs.environment }}",
        "cancel-in-progress": False,
    }


@pytest.mark.parametrize(
    ("gh", "commit"),
    [("echo 0a1b", "0a1b"), ("true", ""), ("exit 1", "")],
    ids=["known", "first", "unknown"],
)
def test_a_push_is_compared_with_the_last_that_dev_took(
    gh: str, commit: str, tmp_path: Path
) -> None:
    [step] = [one for one in DEPLOY["jobs"]["changed"]["steps"] if one.get("id") == "changed"]
    programs = {"gh": f'echo "$*" > {tmp_path}/asked; {gh}', "python": 'printf "<%s>" "$@"'}
    for name, lines in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{lines}\n")
        (tmp_path / name).chmod(0o755)

    ran = subprocess.run(
        ["/bin/bash", "-eo", "pipefail", "-c", step["run"]],
        env={
            "PATH": f"{tmp_path}:/usr/bin:/bin",
            "GITHUB_OUTPUT": str(tmp_path / "output"),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        },
        check=False,
    )

    asked = (tmp_path / "asked").read_text().split()
    assert ran.returncode == 0
    assert (tmp_path / "output").read_text() == f"<.ci/changed.py><{commit}>"
    assert {"--workflow=deploy.yml", "--branch=main", "--event=push", "--status=success"} <= {
        *asked
    }
    assert DEPLOY["jobs"]["changed"]["permissions"]["actions"] == "read"


def test_a_merge_deploys_from_the_branch_that_google_cloud_lets_in() -> None:
    [branch] = DEPLOY[True]["push"]["branches"]  # what YAML takes the word "on" for
    delivery = (ROOT / "infra" / "modules" / "delivery" / "main.tf").read_text()

    assert f'assertion.ref == \\"refs/heads/{branch}\\"' in delivery


def test_nothing_is_published_that_did_not_pass() -> None:
    jobs = RELEASE["jobs"]

    assert jobs["tests"]["uses"] == "./.github/workflows/ci.yml"
    assert [jobs[one]["needs"] for one in ("build", "publish", "notes")] == [
        "tests",
        "build",
        "publish",
    ]
    assert jobs["publish"]["environment"] == "pypi"


def test_dependabot_waits_a_week_and_looks_at_every_lock() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    looked = {
        (one["package-ecosystem"], place)
        for one in updates
        for place in one.get("directories", [one.get("directory")])
    }

    assert all(one["cooldown"]["default-days"] >= 7 for one in updates)
    assert looked >= {
        ("github-actions", "/"),
        *(("uv", "/"), ("uv", "/.ci/checks"), ("pip", "/.ci"), ("npm", "/.ci/checks")),
        ("terraform", "/infra/envs/*"),
    }
