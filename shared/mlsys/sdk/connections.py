"""What a client needs of a platform, near or far; `local.py` and `http.py` give it."""

import shutil
from pathlib import Path
from typing import Protocol

from mlsys.edge.http import Answer, Request
from mlsys.ports import ObjectInfo, Objects
from mlsys.settings import Settings

ANSWER_SECONDS = 60.0


class Connection(Protocol):
    """One platform, as seen from a client."""

    @property
    def settings(self) -> Settings:
        """What the client's environment says of the platform."""
        ...

    def send(self, request: Request, *, timeout_seconds: float = ANSWER_SECONDS) -> Answer:
        """Carry a request there and its answer back. Raises Unavailable (not in time)."""
        ...

    def objects(self) -> Objects:
        """Return where files are dropped. Raises InvalidInput (nothing says where)."""
        ...

    def attend(self) -> None:
        """See to it that events are delivered and jobs run while somebody waits for them."""
        ...

    def close(self) -> None:
        """End what was started."""
        ...


def drop(file: Path, *, entity: str, at: Connection) -> ObjectInfo:
    """Stream a file into the uploads bucket; it appears whole or not at all.

    Raises:
        InvalidInput: nothing says which bucket, or the file's name cannot be an object's.
        OSError: the file cannot be read.
    """
    uri = f"gs://{at.settings.uploads_bucket}/{entity}/{file.name}"
    objects = at.objects()
    with file.open("rb") as source, objects.open_writer(uri) as target:
        shutil.copyfileobj(source, target)
    return objects.stat(uri)
