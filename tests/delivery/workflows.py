"""Finds what no workflow of ours may do."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

PINNED = re.compile(r"^\s*(?:- )?uses: (?:\./\S+|\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$")
LIFELONG = re.compile(r"\bsecrets\.\w+|credentials_json", re.IGNORECASE)
MAY_WRITE = {"contents", "id-token", "security-events"}


def faults(text: str) -> list[str]:
    """Say what is wrong."""
    workflow: dict[str, Any] = yaml.safe_load(text)
    told = [
        f"not pinned by a commit with its version: {line.strip()}"
        for line in text.splitlines()
        if re.match(r"^\s*(- )?uses:", line) and not PINNED.match(line)
    ]
    told += [f"a key that lives on: {found[0]}" for found in LIFELONG.finditer(text)]
    if workflow.get("permissions") != {}:
        told.append("its jobs may what they do not ask for: permissions are to be {} at the top")
    if workflow.get("defaults") != {"run": {"shell": "bash"}}:
        told.append("what fails in a pipe passes unnoticed: name the shell bash")
    for name, job in workflow["jobs"].items():
        told += [f"{name} {fault}" for fault in _of_job(job)]
    return told


def _of_job(job: dict[str, Any]) -> Iterator[str]:
    permissions = job.get("permissions")
    if not isinstance(permissions, dict):
        yield "does not say what it may"
    else:
        for what, how in permissions.items():
            if how != "read" and what not in MAY_WRITE:
                yield f"may write {what}"
    if "uses" not in job and "timeout-minutes" not in job:
        yield "may run for hours"
    for step in job.get("steps", []):
        kept = step.get("with", {}).get("persist-credentials") is not False
        if "actions/checkout@" in step.get("uses", "") and kept:
            yield "leaves its token in the checkout"
        if "${{" in step.get("run", ""):
            yield "puts what others wrote into a shell"
