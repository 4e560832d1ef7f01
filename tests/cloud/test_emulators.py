"""The emulators' start-up keeps its word: shared while a session lasts, gone with it."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cloud.emulators import FIRESTORE, Missing, running
from tests.processes import killed_on_failure
from tests.waiting import wait_for

CONTROLLER = """
import time
from tests.cloud.emulators import PUBSUB, kept_session, running
with kept_session() as session:
    print(session, running(PUBSUB, session), running(PUBSUB, session), flush=True)
    time.sleep(60)
"""


@pytest.mark.emulator
@pytest.mark.usefixtures("pubsub_emulator")
def test_an_emulator_ends_with_its_session_even_if_that_is_killed() -> None:
    environment = {name: value for name, value in os.environ.items() if "EMULATOR" not in name}

    with killed_on_failure(
        subprocess.Popen(
            [sys.executable, "-c", CONTROLLER], stdout=subprocess.PIPE, text=True, env=environment
        )
    ) as controller:
        assert controller.stdout is not None
        session, first, second = controller.stdout.readline().split()
        served = _connects(first)
        controller.kill()
    end = time.monotonic() + 10
    while _connects(first) and time.monotonic() < end:
        time.sleep(0.05)
    wait_for(lambda: not [*Path(session).glob("*.address")])
    shutil.rmtree(session)

    assert first == second
    assert served
    assert not _connects(first)


def test_a_machine_without_the_sdk_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "java").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    monkeypatch.delenv("CLOUDSDK_ROOT", raising=False)
    monkeypatch.delenv("CLOUDSDK_ROOT_DIR", raising=False)
    monkeypatch.setattr("tests.cloud.emulators.SDK_PLACES", [])

    with pytest.raises(Missing, match="CLOUDSDK_ROOT"):
        running(FIRESTORE, tmp_path)


def test_a_machine_without_java_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)

    with pytest.raises(Missing, match="Java"):
        running(FIRESTORE, tmp_path)


def _connects(address: str) -> bool:
    host, port = address.split(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1):
            return True
    except OSError:
        return False
