"""What a change is made of decides which images are built, and what is deployed."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from changed import changes
from image import IMAGES
from inputs import ROOT, SHARED, images_of_deployables, key
from registry import addresses
from tests.docs.pages import PAGES
from tests.infra.table import read_table

CALLS = {
    (str(file.relative_to(ROOT)), *arguments.split())
    for file in (*PAGES, ROOT / "cloudbuild.yaml", *ROOT.glob(".github/workflows/*.yml"))
    for arguments in re.findall(r"\.ci/registry\.py((?: +\w+)*)", file.read_text())
}
REGISTRY = "europe-west1-docker.pkg.dev/demo-dev/mlsys-dev"
ALL = " ".join(IMAGES)


def test_the_table_is_read_as_yaml_reads_it() -> None:
    assert images_of_deployables() == {name: row.image for name, row in read_table().items()}


@pytest.mark.parametrize(
    ("file", "images", "deployables"),
    [
        ("functions/importance/main.py", "explain", "importance"),
        ("jobs/study/__main__.py", "train", "study"),
        ("jobs/ingest/__main__.py", "ingest", "splits split ingest"),
        ("shared/mlsys/settings.py", ALL, None),
        ("uv.lock", ALL, None),
        ("Dockerfile", ALL, None),
        ("infra/modules/new.tf", "", ""),
    ],
)
def test_a_change_deploys_what_it_is_part_of(
    file: str, images: str, deployables: str | None, trees: tuple[Path, Path]
) -> None:
    before, after = trees
    (after / file).parent.mkdir(parents=True, exist_ok=True)
    with (after / file).open("a") as changed:
        changed.write("\n# changed\n")

    told = changes(before, after)

    everything = " ".join(images_of_deployables())
    assert told == {
        "images": images,
        "deployables": everything if deployables is None else deployables,
        "deploy": "true",
    }


@pytest.mark.parametrize("file", ["README.md", "docs/api.md", "tests/test_new.py", "CHANGELOG.md"])
def test_what_no_image_has_deploys_nothing(file: str, trees: tuple[Path, Path]) -> None:
    before, after = trees
    (after / file).parent.mkdir(parents=True, exist_ok=True)
    (after / file).write_text("new")

    assert changes(before, after) == {"images": "", "deployables": "", "deploy": "false"}


def test_everything_is_new_where_nothing_was(tmp_path: Path) -> None:
    assert changes(tmp_path, ROOT)["images"] == ALL


@pytest.mark.parametrize("commit", ["", "0a1b"], ids=["none", "of another clone"])
def test_everything_is_new_since_a_commit_that_nobody_knows(commit: str) -> None:
    told = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "changed.py"), commit],
        capture_output=True,
        text=True,
        check=True,
    )

    assert f"images={ALL}\n" in told.stdout
    assert told.stdout.endswith("deploy=true\n")


def test_compiled_files_change_no_key(trees: tuple[Path, Path]) -> None:
    before, after = trees
    compiled = after / "shared" / "mlsys" / "__pycache__"
    compiled.mkdir(exist_ok=True)
    (compiled / "settings.pyc").write_text("compiled")

    assert key("serve", before) == key("serve", after)


@pytest.mark.parametrize("written", [lambda tags: tags, ",".join], ids=["list", "text"])
def test_an_image_is_found_by_what_it_is_made_of(written: Callable[[list[str]], object]) -> None:
    listed = [
        _image("serve", "1", written([key("serve"), "another"])),
        _image("train", "2", written(["older"])),
        _image("cache", "3", written([key("serve")])),
        _image("ingest", "4", None),
    ]

    assert addresses(listed) == {"serve": f"{REGISTRY}/serve@sha256:{'1' * 64}"}


def test_what_the_registry_lacks_is_built_first() -> None:
    some = [_image("serve", "1", [key("serve")])]
    every = [_image(name, "2", [key(name)]) for name in IMAGES]

    missing = _registry(some, "missing")
    refused = _registry(some, "digests")
    told = _registry(every, "digests")

    wanted = [f"{name} {key(name)}" for name in IMAGES if name != "serve"]
    assert missing.stdout.splitlines() == wanted
    assert refused.returncode == 1
    assert "explain, ingest, train" in refused.stderr
    assert json.loads(told.stdout) == {
        "images": {name: f"{REGISTRY}/{name}@sha256:{'2' * 64}" for name in IMAGES}
    }


def test_the_registry_is_asked_only_what_it_answers() -> None:
    every = [_image(name, "2", [key(name)]) for name in IMAGES]

    refused = [call for call in sorted(CALLS) if _registry(every, *call[1:]).returncode != 0]

    assert {"docs/cloud.md", "docs/operations.md", "cloudbuild.yaml"} <= {call[0] for call in CALLS}
    assert refused == []


@pytest.mark.parametrize(("exits", "lines"), [(0, 4), (1, 1)], ids=["works", "fails"])
def test_what_is_missing_is_built_and_pushed_until_something_fails(
    exits: int, lines: int, tmp_path: Path
) -> None:
    docker = tmp_path / "docker"
    docker.write_text(
        f"#!/bin/sh\ncat >/dev/null\n"
        f'echo "$BUILDX_NO_DEFAULT_ATTESTATIONS" "$@" >> {tmp_path}/asked\nexit {exits}\n'
    )
    docker.chmod(0o755)

    built = subprocess.run(
        [str(ROOT / ".ci" / "build.sh"), REGISTRY, "0a1b"],
        input="serve k1\ntrain k2\n",
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        text=True,
        check=False,
    )

    options = "--platform=linux/amd64"
    asked = [
        f"1 {order}"
        for image, of_it in (("serve", "k1"), ("train", "k2"))
        for address in [f"{REGISTRY}/{image}:{of_it}"]
        for order in (
            f"build {options} --target {image} --build-arg COMMIT=0a1b --tag {address} .",
            f"push {address}",
        )
    ]
    assert built.returncode == exits
    assert (tmp_path / "asked").read_text().splitlines() == asked[:lines]


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    """What goes into images, and the infrastructure: as they are, and a copy."""
    for place in (*SHARED, "functions", "jobs", "infra"):
        target = tmp_path / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / place).is_dir():
            shutil.copytree(ROOT / place, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / place, target)
    return ROOT, tmp_path


def _image(name: str, digit: str, tags: object) -> dict[str, object]:
    return {"package": f"{REGISTRY}/{name}", "version": f"sha256:{digit * 64}", "tags": tags}


def _registry(listed: list[dict[str, object]], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "registry.py"), *arguments],
        input=json.dumps(listed),
        capture_output=True,
        text=True,
        check=False,
    )
