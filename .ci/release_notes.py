"""Print what CHANGELOG.md says of a release: `python .ci/release_notes.py v1.2.3`.

It fails where the tag is not the version in pyproject.toml, or nothing is written about it.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def notes(tag: str, project: str, changelog: str) -> str:
    """Return the section of a version, without its title."""
    version = tomllib.loads(project)["project"]["version"]
    if tag != f"v{version}":
        raise ValueError(f"the tag is {tag!r}, pyproject.toml says {version!r}: they must agree")
    title = re.escape(version)
    found = re.search(rf"^## \[?{title}\]?(?: .*)?\n((?:(?!## ).*\n?)*)", changelog, re.MULTILINE)
    if found is None or not found[1].strip():
        raise ValueError(f"CHANGELOG.md has no section {version!r}: give `Unreleased` that title")
    return found[1].strip() + "\n"


if __name__ == "__main__":
    try:
        told = notes(
            sys.argv[1], (ROOT / "pyproject.toml").read_text(), (ROOT / "CHANGELOG.md").read_text()
        )
    except ValueError as error:
        sys.exit(str(error))
    print(told, end="")
