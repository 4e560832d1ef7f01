"""The only way of a confined child to the outside: streams that its parent fills and empties.

The child has no credentials and knows no address. It names what it reads by number and what it
writes by name; see pumps.py for the other side.
"""

import io
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, cast

from mlsys.domain.errors import Unavailable
from mlsys.domain.split_records import Progress
from mlsys.use_cases.confined.channel import LINE_BYTES, Ask
from mlsys.use_cases.confined.pipes import BLOCK_BYTES

STDIN = 0
TELL_EVERY_BYTES = 2**24


class Streams:
    """What a child reads and writes; its threads may share it.

    Attributes:
        names: of the objects, as people call them, in their order.
        bytes_read: how much was read from all streams, in all passes.
    """

    def __init__(
        self, names: Sequence[str], folder: Path, *, channel: socket.socket | None = None
    ) -> None:
        """Take what `processes.py` left in the place of the standard input, or `channel`."""
        self.names = names
        self.bytes_read = 0
        self._bytes_total = self._bytes_told = 0
        self._folder = folder
        self._channel = channel or socket.socket(fileno=os.dup(STDIN))
        self._asking = Lock()

    def expect(self, bytes_total: int) -> None:
        """Say from now on, on the way, how much of so many bytes was read."""
        self._bytes_total = bytes_total

    @contextmanager
    def open(self, index: int) -> Iterator[BinaryIO]:
        """Stream one object, from its beginning; not seekable. Raises Unavailable."""
        _, pipe = self._answered(Ask(open=index))
        with io.BufferedReader(_Counted(pipe, self), BLOCK_BYTES) as stream:
            yield stream

    @contextmanager
    def spool(self, index: int) -> Iterator[Path]:
        """Have one object as a file of our own, as long as the block lasts. Raises Unavailable."""
        name, _ = self._answered(Ask(spool=index))
        path = self._folder / name
        self.count(path.stat().st_size)
        try:
            yield path
        finally:
            path.unlink()

    @contextmanager
    def part(self, name: str) -> Iterator[BinaryIO]:
        """Write one part; it is stored only if `keep` names it and this process ends well.

        A block that ends in an exception drops what it wrote; the part may then be begun anew.

        Raises:
            Unavailable: the parent is gone.
        """
        _, pipe = self._answered(Ask(write=name))
        with io.FileIO(pipe, "wb") as stream:
            try:
                yield cast("BinaryIO", stream)
            except BaseException:
                with suppress(Unavailable):
                    self.drop(name)
                raise

    def drop(self, name: str) -> None:
        """Forget what was written; the part may then be begun anew. Raises Unavailable."""
        self._say(Ask(drop=name))

    def keep(self, names: Sequence[str]) -> None:
        """Ask for these parts to be stored, and for nothing more. Raises Unavailable."""
        self._say(Ask(keep=list(names)))

    def count(self, bytes_read: int) -> None:
        """Note that so much more was read; what is read once more than expected is no progress."""
        self.bytes_read += bytes_read
        read = min(self.bytes_read, self._bytes_total)
        if read - self._bytes_told >= TELL_EVERY_BYTES:
            self._bytes_told = read
            self._say(Ask(progress=Progress(bytes_read=read, bytes_total=self._bytes_total)))

    def _answered(self, ask: Ask) -> tuple[str, int]:
        """Ask and wait; return the line, and the pipe that came with it or -1."""
        with self._asking:
            self._send(ask)
            line, pipes = b"", []
            while not line.endswith(b"\n"):
                try:
                    content, found, *_ = socket.recv_fds(self._channel, LINE_BYTES, 1)
                except OSError as error:
                    raise _parent_is_gone() from error
                if not content:
                    raise _parent_is_gone()
                line += content
                pipes += found
        return line[:-1].decode(), pipes[0] if pipes else -1

    def _say(self, ask: Ask) -> None:
        with self._asking:
            self._send(ask)

    def _send(self, ask: Ask) -> None:
        try:
            self._channel.sendall(ask.line())
        except OSError as error:
            raise _parent_is_gone() from error


class _Counted(io.FileIO):
    """One end of a pipe that says how much was read."""

    def __init__(self, pipe: int, streams: Streams) -> None:
        super().__init__(pipe, "rb")
        self._streams = streams

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer)
        self._streams.count(count)
        return count

    def readall(self) -> bytes:
        content = super().readall()
        self._streams.bytes_read += len(content)
        return content


def _parent_is_gone() -> Unavailable:
    return Unavailable("the process that feeds this one is gone")
