"""The parent's side of a confined child: it opens what the child asks for, and moves the bytes.

The child is not trusted. It gets the objects and parts that were declared and nothing else, in
pipes, and nothing it wrote is stored before it ended well, has asked for that, and every byte that
went to it and came from it is accounted for.
"""

import select
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any, Self
from uuid import uuid4

import structlog
from pydantic import ValidationError

from mlsys.domain.errors import InvalidInput, TooLarge
from mlsys.domain.records import File
from mlsys.domain.split_records import Progress
from mlsys.ports import ObjectInfo, Objects
from mlsys.use_cases.confined.channel import LINE_BYTES, Ask
from mlsys.use_cases.confined.pipes import BLOCK_BYTES, Sum, closing, drain, feed, wide_pipe

POLL_SECONDS = 0.1
MAX_PUMPS = 32


@dataclass(frozen=True)
class Traffic:
    """What a child may read and write.

    Attributes:
        sources: the generations that it may read, by their index.
        parts: where each part that it may write is stored, by its name.
        objects: where all that lies.
        spool_bytes: how large an object may be that it wants as a file.
        on_progress: called with what the child says about its progress.
    """

    sources: Sequence[ObjectInfo]
    parts: Mapping[str, str]
    objects: Objects
    spool_bytes: int = 0
    on_progress: Callable[[Progress], None] = lambda _: None


@dataclass(frozen=True)
class Moved:
    """What came of it.

    Attributes:
        sources: what was read to its end, by index; None for what was not.
        parts: what is stored, by name.
    """

    sources: list[File | None]
    parts: dict[str, File]


