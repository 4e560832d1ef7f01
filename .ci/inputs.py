"""What goes into each image, as one key: images with the same key are the same.

`python .ci/inputs.py` prints the key of each image. An image is pushed with its key as its tag, so
the registry itself knows what is built already, and every environment runs the very same digest.
"""

import hashlib
import re
from pathlib import Path

from image import IMAGES

ROOT = Path(__file__).parents[1]
TABLE = "infra/deployables.yaml"
SHARED = (
    *(".ci/image.py", ".ci/lighten.py", ".ci/uv.txt", ".dockerignore", "Dockerfile"),
    *("pyproject.toml", "shared", "uv.lock"),
)
LEFT_OUT = {"__pycache__"}
DIGITS = 20


def images_of_deployables(root: Path = ROOT) -> dict[str, str]:
    """Read from the table which image each deployable takes; plain lines are enough for that."""
    table = (root / TABLE).read_text() if (root / TABLE).exists() else ""
    return dict(re.findall(r"^(\w+):$(?:\n(?!\w).*)*?\n  image: (\w+)$", table, re.MULTILINE))


def key(image: str, root: Path = ROOT) -> str:
    """Digest what an image is made of: the library, the lock, the build, its own deployables."""
    mine = [name for name, one in images_of_deployables(root).items() if one == image]
    folders = [f"{kind}/{name}" for name in mine for kind in ("functions", "jobs")]
    return digest(root, *SHARED, *folders, salt=image)


def digest(root: Path, *places: str, salt: str = "") -> str:
    """Digest names and contents of all files at these places."""
    digested = hashlib.sha256(salt.encode())
    found = {file for place in places for file in [root / place, *(root / place).rglob("*")]}
    for file in sorted(found):
        if file.is_file() and not LEFT_OUT & set(file.parts):
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            digested.update(f"\n{file.relative_to(root).as_posix()} {content}".encode())
    return digested.hexdigest()[:DIGITS]


if __name__ == "__main__":
    for name in IMAGES:
        print(name, key(name))
