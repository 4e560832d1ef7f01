"""One at a time for each key, and nobody waits for another key."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class Turns:
    """A lock for each key that somebody works on, and none for the others."""

    def __init__(self) -> None:
        self._changing = Lock()
        self._locks: dict[str, Lock] = {}
        self._takers: dict[str, int] = {}

    @contextmanager
    def of(self, key: str) -> Iterator[None]:
        """Wait until nobody else works on `key`, and keep the others waiting for the block."""
        with self._changing:
            lock = self._locks.setdefault(key, Lock())
            self._takers[key] = self._takers.get(key, 0) + 1
        try:
            with lock:
                yield
        finally:
            with self._changing:
                self._takers[key] -= 1
                if not self._takers[key]:
                    del self._takers[key], self._locks[key]
