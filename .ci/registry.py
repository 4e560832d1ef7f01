"""Which images the registry has, by the key of what they are made of; see .ci/inputs.py.

Both read what `gcloud artifacts docker images list REGISTRY --include-tags --format=json` says:
`python .ci/registry.py missing` prints `IMAGE KEY` for each that is still to be built, and
`python .ci/registry.py digests` prints Terraform's variable, each image by its digest.
"""

import json
import sys
from typing import Any

from image import IMAGES
from inputs import key

Listed = list[dict[str, Any]]


def addresses(listed: Listed) -> dict[str, str]:
    """Return the addresses, with digests, of the images that are made of what is here."""
    found = {}
    for one in listed:
        name = one["package"].rpartition("/")[2]
        if name in IMAGES and key(name) in _tags(one):
            found[name] = f"{one['package']}@{one['version']}"
    return found


def main(action: str, *arguments: str) -> int:
    """Do what the first argument says."""
    found = addresses(json.load(sys.stdin))
    missing = {name: key(name) for name in IMAGES if name not in found}
    match action, *arguments:
        case ["missing"]:
            for name, wanted in missing.items():
                print(name, wanted)
        case ["digests"]:
            if missing:
                told = ", ".join(missing)
                print(
                    f"the registry lacks {told}: deploy this commit to dev first", file=sys.stderr
                )
                return 1
            json.dump({"images": found}, sys.stdout, indent=2)
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


def _tags(one: dict[str, Any]) -> set[str]:
    """Older versions of gcloud tell tags as one text."""
    tags = one.get("tags") or []
    return set(tags.split(",") if isinstance(tags, str) else tags)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
