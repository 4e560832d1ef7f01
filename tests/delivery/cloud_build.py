"""Finds what is wrong with a cloudbuild.yaml that its schema lets pass."""

import re
from typing import Any

import yaml

KEYS = {
    *("artifacts", "availableSecrets", "dependencies", "images", "logsBucket", "options"),
    *("queueTtl", "secrets", "serviceAccount", "source", "steps", "substitutions", "tags"),
    "timeout",
}
BUILT_IN = {
    *("BUILD_ID", "LOCATION", "PROJECT_ID", "PROJECT_NUMBER", "SERVICE_ACCOUNT"),
    *("BRANCH_NAME", "COMMIT_SHA", "REF_NAME", "REPO_NAME", "SHORT_SHA", "TAG_NAME"),
}
NAME = re.compile(r"(?<!\$)\$\{?([A-Z_][A-Z0-9_]*)\b")
TESTS = re.compile(r"^make .*\btest\b", re.MULTILINE)
PINNED = re.compile(r"@sha256:[0-9a-f]{64}$")


def faults(text: str) -> list[str]:
    """Say what is wrong."""
    build: dict[str, Any] = yaml.safe_load(text)
    told = [f"{key} is no key of a build" for key in build if key not in KEYS]
    steps = build.get("steps", [])
    ids = [step.get("id") for step in steps]
    told += [f"two steps are called {one}" for one in sorted({i for i in ids if ids.count(i) > 1})]
    for place, step in enumerate(steps):
        told += [
            f"{step['id']} waits for {other}, which is no step before it"
            for other in step.get("waitFor", [])
            if other != "-" and other not in ids[:place]
        ]
        if "set -e" not in step.get("script", "set -e"):
            told.append(f"{step['id']} goes on after a command that failed")
        if TESTS.search(step.get("script", "")) and "libgomp1" not in step["script"]:
            told.append(f"{step['id']} lacks libgomp1, which LightGBM links")

    given = build.get("substitutions", {})
    used = set(NAME.findall(_without_own(yaml.safe_dump(build, width=10_000))))
    told += [f"{name} is never used" for name in given if name not in used]
    told += [f"{name} is nowhere given" for name in sorted(used - set(given) - BUILT_IN)]
    images = [NAME.sub(lambda found: given.get(found[1], ""), one["name"]) for one in steps]
    told += [f"{one} is not pinned by a digest" for one in images if not PINNED.search(one)]
    return told


def _without_own(text: str) -> str:
    """Leave out variables that a script sets itself."""
    own = set(re.findall(r"\b([A-Z_]+)=", text))
    return NAME.sub(lambda found: "" if found[1] in own else found[0], text)
