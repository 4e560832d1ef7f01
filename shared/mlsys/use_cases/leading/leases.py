"""One worker at a time: claimed by compare-and-set, renewed by heartbeat, fenced at the end."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Lock, Thread
from uuid import uuid4

import structlog

from mlsys.domain.errors import AlreadyExists, Busy, Conflict, NotFound, Unavailable
from mlsys.ports import Document, Records, Replace, Write

log = structlog.get_logger()

HEARTBEATS_PER_LEASE = 4


class Lease:
    """The right to work, held by one attempt.

    Nobody's clock is trusted but the server's. When the lease is taken over, what its last holder
    still tries to commit fails with Conflict, and it should leave quietly.
    """

    def __init__(self, records: Records, document: Document, *, seconds: float) -> None:
        self._records = records
        self._document = document
        self._seconds = seconds
        self._lock = Lock()

    @property
    def attempt(self) -> int:
        """How many have held it, this one included."""
        return int(self._document.body["attempt"])

    def renew(self) -> None:
        """Show that the holder lives. Raises Conflict (taken over), Unavailable."""
        self.commit([])

    def commit(self, writes: Sequence[Write]) -> list[Document | None]:
        """Commit `writes` if the lease is still held. Raises as Records.commit."""
        with self._lock:
            body = {**self._document.body, "beat": uuid4().hex}
            renewed, *written = self._records.commit([Replace(self._document, body), *writes])
            if renewed is not None:
                self._document = renewed
        return written

    @contextmanager
    def heartbeat(self, *, lost: Event) -> Iterator[None]:
        """Renew in the background; `lost` is set when the lease is."""
        done = Event()

        def beat() -> None:
            while not done.wait(self._seconds / HEARTBEATS_PER_LEASE):
                try:
                    self.renew()
                except Conflict:
                    log.warning("lease.lost", attempt=self.attempt)
                    lost.set()
                    return
                except Unavailable as error:
                    log.warning("lease.not_renewed", reason=str(error))

        thread = Thread(target=beat, name="lease-heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def acquire(records: Records, collection: str, id: str, *, owner: str, seconds: float) -> Lease:
    """Claim the work, or take it over from who has not been heard of for `seconds`.

    The same `owner` takes over at once: it is the next attempt of the same task, and the one
    before is dead or fenced.

    Raises:
        Busy: somebody else holds it, or was quicker.

    """
    try:
        seen = records.get(collection, id)
    except NotFound:
        body = {"owner": owner, "attempt": 1, "beat": uuid4().hex}
        try:
            return Lease(records, records.create(collection, id, body), seconds=seconds)
        except AlreadyExists as error:
            raise Busy(f"{collection}/{id} was claimed by another at the same moment") from error

    silent = (seen.read_at - seen.updated_at).total_seconds()
    if seen.body["owner"] != owner and silent <= seconds:
        raise Busy(
            f"{collection}/{id} is held by {seen.body['owner']}, heard of {silent:.1f} s ago"
        )
    body = {"owner": owner, "attempt": seen.body["attempt"] + 1, "beat": uuid4().hex}
    try:
        return Lease(records, records.replace(seen, body), seconds=seconds)
    except Conflict as error:
        raise Busy(f"{collection}/{id} was taken over by another at the same moment") from error
