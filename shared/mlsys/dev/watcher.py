"""Sees files dropped into the uploads folder, however they came there, and tells of each once."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Self

import structlog

from mlsys.domain.errors import Unavailable
from mlsys.domain.formats import COMPLETE
from mlsys.ports import ObjectInfo, Objects

log = structlog.get_logger()

POLL_SECONDS = 0.25


class Watcher:
    """Looks at a bucket four times a second, inside its `with` block.

    A file still being copied has another generation at each look, so one is told of when it was
    the same at two looks. Who copies a folder may copy its `_SUCCESS` first, so that is told of
    when the whole folder was the same.
    """

    def __init__(
        self, objects: Objects, bucket: str, finalized: Callable[[ObjectInfo], object]
    ) -> None:
        self._objects = objects
        self._prefix = f"gs://{bucket}/"
        self._finalized = finalized
        self._seen: dict[str, str] = {}
        self._told: dict[str, str] = {}
        self._stopping = Event()
        self._thread = Thread(target=self._watch, name="uploads-watcher", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            try:
                self._look()
            except Unavailable as error:
                log.warning("uploads.not_read", reason=str(error))

    def _look(self) -> None:
        found = {one.uri: one for one in self._objects.list(self._prefix)}
        generations = {uri: one.generation for uri, one in found.items()}
        moving = {uri for uri, _ in generations.items() ^ self._seen.items()}
        moving_folders = {uri.rpartition("/")[0] for uri in moving}
        for uri, one in found.items():
            folder, _, file = uri.rpartition("/")
            settled = folder not in moving_folders if file == COMPLETE else uri not in moving
            if settled and self._told.get(uri) != one.generation:
                self._finalized(one)
                self._told[uri] = one.generation
        self._seen = generations
