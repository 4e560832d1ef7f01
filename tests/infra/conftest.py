"""Terraform where it is there; where it is not, its tests say what they would have needed."""

import json
import os
from pathlib import Path
from typing import NoReturn

import pytest

from tests.infra.offline import PACKAGES, Missing, Offline, copied, offline
from tests.infra.online import Online, online

NEWEST = max(PACKAGES)


@pytest.fixture(scope="session", params=PACKAGES)
def terraform(request: pytest.FixtureRequest) -> Offline:
    """Terraform that plans, once with each version of the provider."""
    return _terraform(request.param)


@pytest.fixture(scope="session", params=PACKAGES)
def checker(request: pytest.FixtureRequest, infra: Path) -> Offline | Online:
    """Terraform that validates and tests; with one provider only, where that is fetched."""
    try:
        return offline(request.param)
    except Missing as missing:
        if request.param != NEWEST:
            pytest.skip(f"infra/ is checked with the provider {NEWEST} or newer alone: {missing}")
        return _fetched(infra, missing)


@pytest.fixture(scope="session")
def newest() -> Offline:
    """Terraform with the newest version of the provider."""
    return _terraform(NEWEST)


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


def unchecked(missing: str, required: str = "CI") -> NoReturn:
    """Say what Terraform would have needed; where that variable is set it is a failure."""
    told = f"infra/ is not checked by Terraform: {missing}"
    if required in os.environ:
        pytest.fail(told)
    pytest.skip(told)


def _fetched(infra: Path, offline: Missing) -> Online:
    try:
        return online(infra)
    except Missing as missing:
        # A machine for CI may have no network; GitHub's reach the registry.
        unchecked(f"{offline}, and {missing}", required="GITHUB_ACTIONS")


def _terraform(provider: str) -> Offline:
    try:
        return offline(provider)
    except Missing as missing:
        pytest.skip(f"infra/ is not planned by Terraform: {missing}")
