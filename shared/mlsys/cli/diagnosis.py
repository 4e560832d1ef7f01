"""What `mlsys doctor` looks at."""

import os
import platform
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from mlsys import __version__
from mlsys.adapters.local.messages import SqliteMessages
from mlsys.cli.command import Session
from mlsys.domain.errors import MlsysError

# One module that tells whether an extra of pyproject.toml is installed.
EXTRAS = {
    "cli": "httpx",
    "gcp": "google.cloud.storage",
    "ingest": "polars",
    "learners": "lightgbm",
    "local": "starlette",
    "train": "optuna",
}


class Finding(BaseModel):
    """One thing that was looked at."""

    check: str
    state: Literal["ok", "absent", "amiss"]
    detail: str


def diagnose(session: Session) -> list[Finding]:
    """Look at everything; what is amiss is a finding, not an error."""
    return [*_installed(), *_configured(session)]


def _installed() -> Iterator[Finding]:
    yield Finding(check="mlsys", state="ok", detail=f"{__version__} at {Path(__file__).parents[1]}")
    yield Finding(
        check="python", state="ok", detail=f"{platform.python_version()} at {sys.executable}"
    )
    for extra, module in EXTRAS.items():
        there = _found(module)
        detail = f"{module} is installed" if there else f"pip install 'mlsys[{extra}]'"
        yield Finding(check=f"extra {extra}", state="ok" if there else "absent", detail=detail)


def _found(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _configured(session: Session) -> Iterator[Finding]:
    try:
        place = session.place
    except MlsysError as error:
        yield Finding(check="settings", state="amiss", detail=str(error))
        return
    yield Finding(check="settings", state="ok", detail=", ".join(_set()) or "all as by default")
    if isinstance(place, Path):
        yield from _home(place)
        if not place.exists():
            return
    else:
        yield Finding(check="platform", state="ok", detail=place)
    yield from _answers(session)


def _set() -> list[str]:
    names = sorted(name for name in os.environ if name.startswith("MLSYS_"))
    return [f"{one}={'…' if one == 'MLSYS_TOKEN' else os.environ[one]}" for one in names]


def _home(home: Path) -> Iterator[Finding]:
    where = home.resolve()
    if not where.exists():
        detail = f"{where} is made at the first start"
        yield Finding(check="platform", state="absent", detail=detail)
    elif not os.access(where, os.W_OK):
        yield Finding(check="platform", state="amiss", detail=f"{where} cannot be written to")
    else:
        yield Finding(check="platform", state="ok", detail=str(where))
        yield from _given_up(where / "messages.db")


def _given_up(outbox: Path) -> Iterator[Finding]:
    """Tell of each event that nobody will deliver any more."""
    if outbox.exists():
        for letter in SqliteMessages(outbox).dead_letters():
            detail = f"{letter.event.subject or letter.event.type}: {letter.reason}"
            yield Finding(check=f"event {letter.event.id}", state="amiss", detail=detail)


def _answers(session: Session) -> Iterator[Finding]:
    try:
        version = session.client.version()
        ready = session.client.ready()
    except (MlsysError, OSError, ModuleNotFoundError) as error:
        yield Finding(check="answers", state="amiss", detail=str(error))
        return
    detail = f"mlsys {version.version}, {version.backend} backend, commit {version.commit}"
    yield Finding(check="answers", state="ok", detail=detail)
    for backend, state in ready.backends.items():
        yield Finding(check=backend, state="ok" if state == "ok" else "amiss", detail=state)
