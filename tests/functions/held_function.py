"""Serves answers that wait until a file appears; see test_loaded_functions.py.

`HELD_FOLDER` is where that file and a mark of each request that waits for it stand; `HELD_SERVER`
is `whole`, or one of two that are broken.
"""

import os
import time
from pathlib import Path

from pydantic import BaseModel

from mlsys import logs
from mlsys.edge import asgi
from mlsys.edge.http import Answer, Call, Request, Route, respond
from mlsys.edge.listening import listen

FOLDER = Path(os.environ.get("HELD_FOLDER", "."))


class Told(BaseModel):
    """Whose answer it is."""

    request_id: str


def alive(call: Call, _: Path) -> Told:
    """Answer at once."""
    return Told(request_id=call.request_id)


def hold(call: Call, folder: Path) -> Told:
    """Wait until the file is there."""
    (folder / f"waits-{call.request_id}").touch()
    while not (folder / "open").exists():
        time.sleep(0.01)
    return alive(call, folder)


def look_up(call: Call, folder: Path) -> Told:
    """Wait as for a store."""
    call.wait()
    return hold(call, folder)


def fail(_: Call, __: Path) -> Told:
    """Fail as nobody foresaw."""
    raise ZeroDivisionError("nobody foresaw this")


ROUTES = (
    Route("GET", "/fail", fail),
    Route("GET", "/alive", alive),
    Route("POST", "/hold", hold),
    Route("POST", "/look-up", look_up),
)


class Endless(asgi.Server[Path]):
    """Lets everybody stand in line."""

    def __init__(self, routes: tuple[Route[Path], ...], runtime: Path) -> None:
        super().__init__(routes, runtime)
        for line in (self._working, self._waiting):
            vars(line)["check_room"] = lambda _: None


class Looped(asgi.Server[Path]):
    """Answers everything on the loop."""

    async def _answer(self, asked: Request) -> Answer:
        return respond(self._table, asked, self._runtime)


SERVERS = {"whole": asgi.Server, "endless": Endless, "looped": Looped}


if __name__ == "__main__":
    logs.configure("error")
    kind = SERVERS[os.environ["HELD_SERVER"]]
    listen(kind(ROUTES, FOLDER), host="127.0.0.1", port=int(os.environ["HELD_PORT"]))
