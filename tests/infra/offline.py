"""Genuine Terraform on a copy of infra/, without network, against the provider's own schemas.

The program comes from the machine; what stands in for the provider comes from the folder that the
variable TERRAFORM_OFFLINE names: `tf`, and `extract_schema.py`, which takes the schemas out of
published packages. Nothing here talks to Google Cloud.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.infra.table import INFRA, ROOT

PACKAGES = {"7.46.1": "cdktn-provider-google==20.3.1", "8.7.0": "cdktn-provider-google==21.1.0"}
"""The packages whose bindings were made of a provider's schema, by the provider's version."""

TYPES = {*Path(__file__).with_name("types.txt").read_text().split()}
"""The types of resources that somebody has looked at; no other is deployed."""

CACHE = ROOT / ".tools" / "terraform"
# What Terraform says where the machine was too busy to start the provider in time, or where the
# tool, asked for something else meanwhile, was just writing down how it is started.
NOT_STARTED = (
    *("plugin exited before", "plugin to start", "handshake"),
    *("failed to instantiate provider", "text file busy", "Missing required provider"),
)
STARTS = 4
ENVIRONMENTS = ("dev", "staging", "prod")
MODULES = sorted(folder.name for folder in (INFRA / "modules").iterdir())
FOLDERS = [*(f"modules/{name}" for name in MODULES), *(f"envs/{name}" for name in ENVIRONMENTS)]


class Missing(Exception):
    """What is needed to run Terraform is not there; its text says what."""


@dataclass(frozen=True)
class Offline:
    """Terraform with one version of the provider."""

    tool: Path
    schema: Path
    provider: str

    def tf(self, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run the tool; the caller looks at how it ended."""
        command = [str(self.tool / "tf"), "-p", self.provider, *map(str, arguments)]
        for _ in range(STARTS):
            ended = _run(command, cwd=cwd, STUB_PROVIDER_SCHEMA=str(self.schema))
            if not any(one in ended.stderr + ended.stdout for one in NOT_STARTED):
                break
        return ended

    def complaints(self, infra: Path, folder: str) -> list[str]:
        """Format and validate one module or environment; return what is wrong."""
        ended = self.tf("validate", infra / folder, cwd=infra)
        return [] if ended.returncode == 0 else [*ended.stdout.splitlines(), ended.stderr]

    def test(self, infra: Path, module: str) -> subprocess.CompletedProcess[str]:
        """Run the tests of one module."""
        folder = infra / "modules" / module
        _run(["terraform", f"-chdir={folder}", "get", "-no-color"], cwd=infra)
        return self.tf("test", folder, cwd=infra)

    def run(
        self, infra: Path, environment: str, commands: Sequence[Sequence[str]]
    ) -> subprocess.CompletedProcess[str]:
        """Run commands on one environment, one after the other, on an empty state."""
        words: list[str] = []
        for command in commands:
            words += ["--then", *command]
        return self.tf("run", infra, f"envs/{environment}", *words[1:], cwd=infra)

    def plan(self, infra: Path, environment: str, variables: Path) -> tuple[Any, str]:
        """Plan one environment; return the plan as JSON, or None and why there is none."""
        file = infra / f"{environment}-{self.provider}.plan"
        asked = ["plan", "-no-color", f"-var-file={variables}", f"-out={file}"]
        ended = self.run(infra, environment, [asked, ["show", "-json", str(file)]])
        if ended.returncode != 0:
            return None, ended.stdout + ended.stderr
        return json.loads(ended.stdout.splitlines()[-1]), ""


def offline(provider: str) -> Offline:
    """Find the tool, and make the schema of the types that infra/ names. Raises Missing."""
    if shutil.which("terraform") is None:
        raise Missing("there is no terraform on the PATH")
    named = os.environ.get("TERRAFORM_OFFLINE", "")
    tool = Path(named).absolute()
    if not named or not (tool / "tf").exists():
        raise Missing("no folder TERRAFORM_OFFLINE with what stands in for the provider")
    return Offline(tool, _schema(tool, provider), provider)


def copied(into: Path) -> Path:
    """Copy infra/, so that nothing is written beside the sources."""
    left = shutil.ignore_patterns(".terraform*")
    return Path(shutil.copytree(INFRA, into / "infra", ignore=left))


def types_of(infra: Path) -> set[str]:
    """Return the types of resources that are named."""
    texts = (file.read_text() for file in infra.rglob("*.tf"))
    return {
        found for text in texts for found in re.findall(r'^resource "(\w+)"', text, re.MULTILINE)
    }


def variables_of(environment: str, **changes: Any) -> Mapping[str, Any]:
    """Return what an operator would set, with every option in use."""
    registry = f"europe-west1-docker.pkg.dev/demo-{environment}/mlsys-{environment}"
    digest = f"sha256:{'0123456789abcdef' * 4}"
    return {
        "project_id": f"demo-{environment}",
        "project_number": "123456789012",
        "images": {
            name: f"{registry}/{name}@{digest}" for name in ("serve", "ingest", "train", "explain")
        },
        "invokers": {
            "callers": ["group:analysts@example.com"],
            "promoters": ["user:lead@example.com"],
        },
        "source_buckets": ["demo-lake"],
        "host": "ml.example.com",
        "repository_id": "123",
        "repository_owner_id": "456",
        "state_bucket": "demo-state",
        "registry_readers": [
            "serviceAccount:service-1@serverless-robot-prod.iam.gserviceaccount.com"
        ],
        "emails": ["operators@example.com"],
        "billing_account": "012345-6789AB-CDEF01",
        **changes,
    }


def _schema(tool: Path, provider: str) -> Path:
    """Take the schema out of its package, once for the types that there are."""
    types = ",".join(sorted(TYPES))
    stamp = hashlib.sha256(types.encode()).hexdigest()[:12]
    schema = CACHE / f"google-{provider}-{stamp}.json"
    if schema.exists():
        return schema
    CACHE.mkdir(parents=True, exist_ok=True)
    if not (packages := sorted(CACHE.glob(f"*{_version(provider)}*.whl"))):
        _get(PACKAGES[provider])
        packages = sorted(CACHE.glob(f"*{_version(provider)}*.whl"))
    fresh = schema.with_suffix(f".{os.getpid()}")
    made = _run(
        [
            *(sys.executable, str(tool / "extract_schema.py"), str(packages[0]), str(fresh)),
            *("--slim", "--only", types),
        ],
        cwd=ROOT,
    )
    if made.returncode != 0:
        raise Missing(f"no schema of the provider {provider}: {made.stderr[-300:]}")
    return fresh.rename(schema)


def _version(provider: str) -> str:
    return PACKAGES[provider].partition("==")[2]


def _get(package: str) -> None:
    command = ["python3", "-m", "pip", "download", "-q", "--no-deps", "-d", str(CACHE), package]
    ended = _run(command, cwd=ROOT)
    if ended.returncode != 0:
        raise Missing(f"{package} cannot be had: {ended.stderr[-300:]}")


def _run(
    command: Sequence[str], *, cwd: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    return subprocess.run(
        command,
        cwd=cwd,
        env={**inherited, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
