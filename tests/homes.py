"""Copies of homes that are in use, and homes that are made once for all tests."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cloud.emulators import locked


def copy_home(home: Path, to: Path) -> Path:
    """Copy a home that nobody writes to; return the copy.

    Another process does so: whoever closes a file of a database gives up all locks that its process
    holds there, and SQLite then lets others damage it (sqlite.org/howtocorrupt.html, 2.2).
    """
    subprocess.run(["/bin/cp", "-R", home, to], check=True)
    return to


def home_of_all(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Let the first worker of pytest-xdist that needs a home make it; return a copy of it.

    What is copied from is itself a copy that nobody ever opens: it does not change meanwhile.
    """
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    kept, is_kept = root / name, root / f"{name}.kept"
    with locked(root / f"{name}.lock"):
        if not is_kept.exists():
            home = factory.mktemp(name) / "home"
            make(home)
            shutil.rmtree(kept, ignore_errors=True)
            copy_home(home, kept)
            is_kept.touch()
    return copy_home(kept, factory.mktemp(name) / "home")
