"""The official emulators of Firestore and Pub/Sub: one of each for a whole test session.

The first test that needs one starts it, in whichever process it runs. A keeper process ends it as
soon as the session's controller is gone, however that ended. Run as a script, this is the keeper.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port

ROOT = Path(__file__).parents[2]
START_SECONDS = 60.0
END_SECONDS = 10.0
SDK_PLACES = (
    "/usr/lib/google-cloud-sdk",
    "/opt/google-cloud-sdk",
    "/usr/share/google-cloud-sdk",
    "/usr/local/google-cloud-sdk",
    "/snap/google-cloud-cli/current",
    "~/google-cloud-sdk",
)


class Missing(Exception):
    """This machine has no such emulator; the message says what to install."""


@dataclass(frozen=True)
class Emulator:
    """One of the Cloud SDK's emulators; `variable` is where Google's clients look for it."""

    name: str
    jar: str
    main: str
    variable: str


FIRESTORE = Emulator(
    "firestore",
    "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar",
    "com.google.cloud.datastore.emulator.firestore.CloudFirestore",
    "FIRESTORE_EMULATOR_HOST",
)
PUBSUB = Emulator(
    "pubsub",
    "platform/pubsub-emulator/lib/cloud-pubsub-emulator-*.jar",
    "com.google.cloud.pubsub.testing.v1.Main",
    "PUBSUB_EMULATOR_HOST",
)


def running(emulator: Emulator, session: Path) -> str:
    """Return `host:port` of the session's emulator, and start it if it does not run.

    Args:
        emulator: FIRESTORE or PUBSUB.
        session: the folder that `kept_session` made.

    Raises:
        Missing: there is no Java or no such part of the Cloud SDK.
    """
    if emulator.variable in os.environ:
        return os.environ[emulator.variable]
    address = session / f"{emulator.name}.address"
    with locked(session / f"{emulator.name}.lock"):
        if not address.exists():
            _start_keeper(emulator, session)
        return address.read_text()


@contextmanager
def kept_session() -> Iterator[Path]:
    """Lend a folder; emulators started with it end with the block, or with this process."""
    session = Path(tempfile.mkdtemp(prefix="emulators-"))
    try:
        with locked(session / "session"):
            yield session
        _wait_until(lambda: not list(session.glob("*.address")), seconds=END_SECONDS)
    finally:
        shutil.rmtree(session)


@contextmanager
def restarted(address: str, project: str) -> Iterator[str]:
    """Lend a new Firestore emulator that knows what one at `address` knows of a project.

    To who follows it is the old one after a restart. (That one's own `--export-on-exit` writes
    nothing.) All documents come back with one new time of their last change.

    Raises:
        Missing: as `running`.
    """
    with kept_session() as session:
        wanted = {
            "database": f"projects/{project}/databases/(default)",
            "export_directory": str(session),
            "export_name": "kept",
        }
        request = urllib.request.Request(
            f"http://{address}/emulator/v1/projects/{project}:export",
            json.dumps(wanted).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=START_SECONDS):  # noqa: S310 - as above
            pass
        kept = session / "kept" / "kept.overall_export_metadata"
        _start_keeper(FIRESTORE, session, f"--import-data={kept}")
        yield (session / f"{FIRESTORE.name}.address").read_text()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Be the only process inside; the lock goes with its holder, however that ends."""
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _start_keeper(emulator: Emulator, session: Path, *options: str) -> None:
    """Start a process that outlives this one, and wait for the address that it writes."""
    java = shutil.which("java")
    if java is None:
        raise Missing(f"no {emulator.name} emulator: install a Java runtime, 17 or newer")
    jar = _find(emulator.jar)
    log, address = session / f"{emulator.name}.log", session / f"{emulator.name}.address"
    told = [java, str(jar), emulator.main, *options]
    command = [sys.executable, "-m", __name__, str(session), emulator.name, *told]
    background = '"$@" </dev/null >"$LOG" 2>&1 &'
    subprocess.run(
        ["/bin/sh", "-c", background, "sh", *command],
        cwd=ROOT,
        env={**os.environ, "LOG": str(log)},
        start_new_session=True,
        check=True,
    )
    if not _wait_until(address.exists, seconds=START_SECONDS):
        raise RuntimeError(f"the {emulator.name} emulator did not start: {log.read_text()[-2000:]}")


def _find(pattern: str) -> Path:
    gcloud = shutil.which("gcloud")
    places = [
        os.environ.get("CLOUDSDK_ROOT_DIR", ""),
        os.environ.get("CLOUDSDK_ROOT", ""),
        str(Path(gcloud).resolve().parent.parent) if gcloud else "",
        *SDK_PLACES,
    ]
    for place in filter(None, places):
        for jar in sorted(Path(place).expanduser().glob(pattern)):
            return jar
    raise Missing(
        f"no {pattern} in the Google Cloud SDK: install its Firestore and Pub/Sub emulators, "
        "or set CLOUDSDK_ROOT to where the SDK is"
    )


def _keep(session: Path, name: str, java: str, jar: str, main: str, *options: str) -> None:
    """Run an emulator until nobody holds the session."""
    port = free_port()
    flags = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx768m", "-Duser.language=en"]
    command = [java, *flags, "-cp", jar, main, "--host=127.0.0.1", f"--port={port}", *options]
    address = session / f"{name}.address"
    with subprocess.Popen(command) as emulator:
        try:
            if _wait_until(lambda: _answers(port), seconds=START_SECONDS):
                draft = address.with_suffix(".draft")
                draft.write_text(f"127.0.0.1:{port}")
                draft.rename(address)
                with locked(session / "session"):
                    pass
        finally:
            emulator.kill()
    address.unlink(missing_ok=True)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _wait_until(happened: Callable[[], bool], *, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


if __name__ == "__main__":
    folder, *rest = sys.argv[1:]
    _keep(Path(folder), *rest)
