"""A line to a server that can be cut: what a restart of the server looks like to its clients."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock, Thread

PIECE_BYTES = 65536


@dataclass
class Line:
    """Carries bytes between those who connect to `address` and a server."""

    server: str
    address: str = ""
    cuts: int = 0
    _listener: socket.socket | None = None
    _open: list[socket.socket] = field(default_factory=list)
    _changing: Lock = field(default_factory=Lock)

    def cut(self) -> None:
        """Break every connection, and take no new one until it is mended."""
        with self._changing:
            self.cuts += 1
            for one in [self._listener, *self._open]:
                if one is not None:
                    with suppress(OSError):
                        one.shutdown(socket.SHUT_RDWR)
                    one.close()
            self._listener, self._open = None, []

    def mend(self) -> None:
        """Take connections, at the same address as before."""
        host, _, port = (self.address or "127.0.0.1:0").rpartition(":")
        listener = socket.create_server((host, int(port)), reuse_port=False)
        self.address = f"{host}:{listener.getsockname()[1]}"
        with self._changing:
            self._listener = listener
        Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                caller, _ = listener.accept()
                host, _, port = self.server.rpartition(":")
                called = socket.create_connection((host, int(port)))
            except OSError:
                return
            with self._changing:
                self._open += [caller, called]
            for ends in ((caller, called), (called, caller)):
                Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(PIECE_BYTES):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)


@contextmanager
def line_to(server: str) -> Iterator[Line]:
    """Lend a line to `host:port`."""
    line = Line(server)
    line.mend()
    try:
        yield line
    finally:
        line.cut()
