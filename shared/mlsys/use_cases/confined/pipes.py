"""Bytes through pipes, to and from a process that may stop or hang: nothing here waits for ever."""

import fcntl
import hashlib
import os
import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event
from typing import Any, BinaryIO

from mlsys.domain.errors import InvalidInput

BLOCK_BYTES = 2**20
POLL_MS = 200
SILENCE_MS = 5_000


@dataclass
class Sum:
    """How much went by, and its sha256."""

    size_bytes: int = 0
    _sha256: Any = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> str:
        """The hash of what went by so far, as hexadecimal digits."""
        digits: str = self._sha256.hexdigest()
        return digits

    def add(self, block: bytes) -> None:
        """Count one more block."""
        self._sha256.update(block)
        self.size_bytes += len(block)


def wide_pipe() -> tuple[int, int]:
    """Make a pipe that holds a whole block, where the system allows it: (read end, write end)."""
    ends = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):
            fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, BLOCK_BYTES)
    return ends


@contextmanager
def closing(pipe: int) -> Iterator[int]:
    """Close one end when the block ends."""
    try:
        yield pipe
    finally:
        os.close(pipe)


def feed(
    source: BinaryIO, pipe: int, over: Event, *, seen: Callable[[bytes], object] = len
) -> bool:
    """Write all of `source` into a pipe.

    Args:
        source: read to its end.
        pipe: a write end; it stays open.
        over: set when the process at the other end is gone.
        seen: called with each block that was written.

    Returns:
        Whether all was written; else nobody wants the rest.
    """
    os.set_blocking(pipe, False)
    while block := source.read(BLOCK_BYTES):
        if not _pushed(block, pipe, over):
            return False
        seen(block)
    return True


def drain(pipe: int, target: BinaryIO, over: Event) -> Sum:
    """Read a pipe to its end into `target`.

    Args:
        pipe: a read end; it stays open.
        target: where to.
        over: set when the process at the other end is gone.

    Returns:
        What was read. That the pipe ended does not say that this is all there should be.

    Raises:
        InvalidInput: the process is gone, and somebody else holds the other end open.
    """
    read = Sum()
    while _ready(pipe, select.POLLIN, over):
        block = os.read(pipe, BLOCK_BYTES)
        if not block:
            return read
        read.add(block)
        target.write(block)
    raise InvalidInput("the process that did the work ended, and left its output open")


def _pushed(block: bytes, pipe: int, over: Event) -> bool:
    rest = memoryview(block)
    while rest:
        if not _ready(pipe, select.POLLOUT, over):
            return False
        try:
            rest = rest[os.write(pipe, rest) :]
        except BrokenPipeError:
            return False
    return True


def _ready(pipe: int, wish: int, over: Event) -> bool:
    """Wait until the pipe is ready or ended; False if it is neither, and no one is left to act."""
    waiting = select.poll()
    waiting.register(pipe, wish)
    while not waiting.poll(POLL_MS):
        if over.is_set() and not waiting.poll(SILENCE_MS):
            return False
    return True
