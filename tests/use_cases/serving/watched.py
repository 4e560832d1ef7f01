"""A port that can be watched, silenced and held up."""

from threading import Event, current_thread
from typing import Any

from mlsys.domain.errors import Unavailable
from mlsys.ports import Objects, Records
from tests.waiting import PATIENCE_SECONDS


class Watched:
    """A port whose reads are noted, with who made them, and which can be silent, slow or broken.

    What names `slow` waits for `go_on` before it reads, what names `frozen` after it has.
    """

    def __init__(self, port: Records | Objects) -> None:
        self._port = port
        self.calls: list[str] = []
        self.callers: list[str] = []
        self.silent = False
        self.broken = False
        self.entered = Event()
        self.go_on = Event()
        self.slow = ""
        self.frozen = ""

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def call(*arguments: Any, **options: Any) -> Any:
            told = "/".join(map(str, arguments))
            self.calls.append(told)
            self.callers.append(current_thread().name)
            if self.silent:
                raise Unavailable("nobody answers")
            if self.broken:
                raise RuntimeError("this was not foreseen")
            if self.slow and self.slow in told:
                self._hold()
            answer = method(*arguments, **options)
            if self.frozen and self.frozen in told:
                self._hold()
            return answer

        return call

    def times(self, text: str) -> int:
        """Return how many calls named `text`."""
        return sum(text in one for one in self.calls)

    def _hold(self) -> None:
        self.entered.set()
        if not self.go_on.wait(PATIENCE_SECONDS):
            raise TimeoutError("nobody let this go on")
