"""Say what a change deploys: `python .ci/changed.py BEFORE`, the commit that it is a change of.

Where that is not known here, all is new. Prints lines for $GITHUB_OUTPUT: which images are made of
something else than before, which deployables take them, and whether anything is to be deployed.
What runs already with the same image and the same settings is not touched by Terraform either.
"""

import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from image import IMAGES
from inputs import ROOT, digest, images_of_deployables, key


def changes(before: Path, after: Path) -> dict[str, str]:
    """Compare two trees of files."""
    images = [name for name in IMAGES if key(name, before) != key(name, after)]
    touched = [name for name, image in images_of_deployables(after).items() if image in images]
    infra = digest(before, "infra") != digest(after, "infra")
    return {
        "images": " ".join(images),
        "deployables": " ".join(touched),
        "deploy": "true" if images or infra else "false",
    }


def _unpack(commit: str, folder: Path) -> None:
    packed = subprocess.run(  # noqa: S603  # what begins with a hyphen is no option there
        ["git", "archive", "--format=tar", "--end-of-options", commit],  # noqa: S607  # any git
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if packed.returncode == 0:
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as files:
            files.extractall(folder, filter="data")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        _unpack(sys.argv[1], Path(place))
        for what, said in changes(Path(place), ROOT).items():
            print(f"{what}={said}")
