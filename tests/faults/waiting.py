"""Waiting for what other processes do."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 60.0


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
