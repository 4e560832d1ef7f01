"""Genuine Terraform with Google's own provider, where nothing stands in for it: in CI on GitHub.

It is fetched, validates and tests. A plan would want somebody's leave to ask Google Cloud.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.infra.offline import MODULES, Missing


@dataclass(frozen=True)
class Online:
    """Terraform with the newest provider that infra/ takes."""

    plugins: Path

    def complaints(self, infra: Path, folder: str) -> list[str]:
        """Validate one module or environment; return what is wrong."""
        ended = self._initialised(infra / folder, "validate")
        return [] if ended.returncode == 0 else [ended.stdout, ended.stderr]

    def test(self, infra: Path, module: str) -> subprocess.CompletedProcess[str]:
        """Run the tests of one module."""
        return self._initialised(infra / "modules" / module, "test")

    def terraform(self, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
        """Run Terraform in a folder; the caller looks at how it ended."""
        command = ["terraform", f"-chdir={folder}", *words, "-no-color"]
        return subprocess.run(
            command,
            env={
                **os.environ,
                "CHECKPOINT_DISABLE": "1",
                "TF_PLUGIN_CACHE_DIR": str(self.plugins),
                "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1",
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def _initialised(self, folder: Path, command: str) -> subprocess.CompletedProcess[str]:
        begun = self.terraform(folder, "init", "-backend=false", "-input=false")
        return begun if begun.returncode != 0 else self.terraform(folder, command)


def online(infra: Path) -> Online:
    """Fetch the provider. Raises Missing."""
    if shutil.which("terraform") is None:
        raise Missing("there is no terraform on the PATH")
    plugins = infra.parent / "plugins"
    plugins.mkdir()
    found = Online(plugins)
    begun = found.terraform(infra / "modules" / MODULES[0], "init", "-backend=false")
    if begun.returncode != 0:
        raise Missing(f"the provider cannot be fetched: {' '.join(begun.stderr.split())}")
    return found
