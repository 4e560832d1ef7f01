"""What all tests share: the emulators, one of each for the whole session."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from mlsys.adapters.local.records import SqliteRecords
from mlsys.ports import Records
from tests.cloud.emulators import FIRESTORE, PUBSUB, Emulator, Missing, kept_session, running

SESSION = "EMULATORS_SESSION"
"""Carries the session's folder from the controller to the workers of pytest-xdist."""


def pytest_configure(config: pytest.Config) -> None:
    """Let the controller hold the emulators' session, to its very end."""
    if SESSION not in os.environ:
        stack = ExitStack()
        os.environ[SESSION] = str(stack.enter_context(kept_session()))
        stack.callback(os.environ.pop, SESSION)
        config.add_cleanup(stack.close)


@pytest.fixture(scope="session")
def firestore_emulator() -> Iterator[str]:
    """`host:port` of the Firestore emulator, which clients and child processes find, too."""
    yield from _emulator(FIRESTORE)


@pytest.fixture(scope="session")
def pubsub_emulator() -> Iterator[str]:
    """`host:port` of the Pub/Sub emulator, which clients and child processes find, too."""
    yield from _emulator(PUBSUB)


@pytest.fixture(params=["local", pytest.param("gcp", marks=pytest.mark.emulator)])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Records]:
    """The same empty port, once per backend."""
    if request.param == "local":
        yield SqliteRecords(tmp_path / "records.db")
        return
    from mlsys.adapters.gcp.records import FirestoreRecords

    yield FirestoreRecords(request.getfixturevalue("firestore_client"))


@pytest.fixture
def firestore_client(request: pytest.FixtureRequest, project: str) -> Iterator[Any]:
    """A Firestore client on an empty database of its own."""
    request.getfixturevalue("firestore_emulator")
    from google.cloud import firestore

    client = firestore.Client(project=project)
    yield client
    client.close()


@pytest.fixture
def project() -> str:
    """Return a project id of this test alone: nobody else sees what it does in an emulator."""
    return f"test-{uuid4().hex[:12]}"


def _emulator(emulator: Emulator) -> Iterator[str]:
    try:
        address = running(emulator, Path(os.environ[SESSION]))
    except Missing as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{missing}; CI must not go on without it")
        pytest.skip(str(missing))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(emulator.variable, address)
        yield address
