"""Processes that tests start."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import AnyStr


@contextmanager
def killed_on_failure(process: subprocess.Popen[AnyStr]) -> Iterator[subprocess.Popen[AnyStr]]:
    """Wait for a process as its own block does, but not if the block failed: it may never end."""
    with process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise
