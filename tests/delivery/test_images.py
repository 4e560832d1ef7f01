"""One image per weight of deployable, made from the lock, without what builds and without root."""

import re
import tomllib
from pathlib import Path

import pytest

from image import IMAGES
from tests.architecture.test_weight import WEIGHTS
from tests.delivery.dockerfile import faults, lineage, stages
from tests.infra.table import read_table

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
UV_TXT = (ROOT / ".ci" / "uv.txt").read_text()
GOOGLE_CLOUD = {"gcp"}
LEARNERS = {"serve", "train"}


def test_the_images_are_those_of_the_table_of_deployables() -> None:
    assert {row.image for row in read_table().values()} == set(IMAGES)
    assert faults(DOCKERFILE, set(IMAGES)) == []


@pytest.mark.parametrize("name", WEIGHTS)
def test_an_image_has_what_its_deployables_need(name: str) -> None:
    needed = set(WEIGHTS[name].extras.split("-")) | GOOGLE_CLOUD

    assert needed - {"functions"} <= set(IMAGES[read_table()[name].image].extras)


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_has_what_lightgbm_links_where_it_has_lightgbm(name: str) -> None:
    steps = [one for stage in lineage(stages(DOCKERFILE), name) for one in stage.instructions]

    brought = any("libgomp1" in one.rest for one in steps if one.word == "RUN")

    assert brought == bool(LEARNERS & set(IMAGES[name].extras))


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ('USER 65532:65532\nCMD ["python"', 'CMD ["python"', "train runs as root"),
        ('USER 65532:65532\nCMD ["python"', 'USER root\nCMD ["python"', "train runs as root"),
        ("install --yes", "install --yes gcc", "serve has gcc, which only builds"),
        ("FROM runtime AS ingest", "FROM build AS ingest", "ingest has uv, which only builds"),
        ("${BASE_IMAGE} AS runtime", "python AS runtime", "serve does not stand on BASE_IMAGE"),
        ("FROM runtime AS ingest", "FROM runtime AS split", "there is no target ingest"),
        ("COPY --from=deployables /app /app\n", "", "train lacks /app"),
        ("/usr/local/bin/pip* ", "", "serve keeps /bin/pip* of its base"),
        ('"$library"/ensurepip', "", "ingest keeps /ensurepip of its base"),
        ("ENV MLSYS_COMMIT=${COMMIT}\n", "", "train does not know its commit"),
    ],
)
def test_a_mistake_in_the_dockerfile_is_caught(right: str, wrong: str, fault: str) -> None:
    assert right in DOCKERFILE

    assert fault in faults(DOCKERFILE.replace(right, wrong), set(IMAGES))


def test_every_image_installs_what_is_told_of_it() -> None:
    for name in IMAGES:
        steps = [one.rest for one in stages(DOCKERFILE)[f"build-{name}"].instructions]
        folder = f"python3 .ci/image.py install {name} /opt/mlsys"

        assert steps == [f"{folder} --no-install-project", "shared shared", folder]
        assert f"--from=build-{name} /opt/mlsys /opt/mlsys" in [
            one.rest for one in stages(DOCKERFILE)[name].instructions
        ]


def test_no_start_compiles_what_could_have_been_compiled() -> None:
    compiled = {
        name: [one.rest for one in stage.instructions if "-m compileall" in one.rest]
        for name, stage in stages(DOCKERFILE).items()
    }
    [library], [deployables] = compiled["runtime"], compiled["deployables"]

    assert library.endswith('"$library"')
    assert deployables.endswith(" functions jobs")
    assert all("--invalidation-mode unchecked-hash" in one for one in (library, deployables))
    assert all(
        lineage(stages(DOCKERFILE), name)[0] == stages(DOCKERFILE)["runtime"] for name in IMAGES
    )


def test_what_is_copied_is_let_in_and_nothing_else() -> None:
    copied = {
        source
        for stage in stages(DOCKERFILE).values()
        for one in stage.instructions
        if one.word == "COPY" and not one.rest.startswith("--from")
        for source in one.rest.split()[:-1]
    }
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    ignored, *rules = [line for line in lines if not line.startswith("#")]

    assert ignored == "*"
    assert {rule.removeprefix("!") for rule in rules if rule[0] == "!"} == copied
    assert all((ROOT / source).exists() for source in copied)


def test_every_file_that_is_installed_has_its_sha256_in_a_lock() -> None:
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    files = [file for one in locked for file in [*one.get("wheels", []), one.get("sdist")] if file]
    pinned = re.findall(
        r"^(\S+)==\S+((?: \\\n +--hash=sha256:[0-9a-f]{64})+)$", UV_TXT, re.MULTILINE
    )

    assert len(files) > 1000
    assert all(file["hash"].startswith("sha256:") for file in files)
    assert [name for name, _ in pinned] == ["uv"]
    assert "--require-hashes -r .ci/uv.txt" in DOCKERFILE


def test_what_is_left_out_of_an_image_is_locked_for_it() -> None:
    locked = {one["name"] for one in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    left_out = {package for image in IMAGES.values() for package in image.without}

    assert left_out
    assert left_out <= locked
