"""Homes for studies of many processes."""

from uuid import uuid4

import pytest

from tests.faults.crowds import Crowd


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("firestore", marks=pytest.mark.emulator)]
)
def crowd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Crowd:
    """One home for all tests of a module, once per backend."""
    home = tmp_path_factory.mktemp("crowd") / "home"
    if request.param == "sqlite":
        return Crowd(home, "")
    request.getfixturevalue("firestore_emulator")
    return Crowd(home, f"test-{uuid4().hex[:12]}")
