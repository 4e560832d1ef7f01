"""Builds the image `serve` on a Debian of our own, and predicts from it; `make image-test`.

It needs root, and buildah and debootstrap, or with BASE_IMAGE set only buildah.
"""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smoke import faults
from tests.ports import free_port
from tests.use_cases.conftest import home_with_a_split, trained_home

__all__ = ["home_with_a_split", "trained_home"]

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "build" / "image-test"
BUILDAH = (
    *("buildah", "--root", str(KEPT / "store"), "--runroot", str(KEPT / "run")),
    *("--storage-driver", "vfs"),
)
BASE, IMAGE, COMMIT = "localhost/base", "localhost/serve", "0123456789abcdef"
CERTIFICATES = Path("etc/ssl/certs/ca-certificates.crt")
USER = 65532
ROW = {"size": 7, "colour": "red", "noise": 3}
TOOLS = "cc gcc make ld git curl uv pip"

pytestmark = pytest.mark.timeout(1800)


def test_predict_answers_from_its_image(
    image: dict[str, object], trained_home: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(trained_home, home)
    for one in (home, *home.rglob("*")):
        os.chown(one, USER, USER)

    with _running(image["Cmd"], home) as url:
        told = [
            faults(url, "", json.dumps({"model": model, "instances": [ROW]}))
            for model in ("lightgbm", "xgboost", "catboost")
        ]

    assert told == [[], [], []]
    assert f"MLSYS_COMMIT={COMMIT}" in image["Env"]  # type: ignore[operator]  # a list of texts


def test_the_image_has_no_root_and_no_tools(image: dict[str, object]) -> None:
    container = _buildah("from", "--isolation", "chroot", IMAGE)

    told = _buildah("run", "--isolation", "chroot", container, "--", "id", "-u")
    found = _buildah(
        *("run", "--isolation", "chroot", container, "--", "sh", "-c"),
        f"for one in {TOOLS}; do command -v $one; done; true",
    )

    assert image["User"] == f"{USER}:{USER}"
    assert told == str(USER)
    assert found == ""


@pytest.fixture(scope="module")
def image() -> dict[str, object]:
    """Build it, and say how it is to be run."""
    if os.geteuid() != 0 or not shutil.which("buildah"):
        pytest.fail("run this as root, with buildah: apt-get install buildah debootstrap")
    KEPT.mkdir(parents=True, exist_ok=True)
    _buildah("rm", "--all")
    base = os.environ.get("BASE_IMAGE") or _base()
    _buildah(
        *("build", "--isolation", "chroot", "--layers=false", "--target", "serve", "--tag", IMAGE),
        *("--build-arg", f"BASE_IMAGE={base}", "--build-arg", f"COMMIT={COMMIT}", str(ROOT)),
    )
    about = json.loads(_buildah("inspect", "--type", "image", IMAGE))
    sizes = _buildah("images", "--format", "{{.Name}} {{.Size}}")
    print(f"\n{sizes}")  # noqa: T201  # `make image-test` shows it
    config: dict[str, object] = about["OCIv1"]["config"]
    return config


def _base() -> str:
    """Make a Debian with Python, which trusts whom this machine trusts."""
    if BASE in _buildah("images", "--format", "{{.Name}}"):
        return BASE
    debian = KEPT / "debian"
    shutil.rmtree(debian, ignore_errors=True)
    wanted = "--include=ca-certificates,python3,python3-venv"
    _run("debootstrap", "--variant=minbase", wanted, "trixie", str(debian))
    shutil.copy(Path("/") / CERTIFICATES, debian / CERTIFICATES)
    _run("tar", "-C", str(debian), "-cf", str(KEPT / "debian.tar"), ".")
    (KEPT / "Dockerfile").write_text(
        f"FROM scratch\nADD debian.tar /\nENV PATH=/usr/bin:/bin SSL_CERT_FILE=/{CERTIFICATES}\n"
    )
    _buildah("build", "--isolation", "chroot", "--tag", BASE, str(KEPT))
    shutil.rmtree(debian)
    (KEPT / "debian.tar").unlink()
    return BASE


@contextmanager
def _running(command: object, home: Path) -> Iterator[str]:
    """Run what the image says that it runs, until the block ends."""
    assert isinstance(command, list)
    container, port = _buildah("from", "--isolation", "chroot", IMAGE), free_port()
    with subprocess.Popen(
        [
            *(*BUILDAH, "run", "--isolation", "chroot", "--volume", f"{home}:/srv/home"),
            *("--env", "MLSYS_HOME=/srv/home", "--env", f"PORT={port}", container, "--", *command),
        ],
        start_new_session=True,
    ) as running:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(running.pid, signal.SIGTERM)


def _buildah(*arguments: str) -> str:
    return _run(*BUILDAH, *arguments).strip()


def _run(*command: str) -> str:
    return subprocess.run([*command], stdout=subprocess.PIPE, text=True, check=True).stdout
