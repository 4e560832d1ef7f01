"""Ports on which servers of tests listen."""

import os
import socket
from itertools import count

_LOWEST, _NUMBER, _APART = 10_000, 20_000, 211
_ports = (_LOWEST + (os.getpid() * _APART + n) % _NUMBER for n in count())


def free_port() -> int:
    """Return a port on which nobody listens, and that nobody else is given soon.

    A server may take its time to start. What a system chooses by itself are higher ports, and
    processes of tests begin at different ones.
    """
    return next(port for port in _ports if _is_free(port))


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