class Pumps:
    """Answers one child, with a thread for each stream; `with` ends them all and stores nothing.

    `theirs` is the child's end of the socket, to be closed here once the child has it.
    """

    def __init__(self, traffic: Traffic, folder: Path) -> None:
        self._traffic, self._folder = traffic, folder
        self._ours, self.theirs = socket.socketpair()
        self._ours.settimeout(0)
        self._received = b""
        self._over = Event()
        self._threads = ThreadPoolExecutor(MAX_PUMPS, thread_name_prefix="pump")
        self._running: list[Future[None]] = []
        self._complete: dict[int, Sum] = {}
        self._written: dict[str, _Part] = {}
        self._wanted: list[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._give_up()
        self._ours.close()
        self.theirs.close()
        self._threads.shutdown()

    def attend(self, seconds: float) -> bool:
        """Answer what the child asks next, waiting so long for it; False once it hung up.

        Raises:
            InvalidInput: it asked for what it may not have.
            MlsysError: what a pump met, as the port raised it.
        """
        waiting = select.poll()
        waiting.register(self._ours, select.POLLIN)
        connected = not waiting.poll(seconds * 1000) or self._listen()
        self.check()
        return connected

    def check(self) -> None:
        """Raise what a pump met, if one did."""
        for pump in [pump for pump in self._running if pump.done()]:
            pump.result()
            self._running.remove(pump)

    def settle(self, on_wait: Callable[[], None]) -> Moved:
        """Store what the child, which ended well, wanted to keep.

        All streams are first moved to their ends. If then a later part cannot be stored, earlier
        ones are; they do no harm to who writes the same again.

        Raises:
            InvalidInput: it asked for what it may not have.
            AlreadyExists: another content stands where a part is to be stored.
            MlsysError: what a pump met, as the port raised it; or what `on_wait` raises.
        """
        with suppress(BlockingIOError):
            while self._listen():
                pass
        self._over.set()
        kept = {name: self._written[name] for name in self._wanted or ()}
        for name in self._written.keys() - kept.keys():
            self._drop(name)
        storing = [part.pump for part in kept.values()]
        self._wait([pump for pump in self._running if pump not in storing], on_wait)
        self._wait([part.drained for part in kept.values()], on_wait)
        for part in kept.values():
            part.verdict.set_result(True)
        self._wait(self._running, on_wait)
        return Moved(
            sources=[self._file(index) for index in range(len(self._traffic.sources))],
            parts={name: _file(part.uri, part.drained.result()) for name, part in kept.items()},
        )

    def stop(self, on_wait: Callable[[], None]) -> None:
        """End all pumps of a child that ended badly, and raise what one of them met before."""
        self._give_up()
        self._wait(self._running, on_wait)

    def _give_up(self) -> None:
        self._over.set()
        for part in self._written.values():
            if not part.verdict.done():
                part.verdict.set_result(False)

    def _wait(self, pumps: Iterable[Future[Any]], on_wait: Callable[[], None]) -> None:
        while wait(pumps, POLL_SECONDS, return_when=FIRST_EXCEPTION).not_done:
            self.check()
            on_wait()
        self.check()

    def _file(self, index: int) -> File | None:
        if index not in self._complete:
            return None
        return _file(self._traffic.sources[index].uri, self._complete[index])

    def _listen(self) -> bool:
        try:
            content = self._ours.recv(LINE_BYTES)
        except ConnectionResetError:
            return False
        *lines, self._received = (self._received + content).split(b"\n")
        if len(self._received) > LINE_BYTES:
            raise _misbehaved("a line without an end")
        for line in lines:
            self._answer(line)
        return content != b""

    def _answer(self, line: bytes) -> None:
        try:
            ask = Ask.model_validate_json(line)
        except ValidationError as error:
            raise _misbehaved("no request") from error
        if self._wanted is not None:
            raise _misbehaved("a request after the last")
        if len(self._running) == MAX_PUMPS:
            raise _misbehaved("more requests than it needs")
        if ask.open is not None:
            self._open(self._known(ask.open))
        if ask.spool is not None:
            self._start(self._spool, self._known(ask.spool))
        if ask.write is not None:
            self._write(ask.write)
        if ask.drop is not None:
            self._drop(self._begun(ask.drop))
        if ask.keep is not None:
            self._wanted = [self._begun(name) for name in dict.fromkeys(ask.keep)]
        if ask.progress is not None:
            self._traffic.on_progress(ask.progress)

    def _known(self, index: int) -> int:
        if not 0 <= index < len(self._traffic.sources):
            raise _misbehaved("a source that there is not")
        return index

    def _begun(self, name: str) -> str:
        if name not in self._written:
            raise _misbehaved("a part that it has not begun")
        return name

    def _open(self, index: int) -> None:
        theirs, ours = wide_pipe()
        self._start(self._feed, index, ours)
        with closing(theirs):
            self._reply(b"\n", theirs)

    def _write(self, name: str) -> None:
        if name not in self._traffic.parts or name in self._written:
            raise _misbehaved("a wish for a part that there is not, or that it has begun already")
        ours, theirs = wide_pipe()
        part = self._written[name] = _Part(self._traffic.parts[name])
        part.pump = self._start(self._store, part, ours)
        with closing(theirs):
            self._reply(b"\n", theirs)

    def _drop(self, name: str) -> None:
        self._written.pop(name).verdict.set_result(False)

    def _start(self, pump: Callable[..., None], *arguments: Any) -> Future[None]:
        self._running.append(self._threads.submit(pump, *arguments))
        return self._running[-1]

    def _reply(self, line: bytes, *pipes: int) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):
            try:
                socket.send_fds(self._ours, [line], pipes)
            except BlockingIOError as error:
                raise _misbehaved("requests without reading the answers") from error

    def _feed(self, index: int, pipe: int) -> None:
        source, read = self._traffic.sources[index], Sum()
        seen = len if index in self._complete else read.add
        with (
            closing(pipe),
            self._traffic.objects.open_reader(source.uri, generation=source.generation) as reader,
        ):
            complete = feed(reader, pipe, self._over, seen=seen)
        if complete:
            self._complete.setdefault(index, read)

    def _spool(self, index: int) -> None:
        source, read = self._traffic.sources[index], Sum()
        spooled, limit = self._folder / uuid4().hex, self._traffic.spool_bytes
        with (
            self._traffic.objects.open_reader(source.uri, generation=source.generation) as reader,
            spooled.open("xb") as copy,
        ):
            while (block := reader.read(BLOCK_BYTES)) and not self._over.is_set():
                copy.write(block)
                read.add(block)
                if read.size_bytes > limit:
                    raise TooLarge(f"{source.uri}: want at most {limit} bytes, got more")
        self._complete.setdefault(index, read)
        self._reply(f"{spooled.name}\n".encode())

    def _store(self, part: "_Part", pipe: int) -> None:
        with (
            suppress(_Dropped),
            closing(pipe),
            self._traffic.objects.open_writer(part.uri, once=True) as target,
        ):
            part.drained.set_result(drain(pipe, target, self._over))
            if not part.verdict.result():
                raise _Dropped


@dataclass
class _Part:
    """One attempt to write a part: what was read of it, and then whether to keep it."""

    uri: str
    drained: Future[Sum] = field(default_factory=Future)
    verdict: Future[bool] = field(default_factory=Future)
    pump: Future[None] = field(default_factory=Future)


class _Dropped(Exception):
    """Nobody wants what was written."""


def _file(uri: str, moved: Sum) -> File:
    return File(uri=uri, sha256=moved.sha256, size_bytes=moved.size_bytes)


def _misbehaved(how: str) -> InvalidInput:
    structlog.get_logger().error("child.misbehaved", how=how)
    return InvalidInput(f"the process that did the work sent {how}, which we did not foresee")
