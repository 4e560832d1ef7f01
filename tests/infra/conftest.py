"""Terraform where it is there; where it is not, its tests say what they would have needed."""

import json
from pathlib import Path

import pytest

from tests.infra.offline import PACKAGES, Missing, Offline, copied, offline


@pytest.fixture(scope="session", params=PACKAGES)
def terraform(request: pytest.FixtureRequest) -> Offline:
    """Terraform, once with each version of the provider."""
    return _terraform(request.param)


@pytest.fixture(scope="session")
def newest() -> Offline:
    """Terraform with the newest version of the provider."""
    return _terraform(max(PACKAGES))


@pytest.fixture(scope="session")
def infra(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of infra/ that nobody changes."""
    return copied(tmp_path_factory.mktemp("copied"))


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """A copy of infra/ to make a mistake in."""
    return copied(tmp_path)


def written(folder: Path, variables: object) -> Path:
    """Write variables for Terraform."""
    file = folder / "variables.tfvars.json"
    file.write_text(json.dumps(variables))
    return file


def _terraform(provider: str) -> Offline:
    try:
        return offline(provider)
    except Missing as missing:
        pytest.skip(f"infra/ is not checked by Terraform: {missing}")
